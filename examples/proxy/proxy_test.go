package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

// wait bounds each wait of a test, and pause is how often it looks.
const (
	wait  = time.Minute
	pause = time.Millisecond
)

// running is a proxy that runs until stop.
type running struct {
	*proxy
	out  bytes.Buffer // complete after stop
	end  context.CancelFunc
	done chan error
}

// start runs a proxy to a target.
func start(t *testing.T, target string, change func(*options)) *running {
	o := options{listen: "127.0.0.1:0", target: target, limit: 100, idle: time.Hour, dial: wait, grace: wait}
	change(&o)
	ctx, end := context.WithCancel(t.Context())
	r := &running{end: end, done: make(chan error, 1)}
	ready := make(chan *proxy, 1)
	go func() { r.done <- run(ctx, o, &r.out, func(p *proxy) { ready <- p }) }()
	select {
	case r.proxy = <-ready:
	case err := <-r.done:
		require.NoError(t, err)
	}
	t.Cleanup(end)
	return r
}

// stop ends the proxy, and returns what it has printed.
func (r *running) stop(t *testing.T) string {
	t.Helper()
	r.end()
	select {
	case err := <-r.done:
		require.NoError(t, err) // an arena.ErrLeak if a frame were live
	case <-time.After(wait):
		require.Fail(t, "the proxy does not end")
	}
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	return r.out.String()
}

// dial connects to the proxy.
func (r *running) dial(t *testing.T) *net.TCPConn {
	c, err := net.Dial("tcp", r.listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(wait)))
	return c.(*net.TCPConn)
}

// listen returns a listener of the target, each of whose connections handle gets.
func listen(t *testing.T, handle func(*net.TCPConn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go handle(c.(*net.TCPConn))
		}
	}()
	return l.Addr().String()
}

// echo is a target that writes back what it reads, and its end.
func echo(c *net.TCPConn) {
	defer c.Close()
	_, _ = io.Copy(c, c)
}

// says checks that an echo comes back.
func says(t *testing.T, c net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
	got := make([]byte, len(text))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
}

// disconnected reads to the end of a connection, which need not be a polite one.
func disconnected(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.ReadAll(c)
	require.True(t, err == nil || errors.Is(err, syscall.ECONNRESET), "%v", err)
}

// Each half ends on its own: the answer comes after the end of the question.
func TestBothDirectionsAndHalfClose(t *testing.T) {
	question, answer := bytes.Repeat([]byte("question"), 100_000), bytes.Repeat([]byte("the answer"), 200_000)
	asked := make(chan []byte, 1)
	r := start(t, listen(t, func(c *net.TCPConn) {
		defer c.Close()
		all, _ := io.ReadAll(c) // what is missing is missed below
		asked <- all
		_, _ = c.Write(answer)
	}), func(*options) {})
	c := r.dial(t)
	_, err := c.Write(question)
	require.NoError(t, err)
	require.NoError(t, c.CloseWrite())
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.True(t, bytes.Equal(answer, got))
	require.True(t, bytes.Equal(question, <-asked))
	require.Contains(t, r.stop(t), "\n1 connections: 1 ended, 0 were idle, 0 were disconnected, 0 were stopped, 0 did not reach the target; 800000 B up, 2000000 B down\n")
}

// A receiver that does not read stops the sender. What is on its way is with the system, and not in the
// memory of the proxy.
func TestSlowPeer(t *testing.T) {
	const whole = 256 << 20 // more than the system has room for
	reads, got := make(chan struct{}), make(chan int64, 1)
	r := start(t, listen(t, func(c *net.TCPConn) {
		defer c.Close()
		<-reads
		n, _ := io.Copy(io.Discard, c)
		got <- n
	}), func(*options) {})
	before := heap()
	c := r.dial(t)
	block := make([]byte, 1<<20)
	sent := 0
	for still := 0; still < 3 && sent < whole; { // it is stopped if it has written nothing in a while, three times
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		n, err := c.Write(block)
		if sent += n; n > 0 {
			still = 0
		} else {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			still++
		}
	}
	require.Less(t, sent, whole)
	require.LessOrEqual(t, r.net.Stats().Leased, int64(64<<10)) // of the one direction that has something to pass on
	require.Less(t, heap()-before, int64(4<<20))
	close(reads)
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(wait)))
	n, err := c.Write(block) // it goes on
	require.NoError(t, err)
	require.NoError(t, c.CloseWrite())
	require.Equal(t, int64(sent+n), <-got)
	disconnected(t, c)
	require.Zero(t, r.net.Stats().Leased)
	require.Contains(t, r.stop(t), "1 connections: 1 ended")
}

// heap returns how many bytes of the Go heap are live.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Both ends are silent, or one of them takes nothing.
func TestIdlePeers(t *testing.T) {
	r := start(t, listen(t, func(c *net.TCPConn) {
		defer c.Close()
		disconnected(t, c)
	}), func(o *options) { o.idle = 50 * time.Millisecond })
	for range 5 {
		got, err := io.ReadAll(r.dial(t))
		require.NoError(t, err)
		require.Empty(t, got)
	}
	require.Contains(t, r.stop(t), "5 connections: 0 ended, 5 were idle, 0 were disconnected")

	stopped := make(chan struct{})
	defer close(stopped)
	r = start(t, listen(t, func(c *net.TCPConn) {
		<-stopped
		_ = c.Close()
	}), func(o *options) { o.idle = 50 * time.Millisecond })
	c := r.dial(t)
	var err error
	for err == nil {
		_, err = c.Write(make([]byte, 1<<20))
	}
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Contains(t, r.stop(t), "1 connections: 0 ended, 1 were idle, 0 were disconnected")
}

// What is above the limit is not accepted, and not refused: it has its turn when another one has ended.
func TestLimit(t *testing.T) {
	r := start(t, listen(t, echo), func(o *options) { o.limit = 2 })
	first, second := r.dial(t), r.dial(t)
	says(t, first, "one")
	says(t, second, "two")
	third := r.dial(t)
	_, err := io.WriteString(third, "three")
	require.NoError(t, err)
	for range 100 {
		says(t, first, "one more")
		says(t, second, "and two")
		require.EqualValues(t, 2, r.counts.accepted.Load())
	}
	require.NoError(t, first.Close())
	got := make([]byte, 5)
	_, err = io.ReadFull(third, got)
	require.NoError(t, err)
	require.Equal(t, "three", string(got))
	require.EqualValues(t, 3, r.counts.accepted.Load())
	require.NoError(t, second.Close())
	require.NoError(t, third.Close())
	require.Contains(t, r.stop(t), "3 connections: 3 ended")
}

func TestTargetIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	r := start(t, l.Addr().String(), func(o *options) { o.limit = 1 })
	for range 3 { // each gives its place back
		disconnected(t, r.dial(t))
	}
	require.Contains(t, r.stop(t), "3 did not reach the target")

	r = start(t, listen(t, echo), func(o *options) { o.dial = 1 }) // no dial is as fast
	disconnected(t, r.dial(t))
	require.Contains(t, r.stop(t), "1 did not reach the target")
}

// A client that resets its connection ends the one to the target.
func TestResetIsPassedOn(t *testing.T) {
	ended := make(chan struct{})
	r := start(t, listen(t, func(c *net.TCPConn) {
		echo(c)
		close(ended)
	}), func(*options) {})
	c := r.dial(t)
	says(t, c, "hello")
	require.NoError(t, c.SetLinger(0))
	require.NoError(t, c.Close())
	<-ended
	require.Contains(t, r.stop(t), "1 connections: 0 ended, 0 were idle, 1 were disconnected")
}

// After a signal, what is open goes on, and nothing new is accepted.
func TestOpenConnectionsMayEnd(t *testing.T) {
	r := start(t, listen(t, echo), func(*options) {})
	c := r.dial(t)
	says(t, c, "hello")
	addr := r.listener.Addr().String()
	r.end()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, wait, pause)
	says(t, c, "still there")
	require.NoError(t, c.CloseWrite())
	disconnected(t, c)
	require.Contains(t, r.stop(t), " 0 were stopped")
}

// What does not end is stopped, and so is the wait for a place.
func TestOpenConnectionsAreStopped(t *testing.T) {
	r := start(t, listen(t, echo), func(o *options) { o.grace, o.limit = time.Millisecond, 2 })
	conns := []*net.TCPConn{r.dial(t), r.dial(t)}
	for _, c := range conns {
		says(t, c, "hello")
	}
	require.Contains(t, r.stop(t), "2 connections: 0 ended, 0 were idle, 0 were disconnected, 2 were stopped")
	for _, c := range conns {
		disconnected(t, c)
	}
}

func TestFlags(t *testing.T) {
	_, err := parse([]string{"-limit", "3", "-idle", "1s"}, io.Discard)
	require.NoError(t, err)
	for _, args := range [][]string{{"-limit", "0"}, {"-idle", "-1s"}, {"-dial", "x"}, {"more"}} {
		_, err := parse(args, io.Discard)
		require.Error(t, err)
	}
	require.Error(t, run(t.Context(), options{listen: "nowhere"}, io.Discard, func(*proxy) {}))
}
