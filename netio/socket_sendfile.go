//go:build (linux || darwin || freebsd) && !netio_portable

package netio

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendFile sends count bytes of a file at most. The error is io.EOF at the end of the file.
func (k socket) sendFile(f syscall.RawConn, offset int64, count int) (n int, err error) {
	if f.Control(func(fd uintptr) { n, err = sendFile(int(k.fd), int(fd), offset, count) }) != nil {
		return 0, os.ErrClosed
	}
	return n, err
}

func sendFile(to, from int, offset int64, count int) (int, error) {
	for {
		at := offset
		n, err := unix.Sendfile(to, from, &at, count)
		if n > 0 {
			return n, nil // some systems have an error as well, which the next call returns
		}
		switch err {
		case nil:
			return 0, io.EOF
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrNotReady
		case unix.EINVAL, unix.ENOTSOCK:
			return 0, errNoSendFile
		default:
			if errors.Is(err, errors.ErrUnsupported) {
				return 0, errNoSendFile
			}
			return 0, os.NewSyscallError("sendfile", err)
		}
	}
}
