//go:build netio_portable || !linux

package netio

import (
	"net"
	"net/netip"
)

// Datagrams one by one, where there is no call of the system for several.

func (k socket) readFrom(b []byte) (n int, from netip.AddrPort, truncated bool, err error) {
	if k.control(func(fd uintptr) { n, from, truncated, err = receivePacket(fd, b) }) != nil {
		err = net.ErrClosed
	}
	return n, from, truncated, err
}

func (k socket) writeTo(six bool, b []byte, to netip.AddrPort) error {
	ip, err := destination(six, to)
	if err != nil {
		return err
	}
	if k.control(func(fd uintptr) { err = sendPacket(fd, b, netip.AddrPortFrom(ip, to.Port())) }) != nil {
		err = net.ErrClosed
	}
	return err
}

// readBatch reads what there is. An error after the first datagram is left for the next call.
func (k socket) readBatch(ps []Packet) (int, error) {
	for i := range ps {
		p := &ps[i]
		n, from, truncated, err := k.readFrom(p.Bytes)
		if err != nil {
			if i > 0 {
				err = nil
			}
			return i, err
		}
		p.N, p.Addr, p.Truncated = n, from, truncated
	}
	return len(ps), nil
}

func (k socket) writeBatch(six bool, ps []Packet) (int, error) {
	for i := range ps {
		if err := k.writeTo(six, ps[i].Bytes[:ps[i].N], ps[i].Addr); err != nil {
			return i, err
		}
	}
	return len(ps), nil
}
