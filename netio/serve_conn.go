package netio

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/framearena/framearena/task"
)

// Parking connections of net/http.
//
// A connection is either with net/http, where it has a goroutine, or parked, where it has a task. It is
// parked between two requests only, when net/http has no byte of the next one: otherwise that byte would be
// lost with the buffers.
//
// # How the connection knows that it stands between two requests
//
// net/http reads through a bufio.Reader. After a response it calls ConnState with StateIdle, sets the read
// deadline to the end of the idle timeout, and waits for the next request by Peek(4). If the buffer has four
// bytes, Peek does not read. Otherwise it reads into what is left of the buffer: so the length of the slice
// that Read gets is the size of the buffer less the bytes in it. If that is the size, there are none. After
// Peek, net/http sets the read deadline anew, before it takes a byte out of the buffer.
//
// So Read stands between two requests if StateIdle was the last state, the read deadline was set exactly once
// since, and the slice has the size of the buffer. net/http does not promise any of this. boundarySize
// tries it out, once for each process, and returns the size, or 0, which no slice has: then no connection is
// parked, and all is as with net/http alone. What else calls SetReadDeadline meanwhile can only prevent
// parking.
//
// # Parking
//
// Read then waits for parkAfter, and returns errParked if nothing came. This ends net/http's goroutine, as
// each error does there. It closes the connection, which does nothing in this phase, and calls ConnState
// with StateClosed. After that it does not touch the connection any more, so that a task may wait for it.
//
// The task reads the first byte of a connection, or the first four of a request after another one: so many does
// net/http wait for, within the idle timeout and without an answer if they do not come. A peer that has
// closed the connection does not cost a goroutine. Read delivers these bytes first.

// httpConn is a connection of Serve. In the phase active, and after Hijack, it is used as any net.Conn. When it
// is parked, its task has it.
type httpConn struct {
	blockingConn
	s *httpServer

	previous, next *httpConn // in the ring of parked connections; guarded by the server's lock, as what follows
	phase          phase
	closes         uint8 // calls of Close in the phase parking

	// What follows is used by net/http's goroutine, or by the task.
	idle      idleMark        // any goroutine may set deadlines
	idleUntil time.Time       // the end of the idle timeout, or zero; valid if idle.peeks
	ctx       context.Context // what ConnContext has returned, or nil
	first     [4]byte         // what the task has read; Read has not delivered first[:held] yet
	held      uint8           //
	need      uint8           // how many bytes the task reads
	requested bool            // the task has read them
	announced bool            // ConnState was called
	http1     bool            // a handler was called, with a request of HTTP/1
	posted    bool            // for the last request, which was a POST
}

// phase is who has a connection.
type phase uint8

const (
	active   phase = iota // net/http
	parking               // net/http, which has got errParked and will not read again
	parked                // a task
	hijacked              // the handler
	ended
)

// errParked ends net/http's goroutine. It is an error of a read, for which net/http sends no answer.
var errParked = &net.OpError{Op: "read", Err: errors.New("netio: the connection is parked")}

var errServed = errors.New("netio: the connection is Serve's until it is hijacked")

func (c *httpConn) Read(p []byte) (int, error) {
	if !c.idle.peeks() {
		return c.read(p)
	}
	if len(p) == boundarySize() {
		return c.readAtBoundary(p)
	}
	// net/http has up to three bytes of a request already.
	if !c.idleUntil.IsZero() {
		if err := c.blockingConn.SetReadDeadline(c.idleUntil); err != nil {
			return 0, err
		}
	}
	return c.read(p)
}

// read is Read where nothing is parked.
func (c *httpConn) read(p []byte) (int, error) {
	if c.held == 0 || len(p) == 0 {
		return c.blockingConn.Read(p)
	}
	n := copy(p, c.first[:c.held])
	c.held = uint8(copy(c.first[:], c.first[n:c.held]))
	if n < len(p) {
		more, _ := c.c.h.tryRead(p[n:]) // the next Read has the error
		n += more
	}
	return n, nil
}

// readAtBoundary reads the beginning of a request, or begins to park the connection.
func (c *httpConn) readAtBoundary(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	timer := c.s.timers.Get().(*time.Timer)
	timer.Reset(c.grace())
	n, err := 0, ErrNotReady
	for err == ErrNotReady && c.c.h.blockFor(reading, timer.C) {
		n, err = c.c.h.tryRead(p)
	}
	timer.Stop()
	c.s.timers.Put(timer)
	switch {
	case err == ErrNotReady:
		c.setPhase(parking)
		return 0, errParked
	case err != nil:
		return n, c.readError(err)
	}
	c.idle.clear()
	if n < 4 && !c.idleUntil.IsZero() { // Peek reads again
		if err := c.blockingConn.SetReadDeadline(c.idleUntil); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// grace is how long the connection waits for a request before it is parked.
func (c *httpConn) grace() time.Duration {
	if c.idleUntil.IsZero() {
		return c.s.parkAfter
	}
	return min(c.s.parkAfter, time.Until(c.idleUntil))
}

// SetReadDeadline sets the deadline, but for the idle timeout: Read looks at that, since most of the time the
// next request comes before a timer would be worth its price.
func (c *httpConn) SetReadDeadline(at time.Time) error {
	if c.idle.setDeadline() {
		c.idleUntil, at = at, time.Time{}
	}
	return c.blockingConn.SetReadDeadline(at)
}

// Close closes the connection, unless net/http calls it because of errParked.
func (c *httpConn) Close() error {
	c.s.mu.Lock()
	if c.phase == parking {
		if c.closes++; c.closes == 1 {
			c.s.mu.Unlock()
			return nil
		}
		// The second call is not net/http's goroutine's.
		c.phase = active
	}
	c.s.mu.Unlock()
	return c.blockingConn.Close()
}

func (c *httpConn) setPhase(p phase) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.phase, c.closes = p, 0
}

// parkOrEnd is called when net/http's goroutine does not need the connection any more. It returns true if the
// connection is parked now, and false if it is closed.
func (c *httpConn) parkOrEnd() bool {
	c.s.mu.Lock()
	if c.phase != parking {
		c.phase = ended
		c.s.mu.Unlock()
		return false
	}
	c.s.mu.Unlock()

	var timeout time.Duration
	if !c.idleUntil.IsZero() {
		timeout = max(time.Until(c.idleUntil), 1)
	}
	c.idle.clear()
	c.http1 = false
	c.need = uint8(len(c.first))
	if c.s.connState == nil && c.s.connContext == nil { // nobody else may use the connection
		c.local, c.remote = nil, nil
	}
	return c.s.park(c, timeout)
}

// park gives a connection to a task. If the server is closed, it closes the connection and returns false.
func (s *httpServer) park(c *httpConn, timeout time.Duration) bool {
	c.c.h.shrink()
	_ = c.c.SetIdleTimeout(timeout) // the task finds out whether the connection is closed
	s.mu.Lock()
	if s.closed {
		c.phase = ended
		s.mu.Unlock()
		_ = c.blockingConn.Close() // its peer or the user may have been faster
		return false
	}
	c.phase = parked
	c.previous, c.next = s.parked.previous, &s.parked
	c.previous.next, c.next.previous = c, c
	s.waits.Add(1)
	s.mu.Unlock()
	if err := task.Go(s.l.n.executor, task.Do1(awaitRequest, c), s.launch...); err != nil {
		c.waited() // there is no memory, or the executor is closed
	}
	return true
}

// awaitRequest waits until the peer has sent something, or is gone. It holds no buffer meanwhile.
func awaitRequest(t *task.T, c *httpConn) error {
	defer c.waited()
	for {
		if err := c.c.Readable(t); err != nil {
			return nil // another task waits for the connection; who has it then does not matter
		}
		if c.tryFirst() != ErrNotReady {
			return nil
		}
	}
}

// tryFirst reads the first bytes of a request.
func (c *httpConn) tryFirst() error {
	for c.held < c.need {
		n, err := c.c.h.tryRead(c.first[c.held:c.need])
		if err != nil {
			return err
		}
		c.held += uint8(n)
	}
	if c.posted { // net/http skips what old clients send after a POST, and would not know about that
		request := bytes.TrimLeft(c.first[:c.held], "\r\n")
		c.held = uint8(copy(c.first[:], request))
	}
	c.requested = true
	return nil
}

// waited gives the connection to net/http, or closes it if there is no request.
func (c *httpConn) waited() {
	s := c.s
	defer s.waits.Done()
	s.mu.Lock()
	c.previous.next, c.next.previous = c.next, c.previous
	c.previous, c.next = nil, nil
	c.phase = active
	s.mu.Unlock()
	if !c.requested {
		c.end()
		return
	}
	c.requested = false
	_ = c.c.SetIdleTimeout(0) // an error comes with the next Read
	if c.remote == nil {
		c.local, c.remote = c.c.LocalAddr(), c.c.RemoteAddr()
	}
	if !s.feed.push(c) {
		c.end()
	}
}

// end closes a connection that net/http does not have.
func (c *httpConn) end() {
	c.setPhase(ended)
	_ = c.blockingConn.Close() // its peer or the user may have been faster
	if c.announced && c.s.connState != nil {
		c.s.waits.Go(func() { c.s.connState(c, http.StateClosed) }) // it may block
	}
}

// adopted is for Adopt.
func (c *httpConn) adopted(n *Net) (Conn, error) {
	c.s.mu.Lock()
	p := c.phase
	c.s.mu.Unlock()
	if p != hijacked {
		return Conn{}, errServed
	}
	return c.blockingConn.adopted(n)
}
