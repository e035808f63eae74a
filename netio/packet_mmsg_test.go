//go:build linux && !netio_portable

package netio

// packetAllocations is how many objects a datagram takes that is sent and received.
const packetAllocations = 0
