package main

import (
	"errors"
	"net"
	"sync"
	"time"
)

// goroutineServer is the echo server with a goroutine for each connection. Any goroutine may
// use it.
type goroutineServer struct {
	listener net.Listener
	buffer   int
	running  sync.WaitGroup

	mu     sync.Mutex            // guards the fields below
	conns  map[net.Conn]struct{} // the open ones
	closed bool
}

// listenGoroutines returns a server on a port of 127.0.0.1. buffer is the size of its buffers
// in bytes.
func listenGoroutines(buffer int) (*goroutineServer, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &goroutineServer{listener: l, buffer: buffer, conns: make(map[net.Conn]struct{})}
	s.running.Go(s.accept)
	return s, nil
}

// Addr returns the address that the server listens on.
func (s *goroutineServer) Addr() string { return s.listener.Addr().String() }

// Open returns the number of open connections.
func (s *goroutineServer) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Frames returns 0: the server has no frames.
func (s *goroutineServer) Frames() int { return 0 }

// Close closes the listener and all connections, and waits for the goroutines.
func (s *goroutineServer) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	return err
}

// accept starts a goroutine for each new connection, until Close.
func (s *goroutineServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(20 * time.Millisecond) // too many open files, perhaps: try again when some may be closed
			continue
		}
		s.mu.Lock()
		if s.closed {
			conn.Close()
		} else {
			s.conns[conn] = struct{}{}
			s.running.Go(func() { s.echo(conn) })
		}
		s.mu.Unlock()
	}
}

// echo sends back what a connection receives, until the other side closes it, or Close.
func (s *goroutineServer) echo(conn net.Conn) {
	buffer := make([]byte, s.buffer)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			break
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			break
		}
	}
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	conn.Close()
}
