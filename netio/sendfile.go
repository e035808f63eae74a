package netio

import (
	"errors"
	"io"
	"os"
	"sync"
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
// FreeBSD). If they are not in the system's memory, that blocks the worker for as long as the disk takes: if
// it may be long, read by [task.Block], and Write. Elsewhere SendFile does so, with a [Lease]. While the
// connection has no room, SendFile waits.
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
		k, ended, err := c.copyChunk(t, n, f, offset+sum, chunkOf(n.leaseSize(), count, sum))
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
	}
	return sum, nil
}

// copyChunk copies one chunk. ended is the error of reading.
func (c Conn) copyChunk(t *task.T, n *Net, f *os.File, offset int64, size int) (k int, ended, err error) {
	l, err := n.Lease(t, size)
	if err != nil {
		return 0, nil, err
	}
	r := &fileRead{lease: l}
	defer r.leave()
	if _, err := task.Block(t, func() (struct{}, error) {
		r.read(f, offset)
		return struct{}{}, nil
	}); err != nil {
		return 0, nil, err
	}
	k, err = c.Write(t, r.lease.Bytes[:r.n])
	return k, r.err, err
}

// fileRead is a read of a file into a lease, on a goroutine. The task does not wait for that if its context
// ends. So the later one of them ends the lease.
type fileRead struct {
	lease Lease
	n     int // is read, when the task goes on, as is err
	err   error

	mu      sync.Mutex
	running bool // the goroutine reads; guarded by mu, as what follows
	left    bool // by the task
}

// read is called once, or not at all if the task does not wait.
func (r *fileRead) read(f *os.File, offset int64) {
	if r.begin() {
		defer r.ended() // also if there is a panic
		r.n, r.err = f.ReadAt(r.lease.Bytes, offset)
	}
}

// begin reports whether the lease is there to be read into.
func (r *fileRead) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = !r.left
	return r.running
}

// ended is called after begin, if that was true.
func (r *fileRead) ended() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running = false; r.left {
		r.lease.End()
	}
}

// leave is called by the task when it does not use the lease any more.
func (r *fileRead) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left = true; !r.running {
		r.lease.End()
	}
}

// leaseSize is leaseChunk, or less if the budget of n is less.
func (n *Net) leaseSize() int64 { return min(leaseChunk, n.budget.size) }
