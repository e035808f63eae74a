//go:build !netio_portable

package netio

import "net"

// writeBuffers writes the first of the buffers: package unix has no writev for this system.
func (k socket) writeBuffers(bufs net.Buffers) (int, error) { return k.write(bufs[0]) }
