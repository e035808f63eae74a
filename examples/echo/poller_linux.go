package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/coro"
)

// poller wakes tasks when files can be read or written. Any goroutine may use it.
type poller struct {
	fd    int // of epoll, which owns it
	epoll *os.File
	raw   syscall.RawConn // of epoll
	run   sync.WaitGroup

	// events has an Event for each file, by its number, in pages that never move. Watch
	// makes a page when it gets the first file of it, and stores it with a compare-and-swap,
	// so that a page is stored once. Tasks and poll load it.
	events []atomic.Pointer[[eventsPerPage]coro.Event]
}

const eventsPerPage = 256

// newPoller returns a poller of files whose numbers are less than maxFiles.
func newPoller(maxFiles int) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	// Go's runtime can wait for an epoll set as for any file that does not block. So the
	// waiting poller takes a goroutine, and not a thread.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p := &poller{
		fd:     fd,
		epoll:  os.NewFile(uintptr(fd), "epoll"),
		events: make([]atomic.Pointer[[eventsPerPage]coro.Event], (maxFiles+eventsPerPage-1)/eventsPerPage),
	}
	if p.raw, err = p.epoll.SyscallConn(); err != nil {
		p.epoll.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p.run.Go(p.poll)
	return p, nil
}

// Watch adds a file, which must not block, to the epoll set. Closing the file removes it.
func (p *poller) Watch(fd int) error {
	if fd/eventsPerPage >= len(p.events) {
		return fmt.Errorf("epoll: %w", unix.EMFILE)
	}
	page := &p.events[fd/eventsPerPage]
	if page.Load() == nil {
		page.CompareAndSwap(nil, new([eventsPerPage]coro.Event))
	}
	// With EPOLLET the system reports changes, so a task that waits needs no system call.
	events := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     int32(fd),
	}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &events); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// event returns the Event of a file. If the file was closed meanwhile and its number belongs
// to another file, the task of that file may be woken for nothing. It then looks, finds
// nothing to do, and waits again.
func (p *poller) event(fd int) *coro.Event {
	return &p.events[fd/eventsPerPage].Load()[fd%eventsPerPage]
}

// Expect resets the Event of a file. A task calls Expect first, then reads or writes until
// that would block, and then calls Wait: so it misses no change after Expect.
func (p *poller) Expect(fd int) { p.event(fd).Reset() }

// Wait waits until the system has reported a change of a file since the last Expect. Then f
// resumes at the resume point at.
func (p *poller) Wait(f coro.AnyFrame, at int, fd int) coro.Step { return p.event(fd).Wait(f, at) }

// poll sets the Events of files that have changed, until Close.
func (p *poller) poll() {
	var (
		ready [256]unix.EpollEvent
		n     int
		err   error
	)
	look := func(fd uintptr) bool { // on false, Read waits and calls it again
		n, err = unix.EpollWait(int(fd), ready[:], 0)
		return n > 0 || err != nil
	}
	for {
		if p.raw.Read(look) != nil {
			return // the epoll set is closed
		}
		if err != nil && err != unix.EINTR {
			panic("epoll: " + err.Error()) // only wrong arguments lead here
		}
		for _, e := range ready[:max(n, 0)] {
			p.event(int(e.Fd)).Set()
		}
	}
}

// Close ends the poller. Watch must not be called afterwards.
func (p *poller) Close() error {
	err := p.epoll.Close()
	p.run.Wait()
	return err
}
