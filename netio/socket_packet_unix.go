//go:build unix && (netio_portable || !linux)

package netio

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// receivePacket reads a datagram from a descriptor that does not block.
func receivePacket(fd uintptr, b []byte) (n int, from netip.AddrPort, truncated bool, err error) {
	for {
		n, _, flags, sender, err := unix.RecvmsgBuffers(int(fd), [][]byte{b}, nil, 0)
		switch err {
		case nil:
			return n, addrPort(sender), flags&unix.MSG_TRUNC != 0, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, from, false, ErrNotReady
		default:
			return 0, from, false, os.NewSyscallError("recvmsg", err)
		}
	}
}

// sendPacket sends a datagram; the address is of the family of the socket.
func sendPacket(fd uintptr, b []byte, to netip.AddrPort) error {
	var address unix.Sockaddr
	if ip := to.Addr(); ip.Is4() {
		address = &unix.SockaddrInet4{Port: int(to.Port()), Addr: ip.As4()}
	} else {
		address = &unix.SockaddrInet6{Port: int(to.Port()), Addr: ip.As16(), ZoneId: zoneNumber(ip)}
	}
	for {
		switch err := unix.Sendto(int(fd), b, 0, address); err {
		case nil:
			return nil
		case unix.EINTR:
		case unix.EAGAIN:
			return ErrNotReady
		default:
			return os.NewSyscallError("sendto", err)
		}
	}
}
