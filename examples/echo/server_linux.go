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

// taskServer sends back what it receives, with a task for each connection.
type taskServer struct {
	pool     *executor.Pool
	poller   *poller
	listener int
	addr     string
	buffers  sync.Pool    // of *[]byte, for the time of a step
	open     atomic.Int64 // connections; tasks write it, Open reads it
}

// listenTasks returns a server on a port of 127.0.0.1, with buffers of so many bytes. It
// has files with numbers of less than maxFiles.
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
		if !errors.Is(err, executor.ErrClosed) { // what ends with the server is no news
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

// listen opens a port of 127.0.0.1, without blocking accepts.
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

// Open returns how many connections are open.
func (s *taskServer) Open() int { return int(s.open.Load()) }

// Close closes all connections. The error wraps arena.ErrLeak if a frame is left.
func (s *taskServer) Close() error {
	return errors.Join(s.pool.Close(), s.poller.Close(), unix.Close(s.listener))
}

// atReady is the resume point after the poller has told something. Tasks look again then,
// as they do at the beginning, so that it does no harm if it was nothing.
const atReady = 1

// turns is how often a task goes on before others have their turn.
const turns = 32

// accept makes a task of each connection that comes.
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
			return coro.Sleep(f, 0, 20*time.Millisecond) // perhaps some are closed meanwhile
		default:
			return f.Fail(fmt.Errorf("accept: %w", err))
		}
	}
	return coro.Yield(f, 0)
})

// begin launches the task of a connection or, if that cannot be, closes it.
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

func (s *taskServer) end(c *connection) {
	unix.Close(int(c.fd))
	s.open.Add(-1)
}

// connection is all that a connection has to remember while it is idle.
type connection struct{ fd int32 }

// echo sends back what a connection receives, until the other side ends it.
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
			if sent < received { // nobody reads at the other side
				return coro.AwaitHeld(f, 0, flush, flushing{c.fd, int32(sent), int32(received)}, unsent{s, buffer}, nil)
			}
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			s.buffers.Put(buffer)
			return s.poller.Wait(f, atReady, int(c.fd))
		default: // the other side has said its last, or is gone
			s.buffers.Put(buffer)
			s.end(c)
			return f.Return(none{})
		}
	}
	s.buffers.Put(buffer)
	return coro.Yield(f, 0)
}, coro.HasCleanup())

// write writes as much as there is room for.
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

// flushing is the state of flush: bytes sent to received of the buffer are left.
type flushing struct{ fd, sent, received int32 }

// unsent is the held part of flush.
type unsent struct {
	server *taskServer
	buffer *[]byte
}

// flush sends the rest of a buffer, when there is room for it.
var flush = coro.DefineHeld("flush", func(f *coro.Frame[flushing, none], held *unsent) coro.Step {
	s := &f.State
	held.server.poller.Expect(int(s.fd))
	n, err := write(int(s.fd), (*held.buffer)[s.sent:s.received])
	s.sent += int32(n)
	if err == nil && s.sent < s.received {
		return held.server.poller.Wait(f, atReady, int(s.fd))
	}
	held.server.buffers.Put(held.buffer)
	// An error is nothing to report: the next read of echo finds it too.
	return f.Return(none{})
})
