package netio

import (
	"errors"
	"net"
	"slices"
)

var errNoDescriptor = errors.New("netio: the connection has no descriptor of its own")

// Adopt takes over a connection of package net: a *net.TCPConn, *net.UnixConn, or another one that has a
// descriptor (syscall.Conn). The Conn goes on with it, and nc must not be used any more. The bytes in
// peeked, which were read from nc already, are read first. If there is an error, nc is as it was. Any goroutine may
// call Adopt.
func (n *Net) Adopt(nc net.Conn, peeked []byte) (Conn, error) {
	k, err := takeOver(nc)
	if err != nil {
		return Conn{}, &net.OpError{Op: "adopt", Net: nc.LocalAddr().Network(), Source: nc.LocalAddr(), Addr: nc.RemoteAddr(), Err: err}
	}
	c, err := n.newConn(k)
	if err != nil {
		return Conn{}, &net.OpError{Op: "adopt", Net: nc.LocalAddr().Network(), Err: err}
	}
	if len(peeked) > 0 {
		if s := c.h.lock(); s != nil {
			s.extended().peeked = slices.Clone(peeked)
			s.mu.Unlock()
		}
	}
	takenOver(nc)
	return c, nil
}
