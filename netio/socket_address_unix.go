//go:build unix

package netio

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// addrPort returns an internet address, or the invalid one.
func addrPort(a unix.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(withZone(netip.AddrFrom16(a.Addr).Unmap(), a.ZoneId), uint16(a.Port))
	default:
		return netip.AddrPort{}
	}
}
