package coro

import (
	"math/rand/v2"
	"slices"
	"unsafe"
)

// Case is one of the things that a task waits for in a [Select]. It is made by
// [Chan.RecvCase], [Chan.SendCase], [Event.WaitCase], [WaitGroup.WaitCase], [Waker.WaitCase],
// [After] or [Default], for one Select. The zero Case never happens, and nor does that of a nil
// Chan, Event or WaitGroup, or of the zero Waker: that is how to disable one.
type Case struct {
	on     selectable     // nil: never
	index  int32          // among the arguments of Select
	place  unsafe.Pointer // where what is received goes; nil: nowhere
	number uint64         // of the Waker or of the consignment
	parcel any            // of SendCase: the *consignment of the Chan
}

// selectable is what a Case can be about: a waitable, or one side of it. All methods
// but check, finish, refuse and drop are called with its lock held.
type selectable interface {
	// whole returns what tasks wait for, and its lock. It needs no lock.
	waitable() (waitable, *lock)

	// check panics if c is not one that the task of h may use.
	check(h *header, c *Case)

	// try does what c is about if that is possible now, and returns parkDone or
	// parkChanClosed, or else parked. With parkRefused, the caller calls refuse, which
	// panics, when it holds no lock any more.
	try(c *Case, woken *wakeList) parking
	refuse(h *header)

	// push puts p, whose case is c, where it is found when c becomes possible.
	push(p *proxy, c *Case)

	// finish is told that c is not looked at any more, and whether try did it.
	finish(c *Case, done bool)

	// drop takes p out of where push put it, if nobody else has, and counts the visit.
	drop(p *proxy)
}

// parkRefused is what try returns if the case is a mistake of the program.
const parkMisuse = parkExhausted + 1

// Default is the case that happens if no other can at once: a Select with it does not
// wait.
func Default() Case { return Case{on: defaultCase{}} }

// fallback is never waited for: Select looks for it.
type defaultCase struct{ selectable }

// Select waits until one of the cases can happen, does that one and no other, and goes
// on in f at the resume point at. The number of the case, counted from 0, is in *chosen,
// which must lie in f's state or held part; chosen may be nil. Among several that can
// happen, each is as likely. What a RecvCase receives goes where [Chan.Recv] may put
// it.
//
//	return coro.Select(f, 1, &s.chosen, jobs.RecvCase(&s.job), results.SendCase(s.sum), quit.RecvCase(nil))
//
// If f.Err is not nil then, it is [ErrChanClosed], and the channel of the chosen case is
// closed: it had no values left or, for a SendCase, was closed while the task waited. The
// task panics if a SendCase finds its channel closed already. Or *chosen is -1, and none
// has happened: the tree's context has ended or, with [arena.ErrExhausted], there was no
// memory to wait with.
//
// Tasks in a Select take their turn among the others. Where no case can ever happen,
// the task waits until its context ends. A task that waits in a Select needs, beside
// its frame, memory of the executor's arena, also if the tree has an allocator of
// its own: 256 bytes for up to 3 cases.
func Select(f AnyFrame, at int, chosen *int, cases ...Case) Step {
	h := f.anyFrame()
	w := h.runningWorker()
	if chosen != nil && !h.frameHolds(unsafe.Pointer(chosen)) {
		panic("coro: task " + quote(h.kind.get().name) + ": the chosen case of Select must go to a field of the frame's State or held part (or to nil): another address may be gone when one is chosen")
	}
	s := &w.args.cases
	s.chosen = uintptr(unsafe.Pointer(chosen))
	s.defaultIndex = -1
	if len(s.cases) > 0 {
		s.abandon()
	}
	for i, c := range cases {
		switch c.on.(type) {
		case nil:
		case defaultCase:
			s.defaultIndex = i
		default:
			c.index = int32(i)
			s.cases = append(s.cases, c)
			c.on.check(h, &s.cases[len(s.cases)-1]) // &c would be on the Go heap
			_, l := c.on.waitable()
			s.locks = append(s.locks, l)
		}
	}
	if len(s.cases) == 0 && s.defaultIndex < 0 {
		s.choose(-1)
		return Suspend(f, at, NewWaker())
	}
	slices.SortFunc(s.locks, (*lock).order)
	return h.waitFor(at, s)
}

// selecting is what a worker keeps of a Select between the method and park.
//
// All of its locks are held together while it looks for a case that can happen and, if
// there is none, puts a proxy of the task into every queue. So nobody finds some of the
// proxies before all are there, and no two tasks in a Select find each other waiting.
type selecting struct {
	chosen       uintptr // where the number goes; 0: nowhere
	defaultIndex int     // the number of Default; -1: there is none
	cases        []Case
	locks        []*lock  // of the cases, in order; with several cases of one, it is there so often
	woken        wakeList // by park; a variable there would be on the Go heap
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
	p, done := s.poll()
	if p == parked {
		p = s.wait(w, h)
	}
	s.unlockAll()
	// If it is parked, the task may be running elsewhere now, or be gone.
	if p == parkUnarmed {
		return p // and park is called again
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

// abandon ends the use of the cases of a Select that is not waited with: its step panicked, or
// belongs to a task that is being cancelled.
func (s *selecting) abandon() { s.finish(-1) }

// finish ends the use of the cases, of which try did s.cases[done]; -1: none.
func (s *selecting) finish(done int) {
	for i := range s.cases {
		c := &s.cases[i]
		c.on.finish(c, i == done)
	}
	clear(s.cases)
	clear(s.locks)
	s.cases, s.locks = s.cases[:0], s.locks[:0]
}

// poll does one of the cases that can happen now, if there are any: s.cases[done]. They
// are tried in random order.
func (s *selecting) poll() (p parking, done int) {
	for i := range s.cases {
		if last := len(s.cases) - 1; i < last {
			j := i + rand.IntN(len(s.cases)-i)
			s.cases[i], s.cases[j] = s.cases[j], s.cases[i]
		}
		c := &s.cases[i]
		if p := c.on.try(c, &s.woken); p != parked {
			s.choose(int(c.index))
			return p, i
		}
	}
	if s.defaultIndex >= 0 {
		s.choose(s.defaultIndex)
		return parkDone, -1
	}
	return parked, -1
}

// wait puts proxies of h into the queues, if it returns parked.
func (s *selecting) wait(w *Worker, h *header) parking {
	s.choose(-1)
	for i := range s.cases {
		all, l := s.cases[i].on.waitable()
		if p := l.admit(all, h); p != parked {
			return p
		}
	}
	record := newSelection(w, h, len(s.cases))
	if record == nil {
		return parkExhausted
	}
	record.chosen = s.chosen
	for i := range s.cases {
		c := &s.cases[i]
		p := record.proxy(i)
		p.init(record, h, c.index)
		c.on.push(p, c)
	}
	return parked
}
