package netio

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// transport is what crypto/tls has for a connection. During the handshake, which runs on a goroutine, its
// reads and writes are those of a net.Conn that blocks. Afterwards they never wait: a read returns [ErrNotReady], which is temporary,
// so that crypto/tls keeps what it has of a record and goes on with the next read; and a write keeps what
// the system does not take, since crypto/tls does not go on after a write that has failed.
//
// So crypto/tls is called by steps of tasks, and its locks are not held while somebody waits.
type transport struct {
	c Conn

	// blocking is the connection for the handshake, while that runs. Its goroutine sets and clears it; whoever
	// reads or writes loads it.
	blocking atomic.Pointer[blockingConn]

	// hello is what was read before the handshake. It is the handshake's goroutine's, while that runs.
	hello []byte

	mu      sync.Mutex
	pending []byte // is encrypted, and not with the system; guarded by mu
}

func (p *transport) Read(b []byte) (int, error) {
	c := p.blocking.Load()
	if c == nil {
		return p.c.TryRead(b)
	}
	if len(p.hello) > 0 {
		n := copy(b, p.hello)
		p.hello = p.hello[n:]
		return n, nil
	}
	p.hello = nil
	return c.Read(b)
}

func (p *transport) Write(b []byte) (int, error) {
	if c := p.blocking.Load(); c != nil {
		return c.Write(b)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	if len(p.pending) == 0 {
		var err error
		if n, err = p.c.TryWrite(b); err != nil && !isTemporary(err) {
			return n, err
		}
	}
	p.pending = append(p.pending, b[n:]...)
	return len(b), nil
}

// isTemporary reports whether a write may go on later: there is no room, or a deadline has passed, which may
// be set anew.
func isTemporary(err error) bool { return err == ErrNotReady || errors.Is(err, os.ErrDeadlineExceeded) }

// flush gives the system what it takes of what is pending. The error is [ErrNotReady] if that is not all.
func (p *transport) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 {
		return p.usable(writing, "write")
	}
	n, err := p.c.TryWrite(p.pending)
	if p.pending = p.pending[n:]; len(p.pending) == 0 {
		p.pending = nil
	}
	return err
}

// usable returns why a direction can not be used, or nil. What crypto/tls has in its buffers would not say
// it.
func (p *transport) usable(d direction, op string) error {
	if err := p.c.h.refusal(d); err != nil {
		return p.c.h.opError(op, err)
	}
	return nil
}

// Close sends what there is room for, which may be the alert that ends the connection, and closes it.
func (p *transport) Close() error {
	_ = p.flush() // what is not sent is lost, as it is with any Close
	return p.c.Close()
}

func (p *transport) LocalAddr() net.Addr  { return p.c.LocalAddr() }
func (p *transport) RemoteAddr() net.Addr { return p.c.RemoteAddr() }

// The deadlines that crypto/tls sets are for the last alert, so that it does not wait for that. Here it never
// does.
func (p *transport) SetDeadline(time.Time) error      { return nil }
func (p *transport) SetReadDeadline(time.Time) error  { return nil }
func (p *transport) SetWriteDeadline(time.Time) error { return nil }
