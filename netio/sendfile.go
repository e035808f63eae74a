package netio

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/framearena/framearena/task"
)

// fileChunk is how many bytes of a file go to the system at a time. After 16 chunks without a wait, other
// tasks have their turn.
const fileChunk = 128 << 10

// leaseChunk is the size of the leases of SendFile and Splice, where the system does not do it without them.
const leaseChunk = 32 << 10

// errNoSendFile is the system's refusal to send this file to this connection.
var errNoSendFile = errors.New("netio: no sendfile")

// SendFile writes count bytes of f, from offset on, or all to the end if count is negative. It returns how
// many bytes were written. If f ends before count, the error is io.ErrUnexpectedEOF. The position of f
// does not change. f is a regular file, and must not be closed meanwhile.
//
// The bytes do not pass through the process where the system can do that (sendfile: Linux, macOS,
// FreeBSD). Elsewhere SendFile reads them into a [Lease]. While the connection has no room, it waits, and
// holds no buffer on those systems. If the bytes are not in the system's memory, reading them blocks the
// worker for as long as the disk takes: if that may be long, read by [task.Block], and Write.
func (c Conn) SendFile(t *task.T, f *os.File, offset, count int64) (int64, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, c.h.opError("sendfile", err)
	}
	var sum int64
	for count < 0 || sum < count {
		n, err := c.h.trySendFile(raw, offset+sum, chunkOf(fileChunk, count, sum))
		sum += int64(n)
		switch err {
		case nil:
			_ = c.takeTurns(t, nil)
		case ErrNotReady:
			if err := c.Writable(t); err != nil {
				return sum, err
			}
		case io.EOF:
			if count >= 0 {
				return sum, io.ErrUnexpectedEOF
			}
			return sum, nil
		case errNoSendFile:
			rest := count
			if count >= 0 {
				rest -= sum
			}
			n, err := c.copyFile(t, f, offset+sum, rest)
			return sum + n, err
		default:
			return sum, c.h.opError("sendfile", err)
		}
	}
	return sum, nil
}

// chunkOf returns how many bytes are the next ones, if count are wanted, or all if it is negative, and done
// are done.
func chunkOf(size, count, done int64) int {
	if count < 0 {
		return int(size)
	}
	return int(min(size, count-done))
}

func (h handle) trySendFile(f syscall.RawConn, offset int64, count int) (int, error) {
	k, err := h.enter(writing)
	if err != nil {
		return 0, err
	}
	n, err := k.sendFile(f, offset, count)
	h.leave(writing, n > 0, err != ErrNotReady)
	return n, err
}

// copyFile is SendFile through leases, one at a time, which are only held while the connection takes bytes.
func (c Conn) copyFile(t *task.T, f *os.File, offset, count int64) (sum int64, err error) {
	n := c.h.net()
	if n == nil {
		return 0, c.h.opError("sendfile", errClosed)
	}
	for count < 0 || sum < count {
		if err := c.Writable(t); err != nil {
			return sum, err
		}
		l, err := n.Lease(t, chunkOf(n.leaseSize(), count, sum))
		if err != nil {
			return sum, err
		}
		k, ended := f.ReadAt(l.Bytes, offset+sum)
		k, err = c.Write(t, l.Bytes[:k])
		l.End()
		sum += int64(k)
		switch {
		case err != nil:
			return sum, err
		case ended == io.EOF && count < 0:
			return sum, nil
		case ended == io.EOF && sum < count:
			return sum, io.ErrUnexpectedEOF
		case ended != nil && ended != io.EOF:
			return sum, c.h.opError("sendfile", ended)
		}
		_ = c.takeTurns(t, nil)
	}
	return sum, nil
}

// leaseSize is leaseChunk, or less if the budget of n is less.
func (n *Net) leaseSize() int64 { return min(leaseChunk, n.budget.size) }
