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

// poller tells tasks when files can be read or written. Any goroutine may use it.
type poller struct {
	fd    int // of epoll, which owns it
	epoll *os.File
	raw   syscall.RawConn // of epoll
	run   sync.WaitGroup

	// events has an Event for each file, by its number, in pages that are made when they
	// are needed and never moved. A page is published by a compare-and-swap, by whoever
	// watches the first file of it.
	events []atomic.Pointer[[eventsPerPage]coro.Event]
}

const eventsPerPage = 256

// newPoller returns a poller of files whose numbers are less than maxFiles.
func newPoller(maxFiles int) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	// An epoll set can itself be waited for, and Go's runtime does that for files that do
	// not block. So the poller is a goroutine that waits, and not a thread.
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

// Watch begins to watch a file that does not block. It ends when the file is closed.
func (p *poller) Watch(fd int) error {
	if fd/eventsPerPage >= len(p.events) {
		return fmt.Errorf("epoll: %w", unix.EMFILE)
	}
	page := &p.events[fd/eventsPerPage]
	if page.Load() == nil {
		page.CompareAndSwap(nil, new([eventsPerPage]coro.Event))
	}
	// EPOLLET: only what changes is told, so nothing has to be said when a task waits.
	events := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     int32(fd),
	}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &events); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// event returns the Event of a file. The file may have been closed meanwhile, and its
// number be that of another one: tasks are woken once too often then, and find nothing.
func (p *poller) event(fd int) *coro.Event {
	return &p.events[fd/eventsPerPage].Load()[fd%eventsPerPage]
}

// Expect forgets what was told of a file so far. It comes before a task reads or writes
// until that would block, and then Waits: what happens after that is not missed.
func (p *poller) Expect(fd int) { p.event(fd).Reset() }

// Wait waits until something has been told of a file since the last Expect, and goes on
// in f at the resume point at.
func (p *poller) Wait(f coro.AnyFrame, at int, fd int) coro.Step { return p.event(fd).Wait(f, at) }

func (p *poller) poll() {
	var (
		told [256]unix.EpollEvent
		n    int
		err  error
	)
	look := func(fd uintptr) bool { // false: wait, and call it again
		n, err = unix.EpollWait(int(fd), told[:], 0)
		return n > 0 || err != nil
	}
	for {
		if p.raw.Read(look) != nil {
			return // Close
		}
		if err != nil && err != unix.EINTR {
			panic("epoll: " + err.Error()) // the arguments were wrong
		}
		for _, e := range told[:max(n, 0)] {
			p.event(int(e.Fd)).Set()
		}
	}
}

// Close ends the poller. Nothing may be Watched any more.
func (p *poller) Close() error {
	err := p.epoll.Close()
	p.run.Wait()
	return err
}
