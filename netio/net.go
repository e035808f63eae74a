package netio

import (
	"errors"
	"iter"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/framearena/framearena/coro"
)

// Net has the connections of one executor, and the poller that wakes the tasks which wait for them.
// Any goroutine may use it. It is made by [Open].
type Net struct {
	executor coro.Executor
	poller   poller
	budget   budget
	pipes    pipes

	handshakes handshakes

	// ticks is the time since Open in units of tick, for idle timeouts. The sweeper stores it, and
	// whoever reads or writes loads it: a time that is old by one period is old enough.
	ticks   atomic.Uint32
	sweeper sweeper

	stats counters

	mu      sync.Mutex
	closed  bool     // guarded by mu, as what follows
	ended   bool     // Close has done all but giving pages to other Nets
	looking int      // how many look at all slots: until they have, no page goes to another Net
	pages   []uint32 // their numbers
	free    []uint32 // the numbers of slots that are not in use
}

// The errors of this package. Those of connections are [*net.OpError] and wrap one of these, an error of
// the system, [net.ErrClosed] or [os.ErrDeadlineExceeded].
var (
	// ErrNotReady is the error of TryRead and the like if there is nothing to read, or no room to
	// write: Readable or Writable waits for that. It is a net.Error, and a temporary one.
	ErrNotReady error = notReadyError{}

	// ErrIdleTimeout is the error of a connection whose idle timeout has passed. It wraps
	// os.ErrDeadlineExceeded.
	ErrIdleTimeout error = idleError{}

	// ErrBusy is the error of a wait for a direction of a connection that another task waits for.
	ErrBusy = errors.New("netio: another task waits for the same direction of the connection")

	// ErrEmptyBuffer is the error of a read into a buffer without room, which could not tell the end of
	// the data from its absence.
	ErrEmptyBuffer = errors.New("netio: read into an empty buffer")

	// ErrTooLarge is the error of a Lease that is larger than its Net's budget.
	ErrTooLarge = errors.New("netio: a lease larger than the budget of the Net")
)

var (
	errClosed    = net.ErrClosed
	errExpired   = os.ErrDeadlineExceeded
	errNetClosed = &closedError{"netio: the Net is closed"}
	errShut      = [...]error{
		reading: &closedError{"netio: CloseRead was called"},
		writing: &closedError{"netio: CloseWrite was called"},
	}
)

// closedError is an error that wraps net.ErrClosed.
type closedError struct{ text string }

func (e *closedError) Error() string { return e.text }
func (e *closedError) Unwrap() error { return net.ErrClosed }

type notReadyError struct{}

func (notReadyError) Error() string   { return "netio: not ready" }
func (notReadyError) Timeout() bool   { return false }
func (notReadyError) Temporary() bool { return true } // crypto/tls goes on after such an error of a read

type idleError struct{}

func (idleError) Error() string   { return "netio: the connection was idle for too long" }
func (idleError) Unwrap() error   { return os.ErrDeadlineExceeded }
func (idleError) Timeout() bool   { return true }
func (idleError) Temporary() bool { return true }

// Option configures a [Net].
type Option interface{ apply(*Net) }

type optionFunc func(*Net)

func (f optionFunc) apply(n *Net) { f(n) }

// WithBudget limits the bytes of all leases that are out at the same time; see [Net.Lease]. Without it
// there are 64 MiB. It panics if bytes is not positive.
func WithBudget(bytes int) Option {
	if bytes <= 0 {
		panic("netio: a budget must be positive")
	}
	return optionFunc(func(n *Net) { n.budget.size = int64(bytes) })
}

const defaultBudget = 64 << 20

// Open returns a Net whose tasks run on ex. It has to be closed, before ex or after it. The error is
// one of the system: there is no descriptor for the poller.
func Open(ex coro.Executor, opts ...Option) (*Net, error) {
	if ex == nil {
		panic("netio: Open needs an executor")
	}
	n := &Net{executor: ex}
	n.budget.size = defaultBudget
	n.handshakes.limit, n.handshakes.timeout = defaultHandshakes, defaultHandshakeTimeout
	for _, o := range opts {
		o.apply(n)
	}
	n.handshakes.start()
	if err := n.budget.start(n.budget.size); err != nil {
		return nil, err
	}
	if err := n.poller.start(n); err != nil {
		return nil, errors.Join(err, n.budget.close())
	}
	n.sweeper.start(n)
	return n, nil
}

// Close closes all listeners and connections: what waits for them goes on and gets net.ErrClosed. Then
// it ends the poller. A second Close does nothing and returns an error that wraps net.ErrClosed.
func (n *Net) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return errNetClosed
	}
	n.closed = true
	n.mu.Unlock()

	n.sweeper.stop()
	for number, s := range n.slots() {
		s.mu.Lock()
		h := handle(s.generation)<<32 | handle(number)
		s.mu.Unlock()
		_ = h.close() // it may be closed, or not in use
	}
	n.pipes.close()
	err := errors.Join(n.poller.close(), n.budget.close())

	// A call of the system may still be under way for a slot: its page stays with this Net until then.
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	n.releasePages()
	return err
}

// releasePages gives pages none of whose slots is in use to other Nets, if Close has ended and nobody looks
// at them. The caller holds mu.
func (n *Net) releasePages() {
	if !n.ended || n.looking > 0 {
		return
	}
	unused := make(map[uint32]int)
	for _, number := range n.free {
		unused[number>>pageShift]++
	}
	table.mu.Lock()
	defer table.mu.Unlock()
	kept := n.pages[:0]
	for _, number := range n.pages {
		if unused[number] == pageSize {
			table.free = append(table.free, number)
		} else {
			kept = append(kept, number)
		}
	}
	n.pages, n.free = kept, nil
}

// slots returns an iterator over the slots that n has when it begins, used or not, and their numbers. The loop
// may wake tasks, which an executor may run there and then, so it holds no lock.
func (n *Net) slots() iter.Seq2[uint32, *slot] {
	return func(yield func(uint32, *slot) bool) {
		n.mu.Lock()
		n.looking++
		pages := n.pages // what is appended later does not matter
		n.mu.Unlock()
		defer func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.looking--
			n.releasePages()
		}()
		for _, page := range pages {
			for i := range uint32(pageSize) {
				if number := page<<pageShift + i; !yield(number, slotOf(number)) {
					return
				}
			}
		}
	}
}

// counters are what Stats reports.
type counters struct {
	open, slots, listeners atomic.Int64
	accepted, dialed       atomic.Uint64
	polls, events          atomic.Uint64
}

// Stats are the figures of a Net. All are of one moment, but not of the same one.
type Stats struct {
	Open      int // connections, listeners and sockets for datagrams that are open
	Listeners int // of these
	Slots     int // how many there is memory for
	SlotBytes int // of this memory

	Accepted, Dialed uint64 // connections since Open

	Handshakes       int    // of TLS, that are under way on a goroutine
	HandshakesDone   uint64 // since Open
	HandshakesFailed uint64

	Polls, Events uint64 // of the poller: how often it has looked, and what it has found

	Leased int64 // bytes of leases that are out
	Budget int64 // bytes that leases may have
}

// Stats returns the figures of n.
func (n *Net) Stats() Stats {
	slots := int(n.stats.slots.Load())
	return Stats{
		Open:      int(n.stats.open.Load()),
		Listeners: int(n.stats.listeners.Load()),
		Slots:     slots,
		SlotBytes: slots / pageSize * int(unsafe.Sizeof(page{})),
		Accepted:  n.stats.accepted.Load(),
		Dialed:    n.stats.dialed.Load(),

		Handshakes:       int(n.handshakes.running.Load()),
		HandshakesDone:   n.handshakes.done.Load(),
		HandshakesFailed: n.handshakes.failed.Load(),

		Polls:  n.stats.polls.Load(),
		Events: n.stats.events.Load(),
		Leased: n.budget.bytes(),
		Budget: n.budget.size,
	}
}

// Waiting returns how many connections and listeners have a task that waits to read or to accept, and how many
// have one that waits to write. It looks at each of them, one after another.
func (n *Net) Waiting() (toRead, toWrite int) {
	for _, s := range n.slots() {
		s.mu.Lock()
		if s.wakers[reading].Pending() {
			toRead++
		}
		if s.wakers[writing].Pending() {
			toWrite++
		}
		s.mu.Unlock()
	}
	return toRead, toWrite
}

// tick is the unit of idle timeouts.
const tick = 10 * time.Millisecond
