package coro

import "github.com/framearena/framearena/internal/interleave"

// Waker wakes one task, once. It is made by [NewWaker] and given to [Suspend], or to a
// [Select] by its WaitCase, and to whatever is to wake the task: a callback, a goroutine, another task. It is a
// small value that may be copied, and kept as long as one likes: a Waker whose task
// has gone on, or has ended, does nothing. It holds a Go pointer, so it cannot be
// kept in a frame.
type Waker struct {
	slot *wakerSlot
	id   uint64
}

// wakerSlot is where a Waker and a task meet. Slots are reused, so each use of one
// has a number of its own: a Waker is valid as long as its slot has its number.
type wakerSlot struct {
	lock  lock
	id    uint64 // of the Waker; counts up. Guarded by lock, as the rest.
	woken bool   // before there was a task
	task  *header

	cases casePlace // what proxies know of this
}

var wakerSlots = interleave.Pool{New: func() any { return new(wakerSlot) }}

// NewWaker returns a Waker for one [Suspend].
func NewWaker() Waker {
	s := wakerSlots.Get().(*wakerSlot)
	return Waker{s, s.id} // nobody else has a valid Waker of s
}

// Suspend waits until w has been woken, and goes on in f at the resume point at. If
// w was woken before, the task goes on at once. If f.Err is not nil then, the
// tree's context has ended, and w does nothing any more. The task panics if
// w was given to a Suspend before.
func Suspend(f AnyFrame, at int, w Waker) Step {
	h := f.anyFrame()
	step := h.waitFor(at, w.slot)
	h.worker.get().args.waker = w.id
	if w.slot == nil {
		panicWakerMisused(h)
	}
	return step
}

func panicWakerMisused(h *header) {
	panic("coro: task " + quote(h.kind.get().name) + ": a Waker is good for one Suspend, or the Select that it wakes: make another one with NewWaker")
}

// Wake wakes the task that is suspended with w or, if there is none yet, makes its
// Suspend go on at once. It reports whether it was the first to do so, and in time;
// otherwise it does nothing. It may be called from any goroutine.
func (w Waker) Wake() bool {
	s := w.slot
	if s == nil {
		return false
	}
	var woken wakeList
	s.lock.mu.Lock()
	first := s.id == w.id && !s.woken
	recycle := false
	if first {
		if h := s.task; h == nil {
			s.woken = true
		} else if h.layout&flagProxy != 0 && !h.proxy().claim() {
			s.task, s.woken = nil, true // its Select goes on with something else
		} else {
			first = wakeClaimed(s.take(), flagWoken, &woken)
			recycle = true
		}
	}
	s.lock.mu.Unlock()
	if recycle {
		wakerSlots.Put(s)
	}
	post(&woken)
	return first
}

// take ends this use of the slot. The caller holds the lock, and puts the slot back
// when it has released that.
func (s *wakerSlot) take() *header {
	h := s.task
	s.task = nil
	s.woken = false
	s.id++
	return h
}

func (s *wakerSlot) park(w *Worker, h *header) parking {
	s.lock.mu.Lock()
	if s.id != w.args.waker || s.task != nil {
		s.lock.mu.Unlock()
		panicWakerMisused(h)
	}
	if s.woken {
		s.take()
		s.lock.mu.Unlock()
		wakerSlots.Put(s)
		return parkDone
	}
	p := s.lock.admit(s, h)
	switch p {
	case parked:
		s.task = h
	case parkUnarmed:
	default:
		s.take()
		s.lock.mu.Unlock()
		wakerSlots.Put(s)
		return p
	}
	s.lock.mu.Unlock()
	return p
}

func (s *wakerSlot) withdraw(m match, woken *wakeList) {
	s.lock.mu.Lock()
	recycle := false
	if h := s.task; h != nil && m.has(h) {
		if h.layout&flagProxy != 0 {
			s.task = nil // the Waker has woken nobody, and is still good
		} else {
			s.take()
			recycle = true
		}
		wake(h, 0, woken)
	}
	s.lock.mu.Unlock()
	if recycle {
		wakerSlots.Put(s)
	}
}

func (s *wakerSlot) forget(r *waitRegistry) bool {
	if !s.lock.mu.TryLock() {
		return false
	}
	defer s.lock.mu.Unlock()
	return s.lock.forget(r, s.task != nil || s.cases.visits > 0)
}
