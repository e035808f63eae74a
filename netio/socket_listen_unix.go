//go:build (linux || darwin || freebsd) && !netio_portable

package netio

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptListener takes over a listener, which it closes.
func (n *Net) adoptListener(l net.Listener, backlog int) (handle, error) {
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the name stays with the copy of the descriptor
	}
	k, err := duplicate(l.(syscall.Conn)) // those of package net have descriptors
	_ = l.Close()                         // the copy is not affected
	if err != nil {
		return 0, err
	}
	if backlog > 0 {
		if err := os.NewSyscallError("listen", unix.Listen(int(k.fd), backlog)); err != nil {
			_ = k.close()
			return 0, err
		}
	}
	c, err := n.newConn(k)
	return c.h, err
}

func reusePort(c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	})
	if err != nil {
		return err
	}
	return failed
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
