//go:build (linux || freebsd) && !netio_portable

package netio

import "golang.org/x/sys/unix"

// accept returns the descriptor of a connection, which does not block.
func accept(fd int) (int, error) {
	n, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return n, err
}

const keepIdle = unix.TCP_KEEPIDLE // after which time the system looks whether the peer is still there
