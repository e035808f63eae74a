//go:build linux && !netio_portable

package netio

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller learns from epoll which connections have changed. Each is added once, edge-triggered, and
// leaves the set when its descriptor is closed. So a wait takes no call of the system.
//
// Go's runtime waits for the set as it does for any file that does not block. So an idle poller is a
// parked goroutine, and takes no thread.
type poller struct {
	n   *Net
	fd  int // of epoll, which owns it
	set *os.File
	raw syscall.RawConn // of epoll
	run sync.WaitGroup
}

func (p *poller) start(n *Net) error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("netio: epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return fmt.Errorf("netio: epoll: %w", err)
	}
	p.n, p.fd, p.set = n, fd, os.NewFile(uintptr(fd), "epoll")
	if p.raw, err = p.set.SyscallConn(); err != nil {
		p.set.Close()
		return fmt.Errorf("netio: epoll: %w", err)
	}
	p.run.Go(p.poll)
	return nil
}

// add adds a connection to the set.
func (p *poller) add(k socket, h handle) error {
	event := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff,
		Fd:     int32(h.number()),
		Pad:    int32(h.generation()),
	}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, int(k.fd), &event); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// poll reports changes, until close. It never lets Read return before that, which would take one more call of
// the system for each wait: a set that had fewer events than there was room for is empty, and what comes
// after that ends the wait.
func (p *poller) poll() {
	var ready [256]unix.EpollEvent
	look := func(fd uintptr) bool { // on false, Read waits and calls it again
		for {
			n, err := unix.EpollWait(int(fd), ready[:], 0)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				panic("netio: epoll: " + err.Error()) // only wrong arguments lead here
			}
			p.n.stats.polls.Add(1)
			p.n.stats.events.Add(uint64(n))
			for _, e := range ready[:n] {
				const ended = unix.EPOLLRDHUP | unix.EPOLLHUP
				const broken = unix.EPOLLERR | unix.EPOLLHUP
				h := handle(uint32(e.Pad))<<32 | handle(uint32(e.Fd))
				h.changed(e.Events&(unix.EPOLLIN|ended|broken) != 0, e.Events&(unix.EPOLLOUT|broken) != 0, e.Events&ended != 0)
			}
			if n < len(ready) {
				return false
			}
		}
	}
	_ = p.raw.Read(look) // the error of close
}

func (p *poller) close() error {
	err := p.set.Close()
	p.run.Wait()
	return err
}
