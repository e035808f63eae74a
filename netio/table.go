package netio

import (
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// The table of connections.
//
// A connection or listener has a slot, which is memory in a page that never moves and never goes
// away. A handle is the number of the slot and its generation. The generation is that of the slot
// while the connection is open, and is counted up when the slot is given back; so a handle that is
// kept for too long finds another generation, and never somebody else's connection. A slot whose
// generation would begin anew is not used again.
//
// # Who may use the descriptor
//
// The system gives the number of a descriptor that was closed to the next file. So a descriptor is
// closed only when no system call can use it any more: each call of the system is made between
// enter and leave, which count the users of the slot under its lock, and the last of closing and
// leaving closes the descriptor.
//
// # No wait is missed
//
// ready says that the system has reported a change of the direction since the last call of the system
// began. enter clears it before that call, and the poller sets it, both under the lock. If the call then
// finds nothing to do, a change that came after enter has set ready again, and await does not wait.
// If await comes first, the poller finds its Waker there. await and the poller hold the lock, so
// neither can come between the other's look and its mark.
//
// A read that has got less than its buffer has room for has read all bytes, but not their end. The system
// may have reported the end before that read, and does not do so again. So flagEnded, once set, keeps the
// reading direction ready: each read finds bytes or the end.

// handle is the number of a slot in its lower half and the slot's generation in its upper half. The
// zero handle is of no slot.
type handle uint64

func (h handle) number() uint32     { return uint32(h) }
func (h handle) generation() uint32 { return uint32(h >> 32) }

const (
	pageShift = 6
	pageSize  = 1 << pageShift // in slots

	lastGeneration = 1<<32 - 1
)

// page has slots of one Net. Pages are never freed: those of a Net that is closed are taken by the next
// one, with the generations that they have.
type page struct {
	net   *Net // guarded by the locks of the slots: it changes only while none of them is in use
	slots [pageSize]slot
}

// direction is one of the two ways of a connection.
type direction int

const (
	reading direction = iota
	writing
)

// bit returns the bit of a flag that each direction has.
func (d direction) bit(flag uint32) uint32 { return flag << d }

// Flags of a slot. Those that are for one direction have two bits, the second for writing.
const (
	flagReady    = 1 << 0  // the system has reported a change since the last enter
	flagShut     = 1 << 2  // this direction was closed by CloseRead or CloseWrite
	flagExpired  = 1 << 4  // the deadline has passed
	flagOpen     = 1 << 6  // the slot is in use
	flagClosed   = 1 << 7  // and was closed, but somebody still uses the descriptor
	flagIdle     = 1 << 8  // the idle timeout has passed
	flagPolled   = 1 << 9  // a goroutine waits for this direction; see socket_portable.go
	flagSix      = 1 << 11 // the socket is one for datagrams, and its addresses are of IPv6
	flagEnded    = 1 << 12 // the system has reported the end of what the peer sends
	flagListener = 1 << 13 // it is a listener, and counted as one

	// The rest of the flags counts reads in a row.
	turnOne = 1 << 28
)

// slot is a connection or listener. The page's Net, and mu, are where the fields' order is from: a
// connection that waits has nothing else.
type slot struct {
	mu         interleave.Mutex // guards what follows
	generation uint32           // of the handle, while the slot is open
	flags      uint32
	socket
	users    int32 // calls of the system that may use the socket
	activity uint32
	idle     uint32 // the idle timeout, in ticks as activity is; 0: none
	wakers   [2]coro.Waker
	more     *more
}

// more is what few connections have.
type more struct {
	deadlines [2]deadline
	goroutine [2]chan struct{} // of a goroutine that waits, see blockingConn; has room for one value
	peeked    []byte           // is read before the socket
	file      *socketFile      // is removed by close
}

// table has all pages of the process.
var table struct {
	pages atomic.Pointer[[]*page] // by number; the slice that it points to is not changed

	mu   sync.Mutex
	free []uint32 // the numbers of pages that belong to no Net; guarded by mu
}

// slotOf returns the slot with a number, which was a handle's. It is nil for a number that no slot has.
func slotOf(number uint32) *slot {
	pages := table.pages.Load()
	if pages == nil || int(number>>pageShift) >= len(*pages) {
		return nil
	}
	return &(*pages)[number>>pageShift].slots[number%pageSize]
}

// newPage returns the number of a page for n.
func newPage(n *Net) uint32 {
	table.mu.Lock()
	defer table.mu.Unlock()
	if last := len(table.free) - 1; last >= 0 {
		number := table.free[last]
		table.free = table.free[:last]
		(*table.pages.Load())[number].net = n
		return number
	}
	var old []*page
	if pages := table.pages.Load(); pages != nil {
		old = *pages
	}
	// Readers have the old slice, so the new one is another; it is copied each time its room is used up.
	grown := append(old[:len(old):cap(old)], &page{net: n})
	table.pages.Store(&grown)
	return uint32(len(grown) - 1)
}

// lock returns the slot of h, locked, or nil if h's connection is closed.
func (h handle) lock() *slot {
	s := slotOf(h.number())
	if s == nil {
		return nil
	}
	s.mu.Lock()
	if s.generation != h.generation() || s.flags&(flagOpen|flagClosed) != flagOpen {
		s.mu.Unlock()
		return nil
	}
	return s
}

// net returns the Net of an open connection, or nil.
func (h handle) net() *Net {
	s := h.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	return pageOf(h.number()).net
}

// pageOf returns the page of a slot's number.
func pageOf(number uint32) *page { return (*table.pages.Load())[number>>pageShift] }

// take returns a new handle of a free slot, which is open from now on.
func (n *Net) take(k socket) (handle, error) {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return 0, errNetClosed
	}
	if len(n.free) == 0 {
		number := newPage(n)
		n.pages = append(n.pages, number)
		for i := pageSize - 1; i >= 0; i-- {
			if first := number<<pageShift + uint32(i); slotOf(first).generation < lastGeneration {
				n.free = append(n.free, first)
			}
		}
		n.stats.slots.Store(int64(len(n.pages)) * pageSize)
	}
	last := len(n.free) - 1
	number := n.free[last]
	n.free = n.free[:last]
	n.mu.Unlock()

	s := slotOf(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	s.socket = k
	s.flags = flagOpen | writing.bit(flagReady) // the poller reports what there is to read
	s.activity = n.ticks.Load()
	n.stats.open.Add(1)
	return handle(s.generation)<<32 | handle(number), nil
}

// give gives a slot back whose socket is not used any more. The caller holds its lock, and has the
// number of the slot.
func (s *slot) give(number uint32) {
	n := pageOf(number).net
	retired := s.generation >= lastGeneration-1
	s.socket, s.flags, s.idle, s.more = socket{}, 0, 0, nil
	s.wakers = [2]coro.Waker{}
	n.stats.open.Add(-1)
	if retired {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.free = append(n.free, number)
}

// enter begins a call of the system in the direction d. If there is no error, the caller makes the
// call with the socket that it gets, and calls leave.
func (h handle) enter(d direction) (k socket, err error) {
	k, _, err = h.enterAs(d)
	return k, err
}

// enterAs is enter, and says whether the socket has addresses of IPv6.
func (h handle) enterAs(d direction) (k socket, six bool, err error) {
	s := h.lock()
	if s == nil {
		return socket{}, false, errClosed
	}
	defer s.mu.Unlock()
	if err := s.refused(d); err != nil {
		return socket{}, false, err
	}
	if d == writing || s.flags&flagEnded == 0 {
		s.flags &^= d.bit(flagReady)
	}
	s.users++
	return s.socket, s.flags&flagSix != 0, nil
}

// refused says why the direction d can not be used, or is nil.
func (s *slot) refused(d direction) error {
	switch {
	case s.flags&d.bit(flagShut) != 0:
		return errShut[d]
	case s.flags&d.bit(flagExpired) != 0:
		return errExpired
	case s.flags&flagIdle != 0:
		return ErrIdleTimeout
	default:
		return nil
	}
}

// isReady reports whether there is something to be learned about the direction d by trying.
func (s *slot) isReady(d direction) bool {
	return s.flags&d.bit(flagReady) != 0 || s.refused(d) != nil || d == reading && s.more != nil && len(s.more.peeked) > 0
}

// leave ends what enter has begun. again says that the direction may still be ready, used that
// something was done.
func (h handle) leave(d direction, used, again bool) {
	s := slotOf(h.number())
	s.mu.Lock()
	defer s.mu.Unlock()
	if again {
		s.flags |= d.bit(flagReady)
	}
	if used {
		s.activity = pageOf(h.number()).net.ticks.Load()
	}
	s.users--
	if s.users == 0 && s.flags&flagClosed != 0 {
		s.socket.close()
		s.give(h.number())
	}
}

// await begins a wait: w is woken when there is something to learn by trying again. That may be now.
func (h handle) await(d direction, w coro.Waker) {
	s := h.lock()
	if s == nil {
		w.Wake()
		return
	}
	if s.isReady(d) {
		s.mu.Unlock()
		w.Wake()
		return
	}
	before := s.wakers[d]
	s.wakers[d] = w
	s.flags &= turnOne - 1
	s.awaitPortable(h, d)
	s.mu.Unlock()
	before.Wake() // two have come at once: the first one tries again, and finds the second one here
}

// refusal says why the direction d can not be used, or is nil.
func (h handle) refusal(d direction) error {
	s := h.lock()
	if s == nil {
		return errClosed
	}
	defer s.mu.Unlock()
	return s.refused(d)
}

// mustWait reports whether there is nothing to be learned about the direction d, so that a wait for it is
// one. If there is, over says that others are to have their turn. The error is ErrBusy if another task waits
// already.
func (h handle) mustWait(d direction) (wait, over bool, err error) {
	s := h.lock()
	if s == nil {
		return false, false, nil
	}
	defer s.mu.Unlock()
	switch {
	case s.isReady(d):
		return false, s.turnIsOver(), nil
	case s.wakers[d].Pending():
		return false, false, ErrBusy
	default:
		return true, false, nil
	}
}

// turnIsOver counts what was done since the last wait, and reports whether others are to have their turn.
func (h handle) turnIsOver() bool {
	s := h.lock()
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	return s.turnIsOver()
}

func (s *slot) turnIsOver() bool {
	s.flags += turnOne // and begins anew at its end
	return s.flags < turnOne
}

// woken are the Wakers of a slot, and the channels of goroutines, which are woken without its lock.
type woken struct {
	wakers    [2]coro.Waker
	goroutine [2]chan struct{} // nil: no goroutine has waited
}

// take takes the Waker of a direction. The caller holds the lock of s.
func (w *woken) take(s *slot, d direction) {
	w.wakers[d], s.wakers[d] = s.wakers[d], coro.Waker{}
	if s.more != nil {
		w.goroutine[d] = s.more.goroutine[d]
	}
}

func (w *woken) wake() {
	for d := range w.wakers {
		w.wakers[d].Wake()
		interleave.TrySend(w.goroutine[d], struct{}{}) // unless there is none, or a value is there already
	}
}

// changed records that the system reports a change in the given directions, and whether the data of the
// peer has ended. h may be of a connection that was closed since.
func (h handle) changed(read, write, ended bool) {
	s := h.lock()
	if s == nil {
		return
	}
	if ended {
		s.flags |= flagEnded
	}
	var w woken
	if read {
		s.flags |= reading.bit(flagReady)
		w.take(s, reading)
	}
	if write {
		s.flags |= writing.bit(flagReady)
		w.take(s, writing)
	}
	s.mu.Unlock()
	w.wake()
}

// close closes the connection or listener. It returns net.ErrClosed if that is closed already.
func (h handle) close() error {
	s := h.lock()
	if s == nil {
		return errClosed
	}
	s.flags |= flagClosed
	if s.flags&flagListener != 0 {
		pageOf(h.number()).net.stats.listeners.Add(-1)
	}
	var w woken
	w.take(s, reading)
	w.take(s, writing)
	var err error
	if s.more != nil {
		s.more.stop()
		s.more.file.remove() // before the socket is closed: until then nobody else listens at its name
	}
	if s.users == 0 {
		err = s.socket.close()
		s.give(h.number())
	}
	s.mu.Unlock()
	w.wake()
	return err
}
