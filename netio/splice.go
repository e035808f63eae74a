package netio

import (
	"errors"
	"io"

	"github.com/framearena/framearena/task"
)

// errNoSplice is the system's refusal to splice from this connection.
var errNoSplice = errors.New("netio: no splice")

// Splice reads from src and writes to dst, until the data of src ends. It returns how many bytes it has
// written. It reads what one step can hold, at most 64 KiB, and nothing more before dst has taken that: so
// a peer of dst that does not read makes the peer of src wait. It closes neither of them. A proxy has a
// task for each direction, and calls dst.CloseWrite when Splice has returned.
//
// On Linux the bytes do not pass through the process (splice): they are in a pipe, which the Net keeps for
// the next use. If there is no descriptor for a pipe, and on other systems, they are in a [Lease]. While
// Splice waits for src, it holds neither. If there is an error, bytes that were read but not written are
// lost.
func Splice(t *task.T, dst, src Conn) (int64, error) {
	var sum int64
	for {
		if err := src.Readable(t); err != nil {
			return sum, err
		}
		n, err := pass(t, dst, src)
		sum += n
		switch err {
		case nil, ErrNotReady:
		case io.EOF:
			return sum, nil
		default:
			return sum, err
		}
	}
}

// pass makes one step of Splice.
func pass(t *task.T, dst, src Conn) (int64, error) {
	n := src.h.net()
	if n == nil {
		return 0, src.h.opError("read", errClosed)
	}
	if src.h.hasPeeked() {
		return passLease(t, n, dst, src)
	}
	p := n.pipes.take()
	if p == nil {
		return passLease(t, n, dst, src)
	}
	defer n.pipes.put(p)
	switch err := src.h.fill(p); err {
	case nil:
	case errNoSplice:
		return passLease(t, n, dst, src)
	case ErrNotReady, io.EOF:
		return 0, err
	default:
		return 0, src.h.opError("read", err)
	}
	var sum int64
	for p.bytes > 0 {
		k, err := dst.h.drain(p)
		sum += int64(k)
		if err == ErrNotReady {
			if err := dst.Writable(t); err != nil {
				return sum, err
			}
		} else if err != nil {
			return sum, dst.h.opError("write", err)
		}
	}
	return sum, nil
}

// passLease is pass with a lease.
func passLease(t *task.T, n *Net, dst, src Conn) (int64, error) {
	l, err := n.Lease(t, int(n.leaseSize()))
	if err != nil {
		return 0, err
	}
	defer l.End()
	k, err := src.TryRead(l.Bytes)
	if err != nil {
		return 0, err
	}
	k, err = dst.Write(t, l.Bytes[:k])
	return int64(k), err
}

// hasPeeked reports whether there are bytes that were given to Adopt.
func (h handle) hasPeeked() bool {
	s := h.lock()
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	return s.more != nil && len(s.more.peeked) > 0
}

// fill reads into a pipe that is empty. The error is io.EOF at the end of the data.
func (h handle) fill(p *pipe) error {
	k, err := h.enter(reading)
	if err != nil {
		return err
	}
	err = k.fill(p)
	h.leave(reading, err == nil, err != ErrNotReady)
	return err
}

// drain writes from a pipe, and returns how many bytes.
func (h handle) drain(p *pipe) (int, error) {
	k, err := h.enter(writing)
	if err != nil {
		return 0, err
	}
	n, err := k.drain(p)
	h.leave(writing, n > 0, err != ErrNotReady)
	return n, err
}
