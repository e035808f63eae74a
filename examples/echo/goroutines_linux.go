package main

import (
	"errors"
	"net"
	"sync"
	"time"
)

// goroutineServer sends back what it receives, with a goroutine for each connection.
type goroutineServer struct {
	listener net.Listener
	buffer   int
	running  sync.WaitGroup

	mu     sync.Mutex            // guards what follows
	conns  map[net.Conn]struct{} // for Close
	closed bool
}

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

// Open returns how many connections are open.
func (s *goroutineServer) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close closes all connections.
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

func (s *goroutineServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(20 * time.Millisecond) // perhaps some are closed meanwhile
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
