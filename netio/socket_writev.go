//go:build (linux || darwin) && !netio_portable

package netio

import (
	"net"

	"golang.org/x/sys/unix"
)

// maxBuffers is how many buffers these systems take at a time.
const maxBuffers = 1024

func (k socket) writeBuffers(bufs net.Buffers) (int, error) {
	bufs = bufs[:min(len(bufs), maxBuffers)]
	return do("writev", func() (int, error) { return unix.Writev(int(k.fd), bufs) })
}
