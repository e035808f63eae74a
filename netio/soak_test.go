//go:build linux

package netio

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

var (
	soakFor  = flag.Duration("soak", 0, "how long TestSoak runs; 0: a few rounds")
	soakSeed = flag.Uint64("soak.seed", 1, "the seed of TestSoak")
)

// soakServer has an echo for each connection, some of which fail at random.
func soakServer(t *task.T, l *Listener, config *tls.Config, seed uint64) error {
	var g task.Group
	for number := seed; ; number++ {
		c, err := l.Accept(t)
		if err != nil {
			return errors.Join(err, g.Wait(t))
		}
		g.Go(t, func(t *task.T) error {
			_ = soakSession(t, c, config, number) // each of them may fail
			return nil
		})
	}
}

// soakSession echoes, until its peer or chance ends it.
func soakSession(t *task.T, c Conn, config *tls.Config, seed uint64) error {
	defer c.Close()
	chance := rand.New(rand.NewPCG(seed, 2))
	if err := c.SetIdleTimeout(time.Duration(20+chance.IntN(200)) * time.Millisecond); err != nil {
		return err
	}
	s := Stream(c)
	if config != nil {
		secured, err := TLSServer(t, c, config)
		if err != nil {
			return err
		}
		defer secured.Close()
		s = secured
	}
	for {
		switch chance.IntN(40) {
		case 0:
			return c.SetLinger(0) // a reset
		case 1:
			return nil
		case 2:
			if err := s.SetReadDeadline(time.Now().Add(time.Duration(chance.IntN(3)-1) * time.Millisecond)); err != nil {
				return err
			}
		case 3:
			if err := s.SetWriteDeadline(time.Now().Add(time.Duration(chance.IntN(3)-1) * time.Millisecond)); err != nil {
				return err
			}
		case 4:
			_, err := task.Block(t, func() (int, error) { // a goroutine goes on for a moment
				b := make([]byte, 10)
				k, err := s.NetConn().Read(b)
				if err != nil {
					return 0, err
				}
				return s.NetConn().Write(b[:k])
			})
			if err != nil {
				return err
			}
		case 5:
			if err := task.Timeout(t, time.Millisecond, func(t *task.T) error { return s.Readable(t) }); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
		}
		l, err := s.ReadLease(t, 1+chance.IntN(4096))
		if err != nil {
			return err
		}
		_, err = s.Write(t, l.Bytes)
		l.End()
		if err != nil {
			return err
		}
	}
}

// soakProxy passes connections on to an echo.
func soakProxy(t *task.T, n *Net, l *Listener, to string) error {
	var g task.Group
	for {
		c, err := l.Accept(t)
		if err != nil {
			return errors.Join(err, g.Wait(t))
		}
		g.Go(t, func(t *task.T) error {
			defer c.Close()
			other, err := n.Dial(t, "tcp", to)
			if err != nil {
				return nil
			}
			defer other.Close()
			_ = proxy(t, c, other) // each of them may fail
			return nil
		})
	}
}

// soakClient talks to a server for a moment, and ends as chance has it. What it hears must be what it said.
func soakClient(addr string, secured bool, chance *rand.Rand) (heard int, wrong bool) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, false
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(time.Second)) // what fails, fails later
	c := raw
	if secured {
		c = tls.Client(raw, clientConfig())
	}
	for range chance.IntN(12) {
		said := make([]byte, 1+chance.IntN(1<<chance.IntN(16)))
		for i := range said {
			said[i] = byte(chance.Uint32())
		}
		var listening sync.WaitGroup
		got := make([]byte, len(said))
		k := 0
		listening.Go(func() { k, _ = io.ReadFull(c, got) })
		_, err := c.Write(said)
		if err != nil || chance.IntN(30) == 0 {
			_ = raw.(*net.TCPConn).SetLinger(chance.IntN(2) - 1)
			_ = raw.Close()
		}
		listening.Wait()
		heard += k
		if string(got[:k]) != string(said[:k]) {
			return heard, true
		}
		if k < len(said) {
			return heard, false
		}
	}
	switch chance.IntN(4) {
	case 0:
		_ = raw.(*net.TCPConn).SetLinger(0)
	case 1:
		_ = raw.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, raw) // until the server has ended, or the deadline
	}
	return heard, false
}

// soakHTTP asks a few times over one connection, and may go away in the midst of it.
func soakHTTP(addr string, chance *rand.Rand) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Second}
	for range chance.IntN(5) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+chance.IntN(50))*time.Millisecond)
		request, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/", nil)
		if err == nil {
			if response, err := client.Do(request); err == nil {
				_, _ = io.Copy(io.Discard, response.Body) // may be cut off
				_ = response.Body.Close()
			}
		}
		cancel()
		time.Sleep(time.Duration(chance.IntN(20)) * time.Millisecond) // so that it is parked, or is not
	}
}

func openDescriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}

// Servers and peers that fail at random: nothing wrong is heard, and in the end no goroutine, descriptor, frame or byte is
// left. For longer:
//
//	go test ./netio -run TestSoak -soak 15m -timeout 20m
func TestSoak(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0") // Go's poller has descriptors from now on
	require.NoError(t, err)
	require.NoError(t, first.Close())
	descriptors, goroutines := openDescriptors(t), runtime.NumGoroutine()
	pool := executor.NewPool()
	n, err := Open(pool, WithHandshakes(8), WithHandshakeTimeout(200*time.Millisecond), WithBudget(1<<20))
	require.NoError(t, err)
	var listeners []*Listener
	for range 4 {
		l, err := n.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listeners = append(listeners, l)
	}
	plain, secured, proxied, web := listeners[0], listeners[1], listeners[2], listeners[3]
	var served []task.Handle[task.None]
	for _, call := range []task.Call[task.None]{
		task.Do3(soakServer, plain, nil, *soakSeed),
		task.Do3(soakServer, secured, serverConfig(), *soakSeed),
		task.Do3(soakProxy, n, proxied, plain.Addr().String()),
	} {
		h, err := task.Start(pool, call, task.RequireCompiled())
		require.NoError(t, err)
		served = append(served, h)
	}
	ctx, stop := context.WithCancel(context.Background())
	webServed := make(chan error, 1)
	go func() {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") })
		webServed <- n.Serve(ctx, web, handler, WithParkAfter(time.Millisecond), WithShutdownTimeout(10*time.Second))
	}()

	end := time.Now().Add(*soakFor)
	heard := 0
	for round := uint64(0); round < 3 || time.Now().Before(end); round++ {
		var clients sync.WaitGroup
		var mu sync.Mutex
		for i := range uint64(32) {
			clients.Go(func() {
				chance := rand.New(rand.NewPCG(*soakSeed+round, i))
				if i%4 == 3 {
					soakHTTP(web.Addr().String(), chance)
					return
				}
				l := [...]*Listener{plain, secured, proxied}[i%4]
				k, wrong := soakClient(l.Addr().String(), l == secured, chance)
				mu.Lock()
				defer mu.Unlock()
				heard += k
				if wrong {
					t.Errorf("round %d, client %d: other bytes were heard than were said", round, i)
				}
			})
		}
		clients.Wait()
	}
	require.Positive(t, heard)
	stop()
	require.NoError(t, <-webServed)
	for _, l := range []*Listener{plain, secured, proxied} {
		require.NoError(t, l.Close())
	}
	for _, h := range served {
		_, err := h.WaitContext(context.Background())
		require.ErrorIs(t, err, net.ErrClosed)
	}
	require.Eventually(t, func() bool {
		s := n.Stats()
		return s.Open == 0 && s.Leased == 0 && s.Handshakes == 0
	}, wait, pause, "something is left: %+v", n.Stats())
	require.NoError(t, n.Close())
	require.NoError(t, pool.Close())
	require.Zero(t, pool.Arena().Stats().Total.Live, "frames are left")
	http.DefaultClient.CloseIdleConnections()
	require.Eventually(t, func() bool { return openDescriptors(t) <= descriptors }, wait, pause, "descriptors are left")
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+1 }, wait, pause, "goroutines are left") // one calls this function
	t.Logf("%d bytes were heard", heard)
}
