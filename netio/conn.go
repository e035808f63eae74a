package netio

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// Conn is a connection: a handle of 8 bytes without Go pointers. It may be copied and kept: when the
// connection is closed, what is done with it fails with [net.ErrClosed], even after another
// connection has begun to use its memory. The zero Conn is a closed one.
//
// Any goroutine and task may use a Conn. One task at a time may wait to read, and one to write: another
// one that would wait for the same gets [ErrBusy].
type Conn struct{ h handle }

// Readable waits until there is something to be learned by TryRead: bytes, the end of the data, a
// deadline that has passed, or that the connection is closed. It holds no buffer, and has no frame: the
// function that calls it is all that an idle connection has. It may return for nothing, so TryRead may
// say [ErrNotReady]. If Readable returns an error, that is [ErrBusy], or the context of t has ended.
func (c Conn) Readable(t *task.T) error {
	return c.h.Readable(t)
}

// Writable waits until there is something to be learned by TryWrite. Otherwise it is as Readable.
func (c Conn) Writable(t *task.T) error {
	return c.h.Writable(t)
}

// Readable waits until the reading direction is ready. If it was so 16 times, others have their turn: a peer
// that sends without a pause does not keep the worker from them.
func (h handle) Readable(t *task.T) error {
	wait, over, err := h.mustWait(reading)
	switch {
	case wait:
		return task.Suspend(t, func(w coro.Waker) { h.await(reading, w) })
	case over:
		return t.Yield()
	default:
		return err
	}
}

// Writable waits until the writing direction is ready.
func (h handle) Writable(t *task.T) error {
	if wait, _, err := h.mustWait(writing); !wait {
		return err
	}
	return task.Suspend(t, func(w coro.Waker) { h.await(writing, w) })
}

// TryRead reads what there is, up to the length of b, and does not wait. It returns 0 and
// [ErrNotReady] if there is nothing, 0 and io.EOF at the end of the data.
func (c Conn) TryRead(b []byte) (int, error) {
	n, err := c.h.tryRead(b)
	if err != nil && err != ErrNotReady && err != io.EOF {
		err = c.h.opError("read", err)
	}
	return n, err
}

// TryWrite writes as much of b as there is room for, and does not wait. If that is not all, the error
// is not nil; it is [ErrNotReady] if there was no room for more.
func (c Conn) TryWrite(b []byte) (int, error) {
	n, err := c.h.tryWrite(b)
	if err != nil && err != ErrNotReady {
		err = c.h.opError("write", err)
	}
	return n, err
}

// Read reads what there is, up to the length of b. If there is nothing, it waits. At the end of the data
// it returns io.EOF. While it waits, b is kept: a connection that is idle for long calls Readable
// first, or ReadLease.
func (c Conn) Read(t *task.T, b []byte) (int, error) {
	for {
		n, err := c.TryRead(b)
		if err != ErrNotReady {
			return n, c.takeTurns(t, err)
		}
		if err := c.Readable(t); err != nil {
			return 0, err
		}
	}
}

// ReadFull reads len(b) bytes. If the data ends before that, the error is io.ErrUnexpectedEOF or, if
// there was no byte, io.EOF. It returns how many bytes were read.
func (c Conn) ReadFull(t *task.T, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		k, err := c.Read(t, b[n:])
		n += k
		if err != nil {
			if err == io.EOF && n > 0 {
				err = io.ErrUnexpectedEOF
			}
			return n, err
		}
	}
	return n, nil
}

// Write writes b. While there is no room for more, it waits: so whoever reads from one connection and
// writes to another does not read what cannot be written. It returns how many bytes were written.
func (c Conn) Write(t *task.T, b []byte) (int, error) {
	n := 0
	for {
		k, err := c.TryWrite(b[n:])
		n += k
		if err != ErrNotReady {
			return n, err
		}
		if err := c.Writable(t); err != nil {
			return n, err
		}
	}
}

// WriteBuffers writes the contents of bufs, with as few calls of the system as it allows (writev). It
// removes from bufs what it has written, as net.Buffers does, and returns how many bytes that is.
func (c Conn) WriteBuffers(t *task.T, bufs *net.Buffers) (int64, error) {
	var n int64
	for {
		k, err := c.h.tryWriteBuffers(bufs)
		n += k
		if err == nil {
			return n, nil
		}
		if err != ErrNotReady {
			return n, c.h.opError("write", err)
		}
		if err := c.Writable(t); err != nil {
			return n, err
		}
	}
}

// takeTurns lets other tasks run after 16 reads without a wait: a peer that sends without a pause does
// not keep the worker from them. It returns err; the end of t's context is left for the next wait.
func (c Conn) takeTurns(t *task.T, err error) error {
	if err == nil && c.h.turnIsOver() {
		_ = t.Yield()
	}
	return err
}

func (h handle) tryRead(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, ErrEmptyBuffer
	}
	if n := h.readPeeked(b); n > 0 {
		return n, nil
	}
	k, err := h.enter(reading)
	if err != nil {
		return 0, err
	}
	n, err := k.read(b)
	// The system reports what comes after a call, but not what the call has left.
	h.leave(reading, n > 0, n == len(b) || err != nil && err != ErrNotReady)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

func (h handle) tryWrite(b []byte) (int, error) {
	n := 0
	for {
		k, err := h.enter(writing)
		if err != nil {
			return n, err
		}
		m, err := k.write(b[n:])
		n += m
		h.leave(writing, m > 0, err == nil || err != ErrNotReady)
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

func (h handle) tryWriteBuffers(bufs *net.Buffers) (int64, error) {
	var n int64
	for {
		for len(*bufs) > 0 && len((*bufs)[0]) == 0 {
			*bufs = (*bufs)[1:]
		}
		if len(*bufs) == 0 {
			return n, nil
		}
		k, err := h.enter(writing)
		if err != nil {
			return n, err
		}
		m, err := k.writeBuffers(*bufs)
		h.leave(writing, m > 0, err == nil || err != ErrNotReady)
		n += int64(m)
		for m > 0 {
			first := (*bufs)[0]
			if m < len(first) {
				(*bufs)[0] = first[m:]
				break
			}
			m -= len(first)
			(*bufs)[0] = nil
			*bufs = (*bufs)[1:]
		}
		if err != nil {
			return n, err
		}
	}
}

// readPeeked reads from what was given to Adopt.
func (h handle) readPeeked(b []byte) int {
	s := h.lock()
	if s == nil {
		return 0
	}
	defer s.mu.Unlock()
	if s.more == nil || len(s.more.peeked) == 0 || s.refused(reading) != nil {
		return 0
	}
	n := copy(b, s.more.peeked)
	if s.more.peeked = s.more.peeked[n:]; len(s.more.peeked) == 0 {
		s.more.peeked = nil
	}
	return n
}

// Close closes the connection. Tasks that wait for it go on and get [net.ErrClosed], as does a second
// Close. It does not wait for data that is still to be sent, as net.Conn's does not.
func (c Conn) Close() error {
	if err := c.h.close(); err != nil {
		return c.h.opError("close", err)
	}
	return nil
}

// CloseRead closes the reading half: reads fail with an error that wraps net.ErrClosed.
func (c Conn) CloseRead() error { return c.closeHalf(reading) }

// CloseWrite closes the writing half: the peer reads the end of the data, and may still write.
func (c Conn) CloseWrite() error { return c.closeHalf(writing) }

func (c Conn) closeHalf(d direction) error {
	s := c.h.lock()
	if s == nil {
		return c.h.opError("close", errClosed)
	}
	err := s.socket.shutdown(d)
	s.flags |= d.bit(flagShut)
	var w woken
	w.take(s, d)
	s.mu.Unlock()
	w.wake()
	if err != nil {
		return c.h.opError("close", err)
	}
	return nil
}

// LocalAddr returns the address of this end, or nil if the connection is closed.
func (c Conn) LocalAddr() net.Addr { return c.h.address(socket.local) }

// RemoteAddr returns the address of the other end, or nil if the connection is closed.
func (c Conn) RemoteAddr() net.Addr { return c.h.address(socket.remote) }

func (h handle) address(of func(socket) net.Addr) net.Addr {
	s := h.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	return of(s.socket)
}

// Control calls f with the descriptor of the connection, as syscall.RawConn does: it is valid, and not
// closed, until f returns. f must not close it, make it blocking, or wait.
func (c Conn) Control(f func(fd uintptr)) error {
	return c.with("control", func(k socket) error { return k.control(f) })
}

// SetNoDelay says whether the system sends small packets at once, which it does unless told otherwise.
func (c Conn) SetNoDelay(noDelay bool) error {
	return c.with("set", func(k socket) error { return k.setNoDelay(noDelay) })
}

// SetLinger says what Close does with data that was not sent; see net.TCPConn.SetLinger.
func (c Conn) SetLinger(seconds int) error {
	return c.with("set", func(k socket) error { return k.setLinger(seconds) })
}

// SetKeepAliveConfig says when the system looks whether an idle peer is still there; see
// net.TCPConn.SetKeepAliveConfig.
func (c Conn) SetKeepAliveConfig(config net.KeepAliveConfig) error {
	return c.with("set", func(k socket) error { return k.setKeepAlive(config) })
}

func (c Conn) with(op string, f func(socket) error) error {
	if err := c.h.with(f); err != nil {
		return c.h.opError(op, err)
	}
	return nil
}

// with calls f with the socket, which is not closed meanwhile.
func (h handle) with(f func(socket) error) error {
	s := h.lock()
	if s == nil {
		return errClosed
	}
	s.users++
	k := s.socket
	s.mu.Unlock()
	defer h.leave(reading, false, true) // also if f panics
	return f(k)
}

// opError returns an error of a connection as package net has them.
func (h handle) opError(op string, err error) *net.OpError {
	e := &net.OpError{Op: op, Err: err}
	s := h.lock()
	if s == nil {
		e.Net = "tcp"
		if errors.Is(err, net.ErrClosed) {
			e.Err = net.ErrClosed
		}
		return e
	}
	defer s.mu.Unlock()
	e.Source, e.Addr = s.socket.local(), s.socket.remote()
	if e.Source != nil {
		e.Net = e.Source.Network()
	}
	return e
}

// SetIdleTimeout makes reads and writes fail with [ErrIdleTimeout] when nothing was read or written for
// the time d, and wakes what waits then. It is measured to an eighth of the shortest such timeout of
// the Net, and costs nothing for each connection. If d is not positive, there is none any more.
func (c Conn) SetIdleTimeout(d time.Duration) error {
	s := c.h.lock()
	if s == nil {
		return c.h.opError("set", errClosed)
	}
	defer s.mu.Unlock()
	n := pageOf(c.h.number()).net
	s.flags &^= flagIdle
	s.idle = ticksOf(d)
	if s.idle != 0 {
		n.sweeper.expect(d)
	}
	s.activity = n.ticks.Load() // which expect may have set
	return nil
}
