package main

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

var (
	errSilent = errors.New("the member was silent for too long")
	errSlow   = errors.New("the member does not read what it gets")
)

// member is one WebSocket. Its session reads, and a child of the session writes.
type member struct {
	server *server      // not changed, as the stream and the room
	stream netio.Stream // with TLS or without
	room   *room

	// out has the frames that are to be written. All members of a room have the same frames, so nobody
	// changes them. It is open while the member is in the room, and the room's lock guards that.
	out *task.Chan[[]byte]

	// heard says that bytes came since the last ping. The reader sets it, the writer clears it.
	heard atomic.Bool

	// why is the reason why another task than the reader ends the member.
	why atomic.Pointer[error]

	messages assembly // of the reader, as early
	early    []byte   // what came before the first read
}

func newMember(s *server, stream netio.Stream, early []byte) *member {
	m := &member{server: s, stream: stream, out: task.NewChan[[]byte](s.queue), early: early}
	m.messages.limit = s.message
	m.heard.Store(true) // the request
	return m
}

// attend reads and writes until the member has left. It returns nil if that was by a close frame of the
// member, or of this server as it ends.
func (m *member) attend(t *task.T) error {
	var writer task.Group
	writer.Go(t, func(t *task.T) error {
		err := m.write(t)
		if err != nil {
			m.end(err)
		}
		return err
	})
	err := m.listen(t)
	var by *closeError
	if errors.As(err, &by) {
		m.leave(by.frame())
		m.discard(t)
	} else {
		m.end(err)
	}
	failed := writer.Wait(t)
	switch why := m.why.Load(); {
	case by != nil && (by.code == 0 || by.code == ws.StatusNormalClosure || by.code == ws.StatusGoingAway):
		return failed
	case why != nil:
		return *why
	default:
		return err
	}
}

// end ends the member without a close frame, for the first reason that is given. It does not wait, and may be
// called by any goroutine.
func (m *member) end(why error) {
	m.why.CompareAndSwap(nil, &why)
	_ = m.stream.Close() // it may be closed already
	m.leave(nil)
}

// leave takes the member out of its room. Its last frame is written if there is room in its queue and the peer
// reads; from then on the connection has a bounded time. It does not wait, and may be called by any goroutine.
func (m *member) leave(last []byte) {
	if m.server.rooms.leave(m, last) {
		_ = m.stream.SetDeadline(time.Now().Add(m.server.closing)) // it may be closed
	}
}

// listen reads messages, and says them in the room. While the peer is silent, it holds no buffer.
func (m *member) listen(t *task.T) error {
	for {
		if len(m.early) == 0 {
			if err := m.stream.Readable(t); err != nil {
				return err
			}
		}
		if err := m.receive(t); err != nil {
			return err
		}
	}
}

// receive reads what there is, and the rest of a message that has begun. It returns when no part of a message
// is left.
func (m *member) receive(t *task.T) error {
	l, err := m.server.net.Lease(t, max(maxFrame(m.server.message), len(m.early)))
	if err != nil {
		return err
	}
	defer l.End()
	n := copy(l.Bytes, m.early)
	m.early = nil
	if n == 0 {
		if n, err = m.stream.TryRead(l.Bytes); err == netio.ErrNotReady {
			return nil
		}
	}
	if err != nil && n == 0 {
		return err
	}
	rest, err := m.handle(t, l.Bytes[:n])
	if err != nil || rest == 0 && !m.messages.begun {
		return err
	}
	return task.Timeout(t, m.server.receive, func(t *task.T) error { return m.finish(t, l.Bytes, rest) })
}

// finish reads on until no part of a message is left. The first n bytes of b are there already.
func (m *member) finish(t *task.T, b []byte, n int) error {
	for n > 0 || m.messages.begun {
		k, err := m.stream.Read(t, b[n:])
		if k == 0 && err != nil {
			return err
		}
		if n, err = m.handle(t, b[:n+k]); err != nil {
			return err
		}
	}
	return nil
}

// handle handles the frames in b, and moves the rest, of which a part is missing, to the beginning. It returns
// the length of the rest.
func (m *member) handle(t *task.T, b []byte) (rest int, err error) {
	m.heard.Store(true)
	left := b
	for {
		f, size, err := next(left, m.messages.state(), m.server.message)
		if err != nil {
			return 0, err
		}
		if size == 0 {
			return copy(b, left), nil
		}
		left = left[size:]
		switch f.Header.OpCode {
		case ws.OpPong: // it was heard
		case ws.OpClose:
			return 0, closed(f.Payload)
		case ws.OpPing:
			m.room.tell(m, ws.MustCompileFrame(ws.NewPongFrame(f.Payload)))
		default:
			message, err := m.messages.add(f)
			if err != nil {
				return 0, err
			}
			if message == nil {
				continue
			}
			m.server.counts.messages.Add(1)
			m.room.say(m, ws.MustCompileFrame(ws.NewTextFrame(message)))
		}
		// The writers have their turn, so that those who read have room in their queues for the next message.
		if err := t.Yield(); err != nil {
			return 0, err
		}
	}
}

// write writes what is in the queue until that is closed, and then the end of the data. If the member is
// silent for long, it pings it.
func (m *member) write(t *task.T) error {
	for {
		var frame []byte
		switch first, err := task.Select(t, task.Recv(m.out, &frame), task.After(m.server.ping)); {
		case errors.Is(err, task.ErrChanClosed):
			return closeWrite(t, m.stream)
		case err != nil:
			return err
		case first == 1:
			if !m.heard.Swap(false) {
				return errSilent
			}
			frame = ws.CompiledPing
		}
		if _, err := m.stream.Write(t, frame); err != nil {
			return err
		}
	}
}

// closeWrite tells the peer that there is no more data.
func closeWrite(t *task.T, stream netio.Stream) error {
	switch c := stream.(type) {
	case netio.Conn:
		return c.CloseWrite()
	case *netio.TLSConn:
		return c.CloseWrite(t)
	default:
		return stream.Close()
	}
}

// discard reads until the end of the data. If a connection is closed with something unread, the system resets
// it, and the peer may not get the close frame. The deadline that leave has set ends it.
func (m *member) discard(t *task.T) {
	for {
		l, err := m.stream.ReadLease(t, 512)
		if err != nil {
			return
		}
		l.End()
	}
}
