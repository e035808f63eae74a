//go:build !netio_portable

package netio

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// pipe is one of the system. One Splice uses it at a time.
type pipe struct {
	bytes         int // that are in it
	output, input int // its descriptors
}

// pipeSize is how many bytes a pipe has room for, if the system has not made it smaller.
const pipeSize = 64 << 10

// maxPipes is how many empty pipes a Net keeps.
const maxPipes = 16

// pipes are the empty ones of a Net.
type pipes struct {
	mu     sync.Mutex
	free   []*pipe // guarded by mu, as closed
	closed bool
}

// take returns an empty pipe, or nil if there is no descriptor for one.
func (ps *pipes) take() *pipe {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if last := len(ps.free) - 1; last >= 0 {
		p := ps.free[last]
		ps.free = ps.free[:last]
		return p
	}
	var fds [2]int
	if ps.closed || unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	return &pipe{output: fds[0], input: fds[1]}
}

// put takes a pipe back. One that has bytes in it is of no use to others.
func (ps *pipes) put(p *pipe) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.bytes > 0 || ps.closed || len(ps.free) == maxPipes {
		p.close()
		return
	}
	ps.free = append(ps.free, p)
}

func (ps *pipes) close() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.closed = true
	for _, p := range ps.free {
		p.close()
	}
	ps.free = nil
}

func (p *pipe) close() {
	_ = unix.Close(p.output)
	_ = unix.Close(p.input)
}

func (k socket) fill(p *pipe) error {
	n, err := splice(int(k.fd), p.input, pipeSize)
	if err == nil && n == 0 {
		err = io.EOF
	}
	p.bytes = n
	return err
}

func (k socket) drain(p *pipe) (int, error) {
	n, err := splice(p.output, int(k.fd), p.bytes)
	if err == errNoSplice {
		err = os.NewSyscallError("splice", unix.EINVAL)
	}
	p.bytes -= n
	return n, err
}

func splice(from, to, count int) (int, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, count, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		switch err {
		case nil:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrNotReady
		case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP:
			return 0, errNoSplice
		default:
			return 0, os.NewSyscallError("splice", err)
		}
	}
}
