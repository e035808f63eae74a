package docs_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server runs the server of getting-started.md. It returns a function that sends a request, and
// one that ends the server.
func server(t *testing.T, patience time.Duration) (request func(method, path string) (int, string), end func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, patience) }()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request = func(method, path string) (int, string) {
		r, err := http.NewRequest(method, "http://"+listener.Addr().String()+path, nil)
		require.NoError(t, err)
		response, err := client.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	return request, func() error {
		cancel()
		return <-served
	}
}

func TestOrdersArePaid(t *testing.T) {
	request, end := server(t, time.Hour)
	for _, number := range []string{"1", "2"} {
		status, body := request("POST", "/orders")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, number+"\n", body)
	}
	for _, number := range []string{"2", "1"} {
		status, _ := request("POST", "/orders/"+number+"/payment")
		require.Equal(t, http.StatusOK, status)
		status, body := request("GET", "/orders/"+number)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "paid\n", body)
	}
	status, _ := request("GET", "/orders/3")
	require.Equal(t, http.StatusNotFound, status)
	require.NoError(t, end())
}

func TestOrdersExpire(t *testing.T) {
	request, end := server(t, time.Millisecond)
	_, number := request("POST", "/orders")
	require.Equal(t, "1\n", number)
	_, body := request("GET", "/orders/1")
	require.Equal(t, "expired\n", body)
	require.NoError(t, end())
}

// Orders that are still open when the server ends are cancelled, and leave nothing behind.
func TestOrdersAreOpenAtTheEnd(t *testing.T) {
	request, end := server(t, time.Hour)
	request("POST", "/orders")
	require.NoError(t, end())
}
