package coro

import (
	"slices"
	"time"
	"unsafe"
)

// A task that waits in a Select is in no queue itself: a proxy of it is in the queue of each
// case (see select_proxy.go). Select holds the locks of all its cases together while it looks
// for a case that can happen and, if there is none, queues the proxies. So no goroutine finds
// some of the proxies before all are queued, and two tasks in a Select cannot each look at the
// other's case before either is queued. The locks are taken in the order of their addresses,
// by all Selects, so that two Selects do not wait for each other's locks.

// Case is one of the things that a task waits for in a [Select]. It is made by
// [Chan.RecvCase], [Chan.SendCase], [Event.WaitCase], [WaitGroup.WaitCase], [Waker.WaitCase],
// [After] or [Default]. That of a SendCase is good for one Select, others for any number. The
// zero Case never happens, and nor does the case of a nil Chan, Event or WaitGroup, or of the zero
// Waker: use one to leave a case out.
type Case struct {
	on     selectable // nil: the case never happens
	index  int32      // among the arguments of Select
	sort   caseSort
	place  unsafe.Pointer // where a received value goes; nil: nowhere
	number uint64         // of the Waker, or of box; of an After its time, in ns
	box    any            // of a SendCase: the *box of the Chan
}

// caseSort is what Select does with a Case.
type caseSort uint8

const (
	caseOfWaitable caseSort = iota // is tried, and waited for by a proxy
	caseOfDefault
	caseOfTime // an After; on is an afterCase
)

// selectable is what a Case can be about: a waitable, or one side of it. The caller of try
// and push holds its lock; the caller of the other methods holds no lock of a waitable.
type selectable interface {
	// waitable returns what tasks wait for, and its lock.
	waitable() (waitable, *lock)

	// check panics unless c is a case that the task of h may use.
	check(h *header, c *Case)

	// try does what c is about if that is possible now, and returns parkDone or
	// parkChanClosed. Otherwise it returns parked, or parkMisuse if c is a mistake of the
	// program: then refuse is called, which panics.
	try(c *Case, woken *wakeList) parking
	refuse(h *header)

	// push queues p, the proxy for c.
	push(p *proxy, c *Case)

	// finish ends the use of c by a Select. done reports whether try has done c.
	finish(c *Case, done bool)

	// drop takes p out of where push has put it, if it is still there, and takes p off the
	// visits of its casePlace.
	drop(p *proxy)
}

// parkMisuse is what try returns if the case is a mistake of the program.
const parkMisuse = parkExhausted + 1

// Default is the case that happens if no other can happen at once: a Select with it does not
// wait.
func Default() Case { return Case{sort: caseOfDefault} }

// Select waits until one of the cases can happen, does that one and no other, and continues
// in f at the resume point at. The number of the case, counted from 0, is in *chosen, which
// must lie in f's state or held part; chosen may be nil. If several cases can happen, each is
// as likely to be chosen.
//
//	return coro.Select(f, 1, &s.chosen, jobs.RecvCase(&s.job), results.SendCase(s.sum), quit.RecvCase(nil))
//
// If f.Err is [ErrChanClosed] then, the channel of the chosen case is closed: it had no
// values left or, for a SendCase, it was closed while the task waited. With any other error,
// *chosen is -1 and no case has happened: the tree's context has ended or, with
// [arena.ErrExhausted], there was no memory to wait with. The task panics if a SendCase finds
// its channel closed already.
//
// Tasks in a Select take their turn among the others that wait for the same thing. If no case
// can ever happen, the task waits until its context ends. A task that waits in a Select needs
// memory of the executor's arena beside its frame, also if the tree has an allocator of its
// own: 128 bytes for one case, 256 for up to 3, with any number of Afters besides. If all cases are
// Afters, 64 bytes are enough, in the room behind the
// task's state, where a child would be elided, or else in a frame that it shares with other
// timers.
func Select(f AnyFrame, at int, chosen *int, cases ...Case) Step {
	h := f.anyFrame()
	w := h.runningWorker()
	if !h.mayPlace(unsafe.Pointer(chosen), h.stateSize()) {
		panicMisplacedChosen(h)
	}
	s := &w.args.cases
	s.prepare(h, cases)
	return s.begin(h, at, uintptr(unsafe.Pointer(chosen)))
}

// prepare makes s the Select of the given cases, for the task of h, which runs.
func (s *selecting) prepare(h *header, cases []Case) {
	s.defaultIndex, s.soonest = -1, -1
	if len(s.cases) > 0 {
		s.abandon()
	}
	for i := range cases {
		c := &cases[i]
		switch {
		case c.sort == caseOfDefault:
			s.defaultIndex = i
		case c.on == nil:
		case c.sort == caseOfTime && c.duration() > 0:
			if d := c.duration(); s.soonest < 0 || d < s.after {
				s.soonest, s.after = i, d
			}
		default:
			// Field by field, since a copy of words that were just stored is slow if it takes two
			// at once.
			s.cases = append(s.cases, Case{on: c.on, index: int32(i), sort: c.sort, place: c.place, number: c.number, box: c.box})
			added := &s.cases[len(s.cases)-1] // c in a call of a method would be on the Go heap
			if c.sort == caseOfTime {
				continue // it can happen at once
			}
			added.on.check(h, added)
			_, l := added.on.waitable()
			s.locks = append(s.locks, l)
		}
	}
	slices.SortFunc(s.locks, (*lock).order)
}

// begin returns the Step of the Select that was prepared. The number of the case goes to the address
// chosen, or nowhere if that is 0.
func (s *selecting) begin(h *header, at int, chosen uintptr) Step {
	s.chosen = chosen
	if len(s.cases) == 0 && s.defaultIndex < 0 && s.soonest < 0 {
		s.choose(-1)
		return Suspend(h, at, NewWaker())
	}
	return h.waitFor(at, s)
}

// selecting is a Select between the method and the end of park. It belongs to the worker.
type selecting struct {
	chosen       uintptr // where the number of the case goes; 0: nowhere
	defaultIndex int     // the number of Default; -1: there is none

	// soonest is the number of the After whose time passes first, of those whose time has not
	// passed already; -1: there is none. after is its time.
	soonest int
	after   time.Duration

	cases  []Case     // without Default, and without the Afters whose time has not passed
	locks  []*lock    // of the cases, sorted; a lock is in it once for each of its cases
	woken  wakeList   // by park; a variable in park would be on the Go heap
	record *selection // that park is to settle, since the scope was cancelled; otherwise nil
}

func (s *selecting) choose(i int) {
	if s.chosen != 0 {
		**(**int)(unsafe.Pointer(&s.chosen)) = i
	}
}

func (s *selecting) lockAll() {
	for i, l := range s.locks {
		if i == 0 || l != s.locks[i-1] {
			l.mu.Lock()
		}
	}
}

func (s *selecting) unlockAll() {
	for i, l := range s.locks {
		if i == 0 || l != s.locks[i-1] {
			l.mu.Unlock()
		}
	}
}

func (s *selecting) park(w *Worker, h *header) parking {
	s.woken.w = w
	s.lockAll()
	p, done := s.poll(h.env.get().runtime.random)
	switch {
	case p != parked:
		s.choose(s.number(done))
	case len(s.cases) > 0:
		p = s.wait(w, h)
	default: // there are no locks
		s.choose(-1)
		p = w.sleep(h, s.after, s)
	}
	s.unlockAll()
	if s.record != nil {
		s.record.settle(w, nil)
		s.record = nil
	}
	// After parked, the task may be running elsewhere, or be gone: h is not used any more.
	if p == parkUnarmed {
		return p // park is called again
	}
	var refusing selectable
	if p == parkMisuse {
		refusing, done = s.cases[done].on, -1
	}
	s.finish(done)
	if refusing != nil {
		refusing.refuse(h)
	}
	w.postParked(p, &s.woken)
	return p
}

// abandon ends the use of the cases of a Select that does not park: its step has panicked, or
// its task is being cancelled.
func (s *selecting) abandon() { s.finish(-1) }

// finish ends the use of the cases. try has done s.cases[done], or none if done is -1.
func (s *selecting) finish(done int) {
	for i := range s.cases {
		c := &s.cases[i]
		c.on.finish(c, i == done)
	}
	clear(s.cases)
	clear(s.locks)
	s.cases, s.locks = s.cases[:0], s.locks[:0]
}

// poll tries the cases in random order, of random, and does the first that can happen now:
// it is s.cases[done]. If none can and there is no Default, poll returns parked. The caller holds
// all locks.
func (s *selecting) poll(random *seededRandom) (p parking, done int) {
	for i := range s.cases {
		if last := len(s.cases) - 1; i < last {
			if j := i + random.below(len(s.cases)-i); j != i {
				s.cases[i], s.cases[j] = s.cases[j], s.cases[i]
			}
		}
		c := &s.cases[i]
		if p := c.on.try(c, &s.woken); p != parked {
			return p, i
		}
	}
	if s.defaultIndex >= 0 {
		return parkDone, -1
	}
	return parked, -1
}

// number returns the number of the case that poll has done, or of Default.
func (s *selecting) number(done int) int {
	if done < 0 {
		return s.defaultIndex
	}
	return int(s.cases[done].index)
}

// wait queues the proxies of h and returns parked, or it returns why h may not wait, and
// queues none. The caller holds all locks.
func (s *selecting) wait(w *Worker, h *header) parking {
	s.choose(-1)
	in, rt := h.env.scope(), h.env.get().runtime
	if in != nil && in.state.Load()&scopeArmed == 0 {
		return parkUnarmed
	}
	for i := range s.cases {
		all, l := s.cases[i].on.waitable()
		if p := l.enter(all, rt); p != parked {
			return p
		}
	}
	record := newSelection(w, h, len(s.cases), s.soonest >= 0)
	if record == nil {
		return parkExhausted
	}
	record.chosen = s.chosen
	p := record.proxy(0)
	for i := range s.cases {
		c := &s.cases[i]
		p.init(record, h, c.index)
		c.on.push(p, c)
		p = p.following()
	}
	// After the proxies, since the canceller comes from the list of the scope, and settles the Select
	// without the locks.
	if in != nil && h.enlist(in, uintptr(unsafe.Pointer(record)), waitSelects) != parked {
		record.winner.Store(selectWithdrawn) // no other goroutine claims a case: this one holds all locks
		record.n |= selectionUnset
		s.record = record
		return parkCancelled
	}
	if s.soonest >= 0 { // last, since the timer may fire at once
		record.setTimer(rt.timing(), s.soonest, s.after)
	}
	return parked
}
