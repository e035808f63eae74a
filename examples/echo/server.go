package main

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

type none = struct{}

// taskServer is the echo server with a task for each connection. Any goroutine may use it.
type taskServer struct {
	pool     *executor.Pool
	poller   *poller
	listener int
	addr     string
	buffers  sync.Pool    // of *[]byte; a task has one within a step only
	open     atomic.Int64 // number of connections; tasks write it, Open reads it
}

// listenTasks returns a server on a port of 127.0.0.1. buffer is the size of its buffers in
// bytes. The numbers of all its files must be less than maxFiles.
func listenTasks(buffer, maxFiles int) (*taskServer, error) {
	fd, addr, err := listen()
	if err != nil {
		return nil, err
	}
	p, err := newPoller(maxFiles)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	s := &taskServer{poller: p, listener: fd, addr: addr}
	s.buffers.New = func() any {
		b := make([]byte, buffer)
		return &b
	}
	s.pool = executor.NewPool(executor.WithErrorHandler(func(err error) {
		if !errors.Is(err, executor.ErrClosed) { // the end of the server is not worth a message
			fmt.Println("echo:", err)
		}
	}))
	if err := p.Watch(fd); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := coro.GoHeld(s.pool, accept, none{}, s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// listen opens a port of 127.0.0.1. Accepts of it do not block.
func listen() (fd int, addr string, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, "", fmt.Errorf("listen: %w", err)
	}
	local := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), // connections inherit it
		unix.Bind(fd, local),
		unix.Listen(fd, unix.SOMAXCONN))
	if err == nil {
		var name unix.Sockaddr
		if name, err = unix.Getsockname(fd); err == nil {
			local = name.(*unix.SockaddrInet4)
			return fd, netip.AddrPortFrom(netip.AddrFrom4(local.Addr), uint16(local.Port)).String(), nil
		}
	}
	unix.Close(fd)
	return 0, "", fmt.Errorf("listen: %w", err)
}

// Addr returns the address that the server listens on.
func (s *taskServer) Addr() string { return s.addr }

// Open returns the number of open connections.
func (s *taskServer) Open() int { return int(s.open.Load()) }

// Close closes all connections and the listener. The error wraps arena.ErrLeak if a frame is
// still live.
func (s *taskServer) Close() error {
	return errors.Join(s.pool.Close(), s.poller.Close(), unix.Close(s.listener))
}

// atReady is the resume point after a wait for the poller. Tasks then do the same as at the
// beginning, so a wake-up for nothing does no harm.
const atReady = 1

// turns is how often a task reads or accepts in one step, before other tasks have their turn.
const turns = 32

// accept launches a task for each new connection.
var accept = coro.DefineHeld("accept", func(f *coro.Frame[none, none], server **taskServer) coro.Step {
	s := *server
	s.poller.Expect(s.listener)
	for range turns {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			s.begin(fd)
		case errors.Is(err, unix.EAGAIN):
			return s.poller.Wait(f, atReady, s.listener)
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			return coro.Sleep(f, 0, 20*time.Millisecond) // try again when some may be closed
		default:
			return f.Fail(fmt.Errorf("accept: %w", err))
		}
	}
	return coro.Yield(f, 0)
})

// begin launches the task of a connection. If it cannot, it closes the connection.
func (s *taskServer) begin(fd int) {
	err := s.poller.Watch(fd)
	if err == nil {
		s.open.Add(1)
		if err = coro.GoHeld(s.pool, echo, connection{int32(fd)}, s); err == nil {
			return
		}
		s.open.Add(-1)
	}
	unix.Close(fd)
}

// end closes a connection.
func (s *taskServer) end(c *connection) {
	unix.Close(int(c.fd))
	s.open.Add(-1)
}

// connection is the state of echo: all that an idle connection needs.
type connection struct{ fd int32 }

// echo sends back what a connection receives, until the other side closes it.
var echo = coro.DefineHeld("echo", func(f *coro.Frame[connection, none], server **taskServer) coro.Step {
	c, s := &f.State, *server
	if f.At() == coro.Cleanup || f.Err() != nil { // the server closes, or flush has failed
		s.end(c)
		return f.Fail(f.Err())
	}
	s.poller.Expect(int(c.fd))
	buffer := s.buffers.Get().(*[]byte)
	for range turns {
		received, err := unix.Read(int(c.fd), *buffer)
		switch {
		case received > 0:
			sent, err := write(int(c.fd), (*buffer)[:received])
			if err != nil {
				s.buffers.Put(buffer)
				s.end(c)
				return f.Return(none{})
			}
			if sent < received { // the other side does not read
				return coro.AwaitHeld(f, 0, flush, flushing{c.fd, int32(sent), int32(received)}, unsent{s, buffer}, nil)
			}
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			s.buffers.Put(buffer)
			return s.poller.Wait(f, atReady, int(c.fd))
		default: // the other side has closed the connection, or has vanished
			s.buffers.Put(buffer)
			s.end(c)
			return f.Return(none{})
		}
	}
	s.buffers.Put(buffer)
	return coro.Yield(f, 0)
}, coro.HasCleanup())

// write writes as much of b as the connection has room for, and returns how much that is.
func write(fd int, b []byte) (n int, err error) {
	for n < len(b) {
		sent, err := unix.Write(fd, b[n:])
		switch {
		case err == nil:
			n += sent
		case errors.Is(err, unix.EAGAIN):
			return n, nil
		case !errors.Is(err, unix.EINTR):
			return n, err
		}
	}
	return n, nil
}

// flushing is the state of flush: it still has to send buffer[sent:received].
type flushing struct{ fd, sent, received int32 }

// unsent is the held part of flush.
type unsent struct {
	server *taskServer
	buffer *[]byte
}

// flush sends the rest of a buffer, whenever the connection has room.
var flush = coro.DefineHeld("flush", func(f *coro.Frame[flushing, none], held *unsent) coro.Step {
	s := &f.State
	held.server.poller.Expect(int(s.fd))
	n, err := write(int(s.fd), (*held.buffer)[s.sent:s.received])
	s.sent += int32(n)
	if err == nil && s.sent < s.received {
		return held.server.poller.Wait(f, atReady, int(s.fd))
	}
	held.server.buffers.Put(held.buffer)
	// There is no need to report an error: the next read of echo gets one too.
	return f.Return(none{})
})
