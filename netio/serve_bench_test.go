package netio

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
)

// BenchmarkServe has requests over keep-alive connections that are never idle, to Serve and to http.Server.
func BenchmarkServe(b *testing.B) {
	pool := executor.NewPool()
	defer pool.Close()
	n, err := Open(pool)
	require.NoError(b, err)
	defer n.Close()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	for _, with := range []struct {
		name     string
		settings func() *http.Server
	}{
		{"no timeouts", func() *http.Server { return new(http.Server) }},
		{"timeouts", func() *http.Server {
			return &http.Server{ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute}
		}},
	} {
		b.Run(with.name, func(b *testing.B) {
			ours, standard := servers(b, n, hello, with.settings)
			for _, conns := range []string{"1 connection", "64 connections"} {
				many := map[string]int{"1 connection": 1, "64 connections": 64}[conns]
				b.Run(conns+"/http.Server", func(b *testing.B) { benchmarkRequests(b, standard, many) })
				b.Run(conns+"/Serve", func(b *testing.B) { benchmarkRequests(b, ours, many) })
			}
		})
	}
}

// benchmarkRequests makes b.N requests over some connections, one at a time on each.
func benchmarkRequests(b *testing.B, addr net.Addr, conns int) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var all []net.Conn
	for range conns {
		c, err := net.Dial("tcp", addr.String())
		require.NoError(b, err)
		all = append(all, c)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var clients sync.WaitGroup
	for _, c := range all {
		clients.Go(func() {
			defer c.Close()
			in := bufio.NewReader(c)
			for left.Add(-1) >= 0 {
				if err := request(c, in); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// request makes a request, without the work of an http.Client.
func request(c net.Conn, in *bufio.Reader) error {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err = in.Discard(len("hello"))
			return err
		}
	}
}
