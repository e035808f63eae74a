//go:build !netio_portable

package netio

import (
	"net/netip"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Datagrams by recvmmsg and sendmmsg, which take several at a time. Package unix has neither of them, and
// its calls for one datagram make an object for the address.
//
// Why this use of package unsafe is right: the system gets the address of an array of headers, which point
// to the buffers and to room for the addresses. All these are typed pointers, so the collector sees what they
// point to, and adjusts them if it moves a stack. It moves none during a call of the system: the headers'
// own address becomes a number only in the call's arguments.

// maxBatch is how many datagrams go to the system at a time.
const maxBatch = 64

// sockaddr is room for an address of either family: that of IPv4 is the shorter one.
type sockaddr = unix.RawSockaddrInet6

// messages are the arguments of a call for several datagrams.
type messages struct {
	headers [maxBatch]unix.Mmsghdr
	vectors [maxBatch]unix.Iovec
	names   [maxBatch]sockaddr
}

var messagesPool = sync.Pool{New: func() any { return new(messages) }}

// set makes header i one for the datagram b. The length of the address is that of its room, or of what the
// caller has put there.
func (m *messages) set(i int, b []byte, length uint32) {
	h, v := &m.headers[i].Hdr, &m.vectors[i]
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&m.names[i])), length
	h.Iov, h.Iovlen = v, 1
}

// message are the arguments of a call for one datagram. It is a local variable of a function that sets its
// fields itself: so neither it nor the buffer moves to the heap.
type message struct {
	header unix.Mmsghdr
	vector unix.Iovec
	name   sockaddr
}

// free gives m back, without the buffers of the first n datagrams.
func (m *messages) free(n int) {
	clear(m.vectors[:n])
	messagesPool.Put(m)
}

// exchange makes one of the two calls, and returns how many datagrams it has sent or received.
func (k socket) exchange(call string, trap uintptr, headers *unix.Mmsghdr, n int) (int, error) {
	for {
		done, _, err := unix.Syscall6(trap, uintptr(k.fd), uintptr(unsafe.Pointer(headers)), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
		switch err {
		case 0:
			return int(done), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrNotReady
		default:
			return 0, os.NewSyscallError(call, err)
		}
	}
}

func (k socket) readFrom(b []byte) (int, netip.AddrPort, bool, error) {
	var m message
	m.vector.Base = unsafe.SliceData(b)
	m.vector.SetLen(len(b))
	m.header.Hdr.Name, m.header.Hdr.Namelen = (*byte)(unsafe.Pointer(&m.name)), unix.SizeofSockaddrInet6
	m.header.Hdr.Iov, m.header.Hdr.Iovlen = &m.vector, 1
	if _, err := k.exchange("recvmmsg", unix.SYS_RECVMMSG, &m.header, 1); err != nil {
		return 0, netip.AddrPort{}, false, err
	}
	return int(m.header.Len), sender(&m.name), m.header.Hdr.Flags&unix.MSG_TRUNC != 0, nil
}

func (k socket) writeTo(six bool, b []byte, to netip.AddrPort) error {
	var m message
	length, err := receiver(&m.name, six, to)
	if err != nil {
		return err
	}
	m.vector.Base = unsafe.SliceData(b)
	m.vector.SetLen(len(b))
	m.header.Hdr.Name, m.header.Hdr.Namelen = (*byte)(unsafe.Pointer(&m.name)), length
	m.header.Hdr.Iov, m.header.Hdr.Iovlen = &m.vector, 1
	_, err = k.exchange("sendmmsg", unix.SYS_SENDMMSG, &m.header, 1)
	return err
}

func (k socket) readBatch(ps []Packet) (int, error) {
	ps = ps[:min(len(ps), maxBatch)]
	m := messagesPool.Get().(*messages)
	defer m.free(len(ps))
	for i := range ps {
		m.set(i, ps[i].Bytes, unix.SizeofSockaddrInet6)
	}
	n, err := k.exchange("recvmmsg", unix.SYS_RECVMMSG, &m.headers[0], len(ps))
	for i := range n {
		h, p := &m.headers[i], &ps[i]
		p.N, p.Addr, p.Truncated = int(h.Len), sender(&m.names[i]), h.Hdr.Flags&unix.MSG_TRUNC != 0
	}
	return n, err
}

func (k socket) writeBatch(six bool, ps []Packet) (int, error) {
	ps = ps[:min(len(ps), maxBatch)]
	m := messagesPool.Get().(*messages)
	defer m.free(len(ps))
	for i := range ps {
		length, err := receiver(&m.names[i], six, ps[i].Addr)
		if err != nil {
			if i == 0 {
				return 0, err
			}
			ps = ps[:i] // those before it are sent, and the next call returns the error
			break
		}
		m.set(i, ps[i].Bytes[:ps[i].N], length)
	}
	return k.exchange("sendmmsg", unix.SYS_SENDMMSG, &m.headers[0], len(ps))
}

// sender returns the address that the system has put into n.
func sender(n *sockaddr) netip.AddrPort {
	switch n.Family {
	case unix.AF_INET:
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), swapped(four.Port))
	case unix.AF_INET6:
		return netip.AddrPortFrom(withZone(netip.AddrFrom16(n.Addr).Unmap(), n.Scope_id), swapped(n.Port))
	default:
		return netip.AddrPort{}
	}
}

// receiver puts an address into n for the system, and returns its length.
func receiver(n *sockaddr, six bool, to netip.AddrPort) (uint32, error) {
	ip, err := destination(six, to)
	if err != nil {
		return 0, err
	}
	if six {
		*n = sockaddr{Family: unix.AF_INET6, Port: swapped(to.Port()), Addr: ip.As16(), Scope_id: zoneNumber(ip)}
		return unix.SizeofSockaddrInet6, nil
	}
	*(*unix.RawSockaddrInet4)(unsafe.Pointer(n)) = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swapped(to.Port()), Addr: ip.As4()}
	return unix.SizeofSockaddrInet4, nil
}

// swapped returns a port in the network's order of bytes, or back in that of the machine.
func swapped(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}
