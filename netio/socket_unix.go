//go:build (linux || darwin || freebsd) && !netio_portable

package netio

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a descriptor that does not block. Its calls are made between enter and leave, or with the
// slot's lock held.
type socket struct{ fd int32 }

// do repeats a call of the system that a signal has interrupted, and says what its result means.
func do(name string, call func() (int, error)) (int, error) {
	for {
		n, err := call()
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrNotReady
		default:
			return 0, os.NewSyscallError(name, err)
		}
	}
}

func (k socket) read(b []byte) (int, error) {
	return do("read", func() (int, error) { return unix.Read(int(k.fd), b) })
}

func (k socket) write(b []byte) (int, error) {
	return do("write", func() (int, error) { return unix.Write(int(k.fd), b) })
}

func (k socket) shutdown(d direction) error {
	how := unix.SHUT_RD
	if d == writing {
		how = unix.SHUT_WR
	}
	return os.NewSyscallError("shutdown", unix.Shutdown(int(k.fd), how))
}

func (k socket) close() error { return os.NewSyscallError("close", unix.Close(int(k.fd))) }

func (k socket) control(f func(fd uintptr)) error {
	f(uintptr(k.fd))
	return nil
}

func (k socket) setNoDelay(noDelay bool) error {
	return k.setInt("setsockopt", unix.IPPROTO_TCP, unix.TCP_NODELAY, boolInt(noDelay))
}

func (k socket) setLinger(seconds int) error {
	l := unix.Linger{Onoff: int32(boolInt(seconds >= 0)), Linger: int32(max(seconds, 0))}
	return os.NewSyscallError("setsockopt", unix.SetsockoptLinger(int(k.fd), unix.SOL_SOCKET, unix.SO_LINGER, &l))
}

func (k socket) setInt(name string, level, option, value int) error {
	return os.NewSyscallError(name, unix.SetsockoptInt(int(k.fd), level, option, value))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// systemAccept is accept; tests refuse connections as a system without memory does.
var systemAccept = accept

// accept accepts a connection.
func (k socket) accept() (socket, error) {
	fd, err := do("accept", func() (int, error) { return systemAccept(int(k.fd)) })
	return socket{int32(fd)}, err
}

// local returns the address of this end, or nil.
func (k socket) local() net.Addr {
	a, err := unix.Getsockname(int(k.fd))
	if err != nil {
		return nil
	}
	return k.netAddr(a)
}

// remote returns the address of the other end, or nil.
func (k socket) remote() net.Addr {
	a, err := unix.Getpeername(int(k.fd))
	if err != nil {
		return nil
	}
	return k.netAddr(a)
}

// netAddr returns an address of k as package net has it.
func (k socket) netAddr(a unix.Sockaddr) net.Addr {
	kind, err := unix.GetsockoptInt(int(k.fd), unix.SOL_SOCKET, unix.SO_TYPE)
	packets := err == nil && kind == unix.SOCK_DGRAM
	if u, ok := a.(*unix.SockaddrUnix); ok {
		network := "unix"
		if packets {
			network = "unixgram"
		}
		return &net.UnixAddr{Net: network, Name: u.Name}
	}
	at := addrPort(a)
	if !at.IsValid() {
		return nil
	}
	if packets {
		return net.UDPAddrFromAddrPort(at)
	}
	return net.TCPAddrFromAddrPort(at)
}

// takeOver returns a socket with a copy of the descriptor of c.
func takeOver(c net.Conn) (socket, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return socket{}, errNoDescriptor
	}
	return duplicate(sc)
}

// takenOver closes a connection that was taken over: the socket has a copy of its descriptor.
func takenOver(c net.Conn) { _ = c.Close() }

// duplicate returns a socket with a copy of a descriptor that does not block.
func duplicate(c syscall.Conn) (socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return socket{}, err
	}
	fd := -1
	var failed error
	err = raw.Control(func(of uintptr) {
		fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = os.NewSyscallError("fcntl", failed)
	}
	if err != nil {
		return socket{}, err
	}
	return socket{int32(fd)}, nil
}

// awaitPortable does nothing: the poller knows all connections.
func (s *slot) awaitPortable(handle, direction) {}

// setKeepAlive sets the options with the defaults of package net.
func (k socket) setKeepAlive(c net.KeepAliveConfig) error {
	if err := k.setInt("setsockopt", unix.SOL_SOCKET, unix.SO_KEEPALIVE, boolInt(c.Enable)); err != nil || !c.Enable {
		return err
	}
	for _, o := range [...]struct{ option, value, standard int }{
		{keepIdle, wholeSeconds(c.Idle), 15},
		{unix.TCP_KEEPINTVL, wholeSeconds(c.Interval), 15},
		{unix.TCP_KEEPCNT, c.Count, 9},
	} {
		if o.value < 0 {
			continue
		}
		if o.value == 0 {
			o.value = o.standard
		}
		if err := k.setInt("setsockopt", unix.IPPROTO_TCP, o.option, o.value); err != nil {
			return err
		}
	}
	return nil
}

// wholeSeconds returns d in seconds, rounded away from zero.
func wholeSeconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Second - 1) / time.Second)
}
