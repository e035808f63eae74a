//go:build netio_portable || !(linux || darwin || freebsd)

package netio

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// socket is a connection or listener of package net, for systems without a poller of our own. Reads and
// writes are calls of the system that do not block, as with the other forms. Each wait takes a goroutine,
// which Go's runtime parks.
type socket struct {
	c   net.Conn // nil if it is a listener
	raw syscall.RawConn
	l   *acceptor
}

// acceptor is a listener. Its goroutine accepts, since package net lets nobody wait for it otherwise.
type acceptor struct {
	listener net.Listener

	mu       sync.Mutex
	accepted []net.Conn // guarded by mu, as err
	err      error      // of the last attempt, until somebody has it
	closed   bool
}

type poller struct{}

func (*poller) start(*Net) error         { return nil }
func (*poller) add(socket, handle) error { return nil }
func (*poller) close() error             { return nil }

// awaitPortable starts a goroutine that waits for the direction d, if there is none. The caller holds the
// lock.
func (s *slot) awaitPortable(h handle, d direction) {
	if s.flags&d.bit(flagPolled) != 0 {
		return
	}
	s.flags |= d.bit(flagPolled)
	k := s.socket
	go func() {
		if k.l != nil {
			k.l.accept()
		} else {
			k.wait(d)
		}
		if s := h.lock(); s != nil {
			s.flags &^= d.bit(flagPolled)
			s.mu.Unlock()
		}
		h.changed(d == reading, d == writing, false) // it looks anew each time
	}()
}

// wait waits until the direction d is ready, or the connection is closed.
func (k socket) wait(d direction) {
	if d == reading {
		_ = k.raw.Read(readyFor(d))
	} else {
		_ = k.raw.Write(readyFor(d))
	}
}

func (a *acceptor) accept() {
	c, err := a.listener.Accept()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		a.err = err
	case a.closed:
		_ = c.Close() // it came too late, and nobody has used it
	default:
		a.accepted = append(a.accepted, c)
	}
}

func (k socket) accept() (socket, error) {
	k.l.mu.Lock()
	defer k.l.mu.Unlock()
	if len(k.l.accepted) > 0 {
		c := k.l.accepted[0]
		k.l.accepted = k.l.accepted[1:]
		return newSocket(c)
	}
	if err := k.l.err; err != nil {
		k.l.err = nil
		var e *net.OpError
		if errors.As(err, &e) {
			err = e.Err
		}
		return socket{}, err
	}
	return socket{}, ErrNotReady
}

func newSocket(c net.Conn) (socket, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return socket{}, errNoDescriptor
	}
	raw, err := sc.SyscallConn()
	if err == nil {
		err = prepare(raw)
	}
	return socket{c: c, raw: raw}, err
}

// call makes a call of the system for the connection.
func (k socket) call(f func(fd uintptr) (int, error)) (n int, err error) {
	closed := k.raw.Control(func(fd uintptr) { n, err = f(fd) })
	if closed != nil {
		return 0, net.ErrClosed
	}
	return n, err
}

func (k socket) read(b []byte) (int, error) {
	return k.call(func(fd uintptr) (int, error) { return tryRead(fd, b) })
}

func (k socket) write(b []byte) (int, error) {
	return k.call(func(fd uintptr) (int, error) { return tryWrite(fd, b) })
}

// writeBuffers writes the first of the buffers.
func (k socket) writeBuffers(bufs net.Buffers) (int, error) { return k.write(bufs[0]) }

func (k socket) shutdown(d direction) error {
	c, ok := k.c.(interface {
		CloseRead() error
		CloseWrite() error
	})
	switch {
	case !ok:
		return errors.ErrUnsupported
	case d == reading:
		return c.CloseRead()
	default:
		return c.CloseWrite()
	}
}

func (k socket) close() error {
	if k.l == nil {
		return k.c.Close()
	}
	err := k.l.listener.Close()
	k.l.mu.Lock()
	defer k.l.mu.Unlock()
	for _, c := range k.l.accepted {
		_ = c.Close() // nobody has used it
	}
	k.l.accepted, k.l.closed = nil, true
	return err
}

func (k socket) control(f func(fd uintptr)) error {
	if k.raw == nil {
		return errors.ErrUnsupported
	}
	return k.raw.Control(f)
}

func (k socket) setNoDelay(noDelay bool) error {
	return k.tcp(func(c *net.TCPConn) error { return c.SetNoDelay(noDelay) })
}

func (k socket) setLinger(seconds int) error {
	return k.tcp(func(c *net.TCPConn) error { return c.SetLinger(seconds) })
}

func (k socket) setKeepAlive(config net.KeepAliveConfig) error {
	return k.tcp(func(c *net.TCPConn) error { return c.SetKeepAliveConfig(config) })
}

func (k socket) tcp(f func(*net.TCPConn) error) error {
	c, ok := k.c.(*net.TCPConn)
	if !ok {
		return errors.ErrUnsupported
	}
	return f(c)
}

func (k socket) local() net.Addr {
	if k.l != nil {
		return k.l.listener.Addr()
	}
	return k.c.LocalAddr()
}

func (k socket) remote() net.Addr {
	if k.l != nil {
		return nil
	}
	return k.c.RemoteAddr()
}

// takeOver returns a socket for c, which must be used no more. c itself goes on as the socket.
func takeOver(c net.Conn) (socket, error) { return newSocket(c) }

// takenOver is called with a connection that was taken over: it is the socket's.
func takenOver(net.Conn) {}

// adoptListener takes over a listener.
func (n *Net) adoptListener(l net.Listener, backlog int) (handle, error) {
	if backlog > 0 {
		return 0, errors.Join(errors.ErrUnsupported, l.Close())
	}
	c, err := n.newConn(socket{l: &acceptor{listener: l}})
	return c.h, err
}

// sendFile leaves it to leases.
func (socket) sendFile(syscall.RawConn, int64, int) (int, error) { return 0, errNoSendFile }
