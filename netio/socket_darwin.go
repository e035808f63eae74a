//go:build !netio_portable

package netio

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// accept returns the descriptor of a connection, which does not block.
func accept(fd int) (int, error) {
	syscall.ForkLock.RLock() // so that no child gets the descriptor before CloseOnExec
	n, _, err := unix.Accept(fd)
	if err == nil {
		unix.CloseOnExec(n)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return n, err
	}
	if err := unix.SetNonblock(n, true); err != nil {
		unix.Close(n)
		return -1, err
	}
	return n, nil
}

const keepIdle = unix.TCP_KEEPALIVE // after which time the system looks whether the peer is still there
