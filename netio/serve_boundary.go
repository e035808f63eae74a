package netio

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// idleMark says whether net/http waits in Peek for the next request of a connection. serve_conn.go has the
// argument.
type idleMark struct{ steps atomic.Uint32 }

// The steps.
const (
	busy        = iota // or not known
	stateIdle          // was reported
	deadlineSet        // once since then
)

func (m *idleMark) reportIdle() { m.steps.Store(stateIdle) }
func (m *idleMark) clear()      { m.steps.Store(busy) }
func (m *idleMark) peeks() bool { return m.steps.Load() == deadlineSet }

// setDeadline is called before the read deadline is set. It returns true if that is the one of the idle
// timeout.
func (m *idleMark) setDeadline() bool {
	if m.steps.CompareAndSwap(stateIdle, deadlineSet) {
		return true
	}
	if m.steps.Load() != busy { // most of the time it is, and a load is cheaper than a store
		m.steps.Store(busy)
	}
	return false
}

// boundarySize is the length of the slice that net/http's Peek reads into if it has no byte of the next request.
// It is 0 if net/http does not do what serve_conn.go says.
var boundarySize = sync.OnceValue(func() int {
	const request, line = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n"
	c := &trialConn{past: make(chan struct{}, 1), input: []string{
		request,
		request + request[:1],
		request[1:] + request[:2],
		request[2:] + request[:3],
		request[3:] + line, // Peek does not read, and the buffer is empty when the line was read
		request[len(line):],
	}}
	closed := make(chan struct{})
	srv := &http.Server{
		Handler:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		ErrorLog: log.New(io.Discard, "", 0),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateIdle:
				c.idle.reportIdle()
			case http.StateClosed:
				close(closed)
			}
		},
	}
	_ = srv.Serve(&trialListener{c}) // which ends with io.EOF
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		return 0
	}
	if len(c.peeks) == 0 {
		return 0
	}
	size := c.peeks[0]
	if !slices.Equal(c.peeks, []int{size, size - 1, size - 2, size - 3, size}) {
		return 0
	}
	return size
})

// trialConn is a connection with a fixed input. It notes how long the slices are that Peek reads into.
type trialConn struct {
	net.Conn // nil
	idle     idleMark
	past     chan struct{} // has a value when the read deadline has passed
	input    []string
	peeks    []int
}

func (c *trialConn) Read(p []byte) (int, error) {
	if len(p) == 1 { // in the background, while the handler runs
		<-c.past
		return 0, os.ErrDeadlineExceeded
	}
	if c.idle.peeks() {
		c.peeks = append(c.peeks, len(p))
	}
	if len(c.input) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.input[0])
	c.input = c.input[1:]
	return n, nil
}

func (c *trialConn) SetReadDeadline(at time.Time) error {
	c.idle.setDeadline()
	if !at.IsZero() {
		c.past <- struct{}{}
	}
	return nil
}

func (c *trialConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c *trialConn) Close() error                     { return nil }
func (c *trialConn) SetDeadline(time.Time) error      { return nil }
func (c *trialConn) SetWriteDeadline(time.Time) error { return nil }
func (c *trialConn) LocalAddr() net.Addr              { return &net.UnixAddr{Net: "unix"} }
func (c *trialConn) RemoteAddr() net.Addr             { return &net.UnixAddr{Net: "unix"} }

// trialListener has one connection.
type trialListener struct{ c *trialConn }

func (l *trialListener) Accept() (net.Conn, error) {
	c := l.c
	if l.c = nil; c == nil {
		return nil, io.EOF
	}
	return c, nil
}

func (l *trialListener) Close() error   { return nil }
func (l *trialListener) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }
