package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

//go:generate go tool framearena gen .

// server has a session for each connection. Its fields are not changed, but for the rooms and the counts.
type server struct {
	options
	net      *netio.Net
	listener *netio.Listener
	tls      *tls.Config     // nil: no TLS
	places   *task.Semaphore // a permit for each connection that may be open
	rooms    rooms
	counts   counts
}

func newServer(n *netio.Net, l *netio.Listener, config *tls.Config, o options) *server {
	return &server{options: o, net: n, listener: l, tls: config, places: task.NewSemaphore(int64(o.limit))}
}

// serve accepts connections until the listener is closed. Then it waits for the sessions.
func (s *server) serve(t *task.T) error {
	var sessions task.Group
	for {
		if err := s.places.Acquire(t, 1); err != nil {
			return errors.Join(err, sessions.Wait(t))
		}
		c, err := s.listener.Accept(t)
		if errors.Is(err, net.ErrClosed) {
			return sessions.Wait(t)
		}
		if err != nil {
			return errors.Join(err, sessions.Wait(t))
		}
		s.counts.accepted.Add(1)
		sessions.Go(t, func(t *task.T) error { return s.session(t, c) })
	}
}

// session makes a WebSocket of a connection, and has its member until that has left. It counts its error and
// returns none: one session that fails does not concern the others.
func (s *server) session(t *task.T, c netio.Conn) error {
	defer s.places.Release(1)
	defer c.Close()
	var m *member
	err := task.Timeout(t, s.handshake, func(t *task.T) (err error) {
		m, err = s.admit(t, c)
		return err
	})
	if err != nil {
		s.counts.refused.Add(1)
		return nil
	}
	defer m.stream.Close() // with TLS it tells the peer, which c.Close does not
	defer m.leave(nil)
	s.counts.end(m.attend(t))
	return nil
}

// admit does the handshakes, and lets the member into its room.
func (s *server) admit(t *task.T, c netio.Conn) (*member, error) {
	var stream netio.Stream = c
	if s.tls != nil {
		secured, err := netio.TLSServer(t, c, s.tls)
		if err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		stream = secured
	}
	u, err := s.upgrade(t, stream)
	if err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	m := newMember(s, stream, u.early)
	if !s.rooms.join(u.room, m, u.answer) {
		return nil, errStopped
	}
	return m, nil
}

// counts are about all sessions: accepted = refused + left + silent + slow + broken + those that are open.
// Sessions write them, any goroutine reads them.
type counts struct {
	accepted                            atomic.Int64
	refused, left, silent, slow, broken atomic.Int64
	messages                            atomic.Int64
}

// end counts a session that has ended with err.
func (c *counts) end(err error) {
	switch {
	case err == nil:
		c.left.Add(1)
	case errors.Is(err, errSilent):
		c.silent.Add(1)
	case errors.Is(err, errSlow):
		c.slow.Add(1)
	default:
		c.broken.Add(1)
	}
}

// String returns the counts as a sentence.
func (c *counts) String() string {
	return fmt.Sprintf("%d connections: %d were refused, %d left, %d were silent, %d were slow, %d broke off; %d messages",
		c.accepted.Load(), c.refused.Load(), c.left.Load(), c.silent.Load(), c.slow.Load(), c.broken.Load(), c.messages.Load())
}
