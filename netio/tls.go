package netio

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/task"
)

// TLSConn is a connection with TLS, by package crypto/tls. It is made by [TLSServer] and [TLSClient]. While
// it is idle it has no goroutine, and no buffer but what crypto/tls keeps.
//
// Any goroutine and task may use it. One task at a time may wait to read, and one to write.
type TLSConn struct {
	tls       *tls.Conn
	transport transport

	// drained says that the last read has found nothing: neither in the buffers of crypto/tls, nor at the
	// system. Only then is there something to wait for.
	drained atomic.Bool
}

// Readable waits until there is something to be learned by TryRead; see [Conn.Readable].
func (c *TLSConn) Readable(t *task.T) error {
	if !c.drained.Load() {
		return nil
	}
	return c.transport.c.Readable(t)
}

// TryRead reads what there is, up to the length of b, and does not wait. If there is nothing, or a record
// of which a part is missing, the error is [ErrNotReady].
func (c *TLSConn) TryRead(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, ErrEmptyBuffer
	}
	if err := c.transport.usable(reading, "read"); err != nil {
		return 0, err
	}
	n, err := c.tls.Read(b)
	c.drained.Store(n == 0 && err == ErrNotReady)
	if n > 0 && err == ErrNotReady {
		err = nil
	}
	_ = c.transport.flush() // what reading had to answer, if there is room for it; a write says what is wrong
	return n, err
}

// Read reads what there is, up to the length of b. If there is nothing, it waits, and keeps b meanwhile. At
// the end of the data it returns io.EOF.
func (c *TLSConn) Read(t *task.T, b []byte) (int, error) {
	for {
		n, err := c.TryRead(b)
		if err != ErrNotReady {
			return n, c.transport.c.takeTurns(t, err)
		}
		if err := c.Readable(t); err != nil {
			return 0, err
		}
	}
}

// ReadFull reads len(b) bytes; see [Conn.ReadFull].
func (c *TLSConn) ReadFull(t *task.T, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		k, err := c.Read(t, b[n:])
		n += k
		if err != nil {
			if err == io.EOF && n > 0 && n < len(b) {
				err = io.ErrUnexpectedEOF
			}
			if n == len(b) {
				err = nil // the end comes with the last bytes
			}
			return n, err
		}
	}
	return n, nil
}

// ReadLease waits without a buffer, and then reads into one of size bytes; see [Conn.ReadLease].
func (c *TLSConn) ReadLease(t *task.T, size int) (Lease, error) {
	n := c.transport.c.h.net()
	if n == nil {
		return Lease{}, c.transport.c.h.opError("read", errClosed)
	}
	for {
		if err := c.Readable(t); err != nil {
			return Lease{}, err
		}
		l, err := n.Lease(t, size)
		if err != nil {
			return Lease{}, err
		}
		k, err := c.TryRead(l.Bytes)
		if k > 0 {
			l.Bytes = l.Bytes[:k]
			return l, c.transport.c.takeTurns(t, nil) // an end that came with the bytes comes again
		}
		l.End()
		if err != ErrNotReady {
			return Lease{}, err
		}
	}
}

// maxRecord is how many bytes a record of TLS may have.
const maxRecord = 16 << 10

// Write writes b. While there is no room for more, it waits, and at most one record is kept until there is.
// It returns how many bytes were encrypted. If the context of t ends meanwhile, the connection goes on where
// it was: the next Write sends what is left of the record.
func (c *TLSConn) Write(t *task.T, b []byte) (int, error) {
	n := 0
	for {
		if err := c.send(t); err != nil {
			return n, err
		}
		if n == len(b) {
			return n, nil
		}
		k, err := c.encrypt(b[n:])
		n += k
		if err != nil {
			return n, err
		}
	}
}

// encrypt encrypts as much of b as fits into a record or a few, and does not wait.
func (c *TLSConn) encrypt(b []byte) (int, error) { return c.tls.Write(b[:min(len(b), maxRecord)]) }

// send waits until all that was encrypted is with the system.
func (c *TLSConn) send(t *task.T) error {
	for {
		err := c.transport.flush()
		if err != ErrNotReady {
			return err
		}
		if err := c.transport.c.Writable(t); err != nil {
			return err
		}
	}
}

// CloseWrite tells the peer that there is no more data, and waits until that is sent. The peer may still
// write.
func (c *TLSConn) CloseWrite(t *task.T) error {
	if err := c.tls.CloseWrite(); err != nil {
		return err
	}
	return c.send(t)
}

// Close tells the peer that the connection ends, if there is room to do so, and closes it. Tasks that wait
// for it go on and get [net.ErrClosed], as does a second Close.
func (c *TLSConn) Close() error { return c.tls.Close() }

// ConnectionState returns what the handshake has agreed on.
func (c *TLSConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// Conn returns the connection below, for its options. What reads or writes there breaks c.
func (c *TLSConn) Conn() Conn { return c.transport.c }

// LocalAddr returns the address of this end, or nil if the connection is closed.
func (c *TLSConn) LocalAddr() net.Addr { return c.transport.c.LocalAddr() }

// RemoteAddr returns the address of the other end, or nil if the connection is closed.
func (c *TLSConn) RemoteAddr() net.Addr { return c.transport.c.RemoteAddr() }

// SetDeadline is [Conn.SetDeadline].
func (c *TLSConn) SetDeadline(at time.Time) error { return c.transport.c.SetDeadline(at) }

// SetReadDeadline is [Conn.SetReadDeadline].
func (c *TLSConn) SetReadDeadline(at time.Time) error { return c.transport.c.SetReadDeadline(at) }

// SetWriteDeadline is [Conn.SetWriteDeadline].
func (c *TLSConn) SetWriteDeadline(at time.Time) error { return c.transport.c.SetWriteDeadline(at) }

// SetIdleTimeout is [Conn.SetIdleTimeout].
func (c *TLSConn) SetIdleTimeout(d time.Duration) error { return c.transport.c.SetIdleTimeout(d) }

// NetConn returns the connection as a net.Conn, for code that blocks; see [Conn.NetConn].
func (c *TLSConn) NetConn() net.Conn {
	return &blockingTLS{blockingConn: c.transport.c.blocking(), c: c}
}

// blockingTLS is a TLSConn for goroutines.
type blockingTLS struct {
	*blockingConn // has addresses, deadlines and locks
	c             *TLSConn
}

func (b *blockingTLS) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := b.c.TryRead(p)
		if err != ErrNotReady {
			return n, err
		}
		b.c.transport.c.h.block(reading)
	}
}

func (b *blockingTLS) Write(p []byte) (int, error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	n := 0
	for {
		if err := b.send(); err != nil {
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
		k, err := b.c.encrypt(p[n:])
		n += k
		if err != nil {
			return n, err
		}
	}
}

func (b *blockingTLS) send() error {
	for {
		err := b.c.transport.flush()
		if err != ErrNotReady {
			return err
		}
		b.c.transport.c.h.block(writing)
	}
}

// CloseWrite tells the peer that there is no more data.
func (b *blockingTLS) CloseWrite() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	return errors.Join(b.c.tls.CloseWrite(), b.send())
}

// CloseRead is not known to TLS.
func (b *blockingTLS) CloseRead() error { return errors.ErrUnsupported }

func (b *blockingTLS) Close() error { return b.c.Close() }
