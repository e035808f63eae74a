package netio

import (
	"net"
	"time"

	"github.com/framearena/framearena/task"
)

// Stream is what a [Conn] and a [*TLSConn] have in common, for functions that serve both. Its methods are
// documented there.
type Stream interface {
	Readable(t *task.T) error
	TryRead(b []byte) (int, error)
	Read(t *task.T, b []byte) (int, error)
	ReadFull(t *task.T, b []byte) (int, error)
	ReadLease(t *task.T, size int) (Lease, error)
	Write(t *task.T, b []byte) (int, error)
	Close() error

	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	SetDeadline(at time.Time) error
	SetReadDeadline(at time.Time) error
	SetWriteDeadline(at time.Time) error
	SetIdleTimeout(d time.Duration) error
	NetConn() net.Conn
}

var (
	_ Stream = Conn{}
	_ Stream = (*TLSConn)(nil)
)
