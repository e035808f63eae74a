package netio

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// controlNonBlocking is FIONBIO, the code for calls that do not block. Package net's own calls are
// overlapped ones, and not affected.
const controlNonBlocking = 0x8004667e

func prepare(c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		on, returned := uint32(1), uint32(0)
		failed = os.NewSyscallError("ioctlsocket", windows.WSAIoctl(windows.Handle(fd), controlNonBlocking,
			(*byte)(unsafe.Pointer(&on)), uint32(unsafe.Sizeof(on)), nil, 0, &returned, nil, 0))
	})
	return errors.Join(err, failed)
}

func tryRead(fd uintptr, b []byte) (int, error) {
	buffer := windows.WSABuf{Len: uint32(min(len(b), 1<<30)), Buf: &b[0]}
	var n, flags uint32
	err := windows.WSARecv(windows.Handle(fd), &buffer, 1, &n, &flags, nil, nil)
	return attempted("wsarecv", n, err)
}

func tryWrite(fd uintptr, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	buffer := windows.WSABuf{Len: uint32(min(len(b), 1<<30)), Buf: &b[0]}
	var n uint32
	err := windows.WSASend(windows.Handle(fd), &buffer, 1, &n, 0, nil, nil)
	return attempted("wsasend", n, err)
}

func attempted(name string, n uint32, err error) (int, error) {
	switch err {
	case nil:
		return int(n), nil
	case windows.WSAEWOULDBLOCK:
		return 0, ErrNotReady
	default:
		return 0, os.NewSyscallError(name, err)
	}
}

// readyFor returns a function for syscall.RawConn. When that calls it for the second time, a read of no
// bytes has ended, and there is something to read. A write of no bytes ends at once, so who wants to write
// looks again after a millisecond.
func readyFor(d direction) func(fd uintptr) bool {
	called := false
	return func(uintptr) bool {
		if d == writing {
			time.Sleep(time.Millisecond)
			return true
		}
		defer func() { called = true }()
		return called
	}
}

func reusePort(syscall.RawConn) error { return errors.ErrUnsupported }

// isExhausted reports whether an accept has failed because there are no descriptors or no memory.
func isExhausted(err error) bool {
	return errors.Is(err, windows.WSAEMFILE) || errors.Is(err, windows.WSAENOBUFS)
}

// receivePacket reads a datagram.
func receivePacket(fd uintptr, b []byte) (n int, from netip.AddrPort, truncated bool, err error) {
	buffer := windows.WSABuf{Len: uint32(min(len(b), 1<<30)), Buf: unsafe.SliceData(b)}
	var (
		address     windows.RawSockaddrAny
		length      = int32(unsafe.Sizeof(address))
		read, flags uint32
	)
	err = windows.WSARecvFrom(windows.Handle(fd), &buffer, 1, &read, &flags, &address, &length, nil, nil)
	if err == windows.WSAEMSGSIZE {
		return len(b), sender(&address), true, nil
	}
	if n, err = attempted("wsarecvfrom", read, err); err != nil {
		return 0, from, false, err
	}
	return n, sender(&address), false, nil
}

// sender returns the address that the system has put into a.
func sender(a *windows.RawSockaddrAny) netip.AddrPort {
	switch a.Addr.Family {
	case windows.AF_INET:
		four := (*windows.RawSockaddrInet4)(unsafe.Pointer(a))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), swapped(four.Port))
	case windows.AF_INET6:
		six := (*windows.RawSockaddrInet6)(unsafe.Pointer(a))
		return netip.AddrPortFrom(withZone(netip.AddrFrom16(six.Addr).Unmap(), six.Scope_id), swapped(six.Port))
	default:
		return netip.AddrPort{}
	}
}

// sendPacket sends a datagram; the address is of the family of the socket.
func sendPacket(fd uintptr, b []byte, to netip.AddrPort) error {
	buffer := windows.WSABuf{Len: uint32(min(len(b), 1<<30)), Buf: unsafe.SliceData(b)}
	var (
		address windows.RawSockaddrAny
		length  int32
		n       uint32
	)
	if ip := to.Addr(); ip.Is4() {
		length = int32(unsafe.Sizeof(windows.RawSockaddrInet4{}))
		*(*windows.RawSockaddrInet4)(unsafe.Pointer(&address)) = windows.RawSockaddrInet4{
			Family: windows.AF_INET, Port: swapped(to.Port()), Addr: ip.As4(),
		}
	} else {
		length = int32(unsafe.Sizeof(windows.RawSockaddrInet6{}))
		*(*windows.RawSockaddrInet6)(unsafe.Pointer(&address)) = windows.RawSockaddrInet6{
			Family: windows.AF_INET6, Port: swapped(to.Port()), Addr: ip.As16(), Scope_id: zoneNumber(ip),
		}
	}
	err := windows.WSASendTo(windows.Handle(fd), &buffer, 1, &n, 0, &address, length, nil, nil)
	_, err = attempted("wsasendto", n, err)
	return err
}

// swapped returns a port in the network's order of bytes, or back in that of the machine.
func swapped(port uint16) uint16 { return port<<8 | port>>8 }
