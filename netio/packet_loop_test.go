//go:build netio_portable || !linux

package netio

// packetAllocations is how many objects a datagram takes that is sent and received.
const packetAllocations = 20
