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
//
// If nc is from [Conn.NetConn], or from a handler of [Net.Serve] that has hijacked it, the same Conn goes
// on, with the deadlines that it has.
func (n *Net) Adopt(nc net.Conn, peeked []byte) (Conn, error) {
	if own, ok := nc.(interface{ adopted(*Net) (Conn, error) }); ok {
		c, err := own.adopted(n)
		if err != nil {
			return Conn{}, adoptError(nc, err)
		}
		c.h.unread(peeked)
		return c, nil
	}
	k, err := takeOver(nc)
	if err != nil {
		return Conn{}, adoptError(nc, err)
	}
	c, err := n.newConn(k)
	if err != nil {
		return Conn{}, &net.OpError{Op: "adopt", Net: nc.LocalAddr().Network(), Err: err}
	}
	c.h.unread(peeked)
	takenOver(nc)
	return c, nil
}

func adoptError(nc net.Conn, err error) error {
	e := &net.OpError{Op: "adopt", Source: nc.LocalAddr(), Addr: nc.RemoteAddr(), Err: err}
	if e.Source != nil {
		e.Net = e.Source.Network()
	}
	return e
}

// unread makes peeked what is read next.
func (h handle) unread(peeked []byte) {
	if len(peeked) == 0 {
		return
	}
	if s := h.lock(); s != nil {
		m := s.extended()
		m.peeked = slices.Concat(peeked, m.peeked)
		s.mu.Unlock()
	}
}
