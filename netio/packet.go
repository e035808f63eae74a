package netio

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/framearena/framearena/task"
)

// PacketConn is a socket for datagrams: a handle of 8 bytes without Go pointers, as [Conn] is one. It may
// be copied and kept: after Close all that is done with it fails with [net.ErrClosed]. The zero
// PacketConn is a closed one. It is made by [Net.ListenPacket].
//
// Any goroutine and task may use a PacketConn. One task at a time may wait to read, and one to write:
// another one that would wait for the same gets [ErrBusy].
type PacketConn struct{ h handle }

// Packet is a datagram of a batch.
type Packet struct {
	// Bytes[:N] is the datagram, both ways. Bytes is the room that a read has for it. A batch that was
	// read can be written as it is.
	Bytes []byte
	N     int

	// Addr is where the datagram is from or goes to.
	Addr netip.AddrPort

	// Truncated says that the datagram was longer than Bytes. The rest is lost. A write does not look
	// at it.
	Truncated bool
}

// ErrTruncated is the error of a read of a datagram that was longer than the buffer. The buffer is full,
// the address is that of the sender, and the rest of the datagram is lost.
var ErrTruncated = errors.New("netio: the datagram was longer than the buffer")

// PacketOption configures a [PacketConn].
type PacketOption interface{ applyPacket(*socketOptions) }

// ListenPacket opens a socket for datagrams at an address of the network "udp", "udp4" or "udp6", as
// net.ListenPacket does. Port 0 is one that is free. ctx is for looking up the address. ListenPacket
// blocks meanwhile: a task gives numbers for the address, or calls it in [task.Block]. The error is a
// *net.OpError, as package net's.
func (n *Net) ListenPacket(ctx context.Context, network, addr string, opts ...PacketOption) (PacketConn, error) {
	var o socketOptions
	for _, opt := range opts {
		opt.applyPacket(&o)
	}
	switch network {
	case "udp", "udp4", "udp6":
	default:
		return PacketConn{}, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	o.share()
	pc, err := o.config.ListenPacket(ctx, network, addr)
	if err != nil {
		return PacketConn{}, err
	}
	nc := pc.(*net.UDPConn) // of these networks it is one
	at := nc.LocalAddr().(*net.UDPAddr)
	c, err := n.Adopt(nc, nil)
	if err != nil {
		_ = nc.Close() // nobody has used it
		return PacketConn{}, &net.OpError{Op: "listen", Net: network, Addr: at, Err: errors.Unwrap(err)}
	}
	if at.IP.To4() == nil {
		if s := c.h.lock(); s != nil { // the Net may be closed already
			s.flags |= flagSix
			s.mu.Unlock()
		}
	}
	return PacketConn(c), nil
}

// Readable waits until there is something to be learned by TryReadFrom: a datagram, a deadline that has
// passed, or that c is closed. It holds no buffer, and has no frame; see [Conn.Readable].
func (c PacketConn) Readable(t *task.T) error {
	return c.h.Readable(t)
}

// Writable waits until there is something to be learned by TryWriteTo. Otherwise it is as Readable.
func (c PacketConn) Writable(t *task.T) error {
	return c.h.Writable(t)
}

// TryReadFrom reads a datagram into b, and does not wait. It returns its length and its sender, and
// [ErrNotReady] if there is none. If b has not enough room, the error is [ErrTruncated] and n is len(b).
// IPv4 senders have IPv4 addresses, on sockets of both families as well. It allocates nothing on Linux;
// elsewhere the address takes small objects.
func (c PacketConn) TryReadFrom(b []byte) (n int, from netip.AddrPort, err error) {
	k, _, err := c.h.enterAs(reading)
	if err != nil {
		return 0, from, c.opError("read", err)
	}
	n, from, truncated, err := k.readFrom(b)
	c.h.leave(reading, err == nil, err != ErrNotReady) // there may be another one
	switch {
	case err == ErrNotReady:
	case err != nil:
		err = c.opError("read", err)
	case truncated:
		err = ErrTruncated
	}
	return n, from, err
}

// TryWriteTo sends b as a datagram, and does not wait. The error is [ErrNotReady] if there is no room
// for it. It allocates nothing on Linux.
func (c PacketConn) TryWriteTo(b []byte, to netip.AddrPort) (int, error) {
	k, six, err := c.h.enterAs(writing)
	if err == nil {
		err = k.writeTo(six, b, to)
		c.h.leave(writing, err == nil, err != ErrNotReady)
	}
	switch err {
	case nil:
		return len(b), nil
	case ErrNotReady:
		return 0, err
	default:
		return 0, c.writeError(to, err)
	}
}

// ReadFrom is TryReadFrom, but waits for a datagram. While it waits, b is kept: what is idle for long
// calls Readable first, and then TryReadFrom with the bytes of a [Lease].
func (c PacketConn) ReadFrom(t *task.T, b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.TryReadFrom(b)
		if err != ErrNotReady {
			return n, from, Conn(c).takeTurns(t, err)
		}
		if err := c.Readable(t); err != nil {
			return 0, from, err
		}
	}
}

// WriteTo is TryWriteTo, but waits for room. That the system has taken a datagram does not mean that
// somebody gets it: what is sent to a port where nobody listens is lost without an error.
func (c PacketConn) WriteTo(t *task.T, b []byte, to netip.AddrPort) (int, error) {
	for {
		n, err := c.TryWriteTo(b, to)
		if err != ErrNotReady {
			return n, err
		}
		if err := c.Writable(t); err != nil {
			return 0, err
		}
	}
}

// TryReadBatch reads datagrams into ps, as many as there are, and does not wait. It returns how many it
// has read; if there is none, the error is [ErrNotReady]. On Linux it is one call of the system for 64
// datagrams at most (recvmmsg), elsewhere one for each.
func (c PacketConn) TryReadBatch(ps []Packet) (int, error) {
	if len(ps) == 0 {
		return 0, ErrEmptyBuffer
	}
	k, _, err := c.h.enterAs(reading)
	if err != nil {
		return 0, c.opError("read", err)
	}
	n, err := k.readBatch(ps)
	c.h.leave(reading, n > 0, err != ErrNotReady)
	if err != nil && err != ErrNotReady {
		err = c.opError("read", err)
	}
	return n, err
}

// TryWriteBatch sends datagrams, and does not wait. It returns how many the system has taken. If these
// are not all, the error is not nil, and is that of the next one; it is [ErrNotReady] if there was no
// room. On Linux it is one call of the system for each 64 datagrams (sendmmsg), elsewhere one for each.
func (c PacketConn) TryWriteBatch(ps []Packet) (int, error) {
	sum := 0
	for sum < len(ps) {
		n, err := c.writeSome(ps[sum:])
		sum += n
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// writeSome sends the first of the datagrams, with one call of the system where it takes several.
func (c PacketConn) writeSome(ps []Packet) (int, error) {
	k, six, err := c.h.enterAs(writing)
	n := 0
	if err == nil {
		n, err = k.writeBatch(six, ps)
		c.h.leave(writing, n > 0, err != ErrNotReady)
	}
	if err != nil && err != ErrNotReady {
		err = c.writeError(ps[n].Addr, err)
	}
	return n, err
}

// ReadBatch is TryReadBatch, but waits for the first datagram. While it waits, ps is kept.
func (c PacketConn) ReadBatch(t *task.T, ps []Packet) (int, error) {
	for {
		n, err := c.TryReadBatch(ps)
		if err != ErrNotReady {
			return n, Conn(c).takeTurns(t, err)
		}
		if err := c.Readable(t); err != nil {
			return 0, err
		}
	}
}

// WriteBatch is TryWriteBatch, but waits for room. It returns how many datagrams it has sent; if these
// are not all, the error is that of the next one.
func (c PacketConn) WriteBatch(t *task.T, ps []Packet) (int, error) {
	sum := 0
	for sum < len(ps) {
		n, err := c.writeSome(ps[sum:])
		sum += n
		if err == ErrNotReady {
			err = c.Writable(t)
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// Close closes the socket. Tasks that wait for it go on and get [net.ErrClosed], as does a second Close.
func (c PacketConn) Close() error {
	if err := c.h.close(); err != nil {
		return c.opError("close", err)
	}
	return nil
}

// LocalAddr returns the address of the socket, a *net.UDPAddr, or nil if it is closed.
func (c PacketConn) LocalAddr() net.Addr { return c.h.address(socket.local) }

// SetDeadline sets the deadlines of reading and writing; see [Conn.SetDeadline].
func (c PacketConn) SetDeadline(at time.Time) error { return c.setDeadlines(at, true, true) }

// SetReadDeadline is SetDeadline for reading.
func (c PacketConn) SetReadDeadline(at time.Time) error { return c.setDeadlines(at, true, false) }

// SetWriteDeadline is SetDeadline for writing.
func (c PacketConn) SetWriteDeadline(at time.Time) error { return c.setDeadlines(at, false, true) }

func (c PacketConn) setDeadlines(at time.Time, read, write bool) error {
	if err := c.h.setDeadlines(at, read, write); err != nil {
		return c.opError("set", err)
	}
	return nil
}

// Control calls f with the descriptor of the socket; see [Conn.Control]. So the size of its buffers, or a
// group of a multicast, can be set.
func (c PacketConn) Control(f func(fd uintptr)) error {
	if err := c.h.with(func(k socket) error { return k.control(f) }); err != nil {
		return c.opError("control", err)
	}
	return nil
}

func (c PacketConn) opError(op string, err error) *net.OpError {
	e := c.h.opError(op, err)
	if e.Source == nil {
		e.Net = "udp" // it is closed
	}
	return e
}

func (c PacketConn) writeError(to netip.AddrPort, err error) *net.OpError {
	e := c.opError("write", err)
	if to.IsValid() {
		e.Addr = net.UDPAddrFromAddrPort(to)
	}
	return e
}

var errMissingAddress = errors.New("netio: a datagram needs an address")

// destination returns the address to as a socket needs it: one of IPv6 if six, else one of IPv4.
func destination(six bool, to netip.AddrPort) (netip.Addr, error) {
	ip := to.Addr()
	switch {
	case !ip.IsValid():
		return ip, errMissingAddress
	case six && ip.Is4():
		return netip.AddrFrom16(ip.As16()), nil // an IPv4 address in IPv6
	case six:
		return ip, nil
	case ip.Unmap().Is4():
		return ip.Unmap(), nil
	default:
		return ip, &net.AddrError{Err: "non-IPv4 address", Addr: ip.String()}
	}
}
