//go:build (darwin || freebsd) && !netio_portable

package netio

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// poller learns from kqueue which connections have changed. Each is added once, for both directions,
// and leaves the queue when its descriptor is closed. So a wait takes no call of the system.
//
// A kqueue cannot be made one that does not block everywhere, so that Go's runtime cannot wait for it:
// an idle poller is a thread.
type poller struct {
	n   *Net
	fd  int // of the queue
	run sync.WaitGroup

	// handles has the handle of each connection, by its descriptor, which is what an event names. An
	// event of a descriptor that was closed wakes the next connection that has it, for nothing.
	mu      sync.Mutex
	handles []handle // guarded by mu
}

// closing is the number of the event that ends poll.
const closing = 1

func (p *poller) start(n *Net) error {
	fd, err := unix.Kqueue()
	if err != nil {
		return fmt.Errorf("netio: kqueue: %w", err)
	}
	unix.CloseOnExec(fd)
	var end [1]unix.Kevent_t
	unix.SetKevent(&end[0], closing, unix.EVFILT_USER, unix.EV_ADD|unix.EV_CLEAR)
	if _, err := unix.Kevent(fd, end[:], nil, nil); err != nil {
		unix.Close(fd)
		return fmt.Errorf("netio: kqueue: %w", err)
	}
	p.n, p.fd = n, fd
	p.run.Go(p.poll)
	return nil
}

// add adds a connection to the queue.
func (p *poller) add(k socket, h handle) error {
	p.mu.Lock()
	for int(k.fd) >= len(p.handles) {
		p.handles = append(p.handles, 0)
	}
	p.handles[k.fd] = h
	p.mu.Unlock()
	var changes [2]unix.Kevent_t
	unix.SetKevent(&changes[0], int(k.fd), unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR)
	unix.SetKevent(&changes[1], int(k.fd), unix.EVFILT_WRITE, unix.EV_ADD|unix.EV_CLEAR)
	if _, err := unix.Kevent(p.fd, changes[:], nil, nil); err != nil {
		return os.NewSyscallError("kevent", err)
	}
	return nil
}

// poll reports changes, until close.
func (p *poller) poll() {
	var ready [256]unix.Kevent_t
	for {
		n, err := unix.Kevent(p.fd, nil, ready[:], nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			panic("netio: kqueue: " + err.Error()) // only wrong arguments lead here
		}
		p.n.stats.polls.Add(1)
		p.n.stats.events.Add(uint64(n))
		for i := range ready[:n] {
			e := &ready[i]
			if e.Filter == unix.EVFILT_USER {
				return
			}
			p.mu.Lock()
			h := p.handles[e.Ident]
			p.mu.Unlock()
			read := e.Filter == unix.EVFILT_READ
			h.changed(read, e.Filter == unix.EVFILT_WRITE, read && e.Flags&unix.EV_EOF != 0)
		}
	}
}

func (p *poller) close() error {
	var end [1]unix.Kevent_t
	unix.SetKevent(&end[0], closing, unix.EVFILT_USER, 0)
	end[0].Fflags = unix.NOTE_TRIGGER
	if _, err := unix.Kevent(p.fd, end[:], nil, nil); err != nil {
		return fmt.Errorf("netio: kqueue: %w", err) // the queue is left to poll
	}
	p.run.Wait()
	return unix.Close(p.fd)
}
