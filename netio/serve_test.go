package netio

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

// inForm makes Serve launch its tasks with an option.
func inForm(form task.Option) ServeOption {
	return serveOptionFunc(func(o *serveOptions) { o.launch = append(o.launch, form) })
}

// startServe serves h until the test ends, and requires that Serve ends without an error then.
func startServe(t testing.TB, n *Net, l *Listener, h http.Handler, opts ...ServeOption) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(ctx, l, h, opts...) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
}

// parkedConns returns how many connections of n wait for a request in tasks.
func parkedConns(n *Net) (parked int) {
	n.mu.Lock()
	pages := n.pages
	n.mu.Unlock()
	n.each(pages, func(h handle) {
		if s := h.lock(); s != nil {
			if s.wakers[reading].Pending() {
				parked++
			}
			s.mu.Unlock()
		}
	})
	return parked
}

// awaitParked waits until n connections and the listener wait.
func awaitParked(t *testing.T, n *Net, conns int) {
	require.Eventually(t, func() bool { return parkedConns(n) == conns+1 }, wait, pause)
}

// What net/http does in its Peek is what serve_conn.go says. If this fails with a new release of Go, no
// connection is parked there.
func TestBoundarySize(t *testing.T) {
	require.Equal(t, 4096, boundarySize())
}

func TestServe(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		startServe(t, n, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", string(body), " ", err)
		}), inForm(form))
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		in := bufio.NewReader(c)
		for i := range 20 {
			if i%2 == 0 {
				awaitParked(t, n, 1)
			}
			req, err := http.NewRequest("POST", fmt.Sprintf("http://a/%d", i), strings.NewReader(strings.Repeat("x", i)))
			require.NoError(t, err)
			require.NoError(t, req.Write(c))
			res, err := http.ReadResponse(in, req)
			require.NoError(t, err)
			text, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("POST /%d %s <nil>", i, strings.Repeat("x", i)), string(text))
		}
	})
}

// servers starts Serve and http.Server with the same handler and settings.
func servers(t testing.TB, n *Net, h http.Handler, settings func() *http.Server) (ours, standard net.Addr) {
	l, err := n.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	startServe(t, n, l, h, WithHTTPServer(settings()))

	nl, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := settings()
	srv.Handler = h
	go srv.Serve(nl)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	return l.Addr(), nl.Addr()
}
