package netio

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/framearena/framearena/internal/interleave"
)

// NetConn returns the connection as a net.Conn, for code that blocks: a library, or package net/http. Its
// reads and writes block their goroutines, not workers, and are not for task functions outside of
// [task.Block]. Its deadlines are those of c, and its Close closes c. When that code is done, tasks go on
// with c.
//
// Any goroutine may use it; reads wait for each other, and so do writes.
func (c Conn) NetConn() net.Conn { return c.blocking() }

func (c Conn) blocking() *blockingConn {
	return &blockingConn{c: c, local: c.LocalAddr(), remote: c.RemoteAddr()}
}

// blockingConn is a Conn for goroutines.
type blockingConn struct {
	c             Conn
	local, remote net.Addr

	reading, writing sync.Mutex
}

// block waits until there is something to be learned by trying again. One goroutine at a time may wait
// for a direction.
func (h handle) block(d direction) { h.blockFor(d, nil) }

// blockFor is block until there is a value in timeout. It returns false then.
func (h handle) blockFor(d direction, timeout <-chan time.Time) bool {
	s := h.lock()
	if s == nil {
		return true
	}
	if s.isReady(d) {
		s.mu.Unlock()
		return true
	}
	wake := &s.extended().goroutine[d]
	if *wake == nil {
		*wake = make(chan struct{}, 1)
	}
	woken := *wake
	s.awaitPortable(h, d)
	s.mu.Unlock()
	if timeout == nil {
		interleave.Receive(woken)
		return true
	}
	select {
	case <-woken:
		return true
	case <-timeout:
		return false
	}
}

func (b *blockingConn) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for {
		b.c.h.block(reading) // first, since after a response to a request there is nothing yet
		if n, err := b.c.h.tryRead(p); err != ErrNotReady {
			return n, b.readError(err)
		}
	}
}

// readError returns the error of a read as package net has it.
func (b *blockingConn) readError(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return b.opError("read", err)
}

func (b *blockingConn) Write(p []byte) (int, error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	n := 0
	for {
		k, err := b.c.h.tryWrite(p[n:])
		n += k
		switch err {
		case ErrNotReady:
			b.c.h.block(writing)
		case nil:
			return n, nil
		default:
			return n, b.opError("write", err)
		}
	}
}

// opError is Conn's, with the addresses that the connection had.
func (b *blockingConn) opError(op string, err error) error {
	e := &net.OpError{Op: op, Net: "tcp", Source: b.local, Addr: b.remote, Err: err}
	if b.local != nil {
		e.Net = b.local.Network()
	}
	return e
}

func (b *blockingConn) Close() error {
	if err := b.c.h.close(); err != nil {
		return b.opError("close", err)
	}
	return nil
}

func (b *blockingConn) LocalAddr() net.Addr  { return b.local }
func (b *blockingConn) RemoteAddr() net.Addr { return b.remote }

// CloseRead and CloseWrite are what those of *net.TCPConn are.
func (b *blockingConn) CloseRead() error  { return b.c.CloseRead() }
func (b *blockingConn) CloseWrite() error { return b.c.CloseWrite() }

func (b *blockingConn) SetDeadline(at time.Time) error      { return b.set(at, true, true) }
func (b *blockingConn) SetReadDeadline(at time.Time) error  { return b.set(at, true, false) }
func (b *blockingConn) SetWriteDeadline(at time.Time) error { return b.set(at, false, true) }

func (b *blockingConn) set(at time.Time, read, write bool) error {
	if err := b.c.h.setDeadlines(at, read, write); err != nil {
		return b.opError("set", err)
	}
	return nil
}

// adopted is for Adopt: the Conn itself goes on.
func (b *blockingConn) adopted(n *Net) (Conn, error) {
	switch b.c.h.net() {
	case n:
		return b.c, nil
	case nil:
		return Conn{}, net.ErrClosed
	default:
		return Conn{}, errNoDescriptor
	}
}
