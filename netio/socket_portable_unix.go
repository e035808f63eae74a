//go:build unix && (netio_portable || !(linux || darwin || freebsd))

package netio

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// prepare has nothing to do: descriptors of package net do not block.
func prepare(syscall.RawConn) error { return nil }

func tryRead(fd uintptr, b []byte) (int, error) {
	return attempted("read", func() (int, error) { return unix.Read(int(fd), b) })
}

func tryWrite(fd uintptr, b []byte) (int, error) {
	return attempted("write", func() (int, error) { return unix.Write(int(fd), b) })
}

// attempted repeats a call of the system that a signal has interrupted, and says what its result means.
func attempted(name string, call func() (int, error)) (int, error) {
	for {
		n, err := call()
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrNotReady
		default:
			return 0, os.NewSyscallError(name, err)
		}
	}
}

// readyFor returns a function for syscall.RawConn, which reports whether the direction is ready.
func readyFor(d direction) func(fd uintptr) bool {
	events := int16(unix.POLLIN)
	if d == writing {
		events = unix.POLLOUT
	}
	return func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, 0)
		return n > 0 || err != nil && err != unix.EINTR
	}
}

func reusePort(c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	})
	return errors.Join(err, failed)
}

// isExhausted reports whether an accept has failed because there are no descriptors or no memory.
func isExhausted(err error) bool {
	for _, e := range [...]error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
