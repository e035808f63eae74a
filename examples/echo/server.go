package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

//go:generate go run ../../cmd/framearena gen .

// taskServer is the echo server with a task for each connection. Any goroutine may use it.
type taskServer struct {
	pool     *executor.Pool
	net      *netio.Net
	listener *netio.Listener
	buffer   int // the size of a buffer in bytes
}

// listenTasks returns a server on a port of 127.0.0.1. buffer is the size of its buffers in bytes.
func listenTasks(buffer int) (*taskServer, error) {
	s := &taskServer{pool: executor.NewPool(), buffer: buffer}
	var err error
	if s.net, err = netio.Open(s.pool); err != nil {
		return nil, errors.Join(fmt.Errorf("open a poller: %w", err), s.pool.Close())
	}
	if s.listener, err = s.net.Listen(context.Background(), "tcp4", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), s.net.Close(), s.pool.Close())
	}
	if err := task.Go(s.pool, task.Do0(s.serve)); err != nil {
		return nil, errors.Join(fmt.Errorf("serve: %w", err), s.Close())
	}
	return s, nil
}

// Addr returns the address that the server listens on.
func (s *taskServer) Addr() string { return s.listener.Addr().String() }

// Open returns the number of open connections.
func (s *taskServer) Open() int {
	stats := s.net.Stats()
	return stats.Open - stats.Listeners
}

// Frames returns the bytes of memory outside of the Go heap that the server has for frames.
func (s *taskServer) Frames() int { return int(s.pool.Arena().Stats().MappedBytes) }

// Close closes the listener and all connections, and waits for the tasks. The error wraps arena.ErrLeak if a
// frame is still live.
func (s *taskServer) Close() error {
	return errors.Join(
		s.listener.Close(),
		s.net.Close(), // what waits for a connection goes on, and ends
		s.pool.Drain(context.Background()),
		s.pool.Close())
}

// serve launches a task for each connection, until the listener is closed.
func (s *taskServer) serve(t *task.T) error {
	for {
		c, err := s.listener.Accept(t)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		if err := task.Go(s.pool, task.Do2(echo, s, c)); err != nil {
			_ = c.Close() // there is no memory for a frame
		}
	}
}

// echo sends back what a connection receives, until the other side closes it or the server does. While it
// waits, it has no buffer. It is a function, since the launch of a method would take a second frame.
func echo(t *task.T, s *taskServer, c netio.Conn) error {
	var err error
	for err == nil || err == netio.ErrNotReady {
		if err = c.Readable(t); err == nil {
			err = s.answer(t, c)
		}
	}
	_ = c.Close() // the other side is gone, or the server has closed it already
	return nil
}

// answer reads what there is, and sends it back. If the other side does not read, it waits with its buffer. The
// error is netio.ErrNotReady if there is nothing to read: Readable may return for nothing.
func (s *taskServer) answer(t *task.T, c netio.Conn) error {
	l, err := s.net.Lease(t, s.buffer)
	if err != nil {
		return err
	}
	defer l.End()
	n, err := c.TryRead(l.Bytes)
	if err != nil {
		return err
	}
	_, err = c.Write(t, l.Bytes[:n])
	return err
}
