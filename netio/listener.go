package netio

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/framearena/framearena/task"
)

// Listener accepts connections. Any goroutine and task may use it; one task at a time may wait for a
// connection. It is made by [Net.Listen].
type Listener struct {
	h    handle
	n    *Net
	addr net.Addr
}

// ListenOption configures a [Listener].
type ListenOption interface{ applyListen(*listenOptions) }

type listenOptions struct {
	socketOptions
	backlog int
}

type listenOptionFunc func(*listenOptions)

func (f listenOptionFunc) applyListen(o *listenOptions) { f(o) }

// SocketOption is an option of [Net.Listen] and [Net.ListenPacket].
type SocketOption interface {
	ListenOption
	PacketOption
}

type socketOptions struct {
	config net.ListenConfig
	reuse  bool
}

type socketOptionFunc func(*socketOptions)

func (f socketOptionFunc) applyListen(o *listenOptions) { f(&o.socketOptions) }
func (f socketOptionFunc) applyPacket(o *socketOptions) { f(o) }

// share makes the config that of a socket which others may share the address with, if that was asked for.
func (o *socketOptions) share() {
	if !o.reuse {
		return
	}
	control := o.config.Control
	o.config.Control = func(network, address string, c syscall.RawConn) error {
		if control != nil {
			if err := control(network, address, c); err != nil {
				return err
			}
		}
		return reusePort(c)
	}
}

// WithBacklog limits how many connections may wait to be accepted. Without it, the system's own limit
// holds. It panics if n is not positive.
func WithBacklog(n int) ListenOption {
	if n <= 0 {
		panic("netio: a backlog must be positive")
	}
	return listenOptionFunc(func(o *listenOptions) { o.backlog = n })
}

// WithReusePort lets several sockets have one address, in one process or several. The system divides
// connections and datagrams among them. Where the system has no such option, Listen fails.
func WithReusePort() SocketOption {
	return socketOptionFunc(func(o *socketOptions) { o.reuse = true })
}

// WithListenConfig makes Listen use a copy of c: its Control and its options for connections.
func WithListenConfig(c *net.ListenConfig) SocketOption {
	return socketOptionFunc(func(o *socketOptions) { o.config = *c })
}

// Listen listens at an address of the network "tcp", "tcp4", "tcp6" or "unix", as net.Listen does. ctx is
// for looking up the address. Listen blocks meanwhile: a task gives numbers for the address, or calls it
// in [task.Block]. The error is a *net.OpError, as package net's.
func (n *Net) Listen(ctx context.Context, network, addr string, opts ...ListenOption) (*Listener, error) {
	var o listenOptions
	for _, opt := range opts {
		opt.applyListen(&o)
	}
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	o.share()
	nl, err := o.config.Listen(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{n: n, addr: nl.Addr()}
	file := socketFileOf(nl)
	if l.h, err = n.adoptListener(nl, o.backlog); err == nil {
		err = l.h.listens(file)
	}
	if err != nil {
		file.remove()
		return nil, &net.OpError{Op: "listen", Net: network, Addr: l.addr, Err: err}
	}
	return l, nil
}

// listens makes h that of a listener, with a file or nil. close removes the file, and takes the listener off
// the count.
func (h handle) listens(f *socketFile) error {
	s := h.lock()
	if s == nil {
		return errNetClosed // nobody else has the handle
	}
	defer s.mu.Unlock()
	if f != nil {
		s.extended().file = f
	}
	s.flags |= flagListener
	pageOf(h.number()).net.stats.listeners.Add(1)
	return nil
}

// Addr returns the address that l listens at.
func (l *Listener) Addr() net.Addr { return l.addr }

// Close closes the listener. What waits in Accept gets net.ErrClosed. Connections that were accepted
// are not affected. The name of a "unix" listener is removed, unless another listener has it by now.
func (l *Listener) Close() error {
	if err := l.h.close(); err != nil {
		return l.opError("close", err)
	}
	return nil
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.addr.Network(), Addr: l.addr, Err: err}
}

// Accept waits for a connection, and accepts it. While the process or the system has no descriptor for
// another connection, or no memory, it waits too, and tries again: what comes meanwhile waits in the
// system. An error is for good: the listener is closed (net.ErrClosed) or the context of t has ended.
func (l *Listener) Accept(t *task.T) (Conn, error) {
	delay := 5 * time.Millisecond
	for {
		c, err := l.TryAccept()
		switch {
		case err == nil:
			if l.h.turnIsOver() {
				_ = t.Yield() // many come at once: those that were accepted have their turn
			}
			return c, nil
		case err == ErrNotReady:
			if err := l.h.Readable(t); err != nil {
				return Conn{}, err
			}
		case isExhausted(err):
			if err := t.Sleep(delay); err != nil {
				return Conn{}, err
			}
			delay = min(2*delay, time.Second)
		default:
			return Conn{}, err
		}
	}
}

// TryAccept accepts a connection if one waits; otherwise the error is [ErrNotReady].
func (l *Listener) TryAccept() (Conn, error) {
	for {
		k, err := l.h.enter(reading)
		if err != nil {
			return Conn{}, l.opError("accept", err)
		}
		k, err = k.accept()
		l.h.leave(reading, false, err != ErrNotReady)
		switch {
		case err == ErrNotReady:
			return Conn{}, err
		case errors.Is(err, syscall.ECONNABORTED):
			continue // by its peer, before it was accepted
		case err != nil:
			return Conn{}, l.opError("accept", err)
		}
		c, err := l.n.newConn(k)
		if err != nil {
			return Conn{}, l.opError("accept", err)
		}
		l.n.stats.accepted.Add(1)
		return c, nil
	}
}

// newConn returns a connection with the socket k, which is closed if there is an error.
func (n *Net) newConn(k socket) (Conn, error) {
	h, err := n.take(k)
	if err == nil {
		if err = n.poller.add(k, h); err == nil {
			return Conn{h}, nil
		}
		h.close()
		return Conn{}, err
	}
	return Conn{}, errors.Join(err, k.close())
}
