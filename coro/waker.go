package coro

import "github.com/framearena/framearena/internal/interleave"

// A Waker is an address of a slot and a number. It is the only thing that outlives what it
// refers to: the slot is reused by other Wakers, and the frame by other tasks.
//
// A slot counts its uses in id, guarded by its lock. A use begins with NewWaker, which takes
// the slot from the pool, and ends, in take, when the task has been woken, withdrawn, or
// refused to wait; take adds 1 to id, and after that the slot goes back to the pool. So each
// use has a number that no other use has, and a Waker is valid while its number is the
// slot's. Wake compares the two under the lock before it does anything. A Waker that comes
// late finds another number and does nothing, whatever the slot and the frame are used for
// by then.
//
// Wake and Suspend may come in either order. Under the lock, the first one leaves its mark
// (woken, or task), and the second finds it; neither can come between the other's look and its
// mark. Of several calls of Wake, only the first finds woken false and the number valid.
//
// NewWaker reads id without the lock: while a slot is in the pool, no valid Waker of it exists,
// so no goroutine changes id. The pool orders the read after the last take.
//
// A Select that the Waker is a case of leaves the use open if another case wins: task is nil
// again, and the Waker is good for another wait. If the Waker is woken after the other case was
// claimed, woken remembers it.
//
// TestWakersOfThePast and TestInterleavingsOfWaits try late Wakers, and
// TestInterleavingsOfWrongWakers shows what is wrong with Wakers without a lock.

// Waker wakes one task, once. It is made by [NewWaker], and given to [Suspend], or to a
// [Select] by its WaitCase, and to whatever is to wake the task: a callback, a goroutine,
// another task. It is a small value that may be copied and kept without limit: after its task
// has continued or ended, a Waker does nothing. It holds a Go pointer, so it cannot be kept in
// a frame's state.
type Waker struct {
	slot *wakerSlot
	id   uint64
}

// wakerSlot is where a Waker and a task meet; see the head of this file. Any goroutine may use
// it, under its lock.
type wakerSlot struct {
	plainCase
	oneWaiter
	id    uint64    // of the valid Waker; counts up. Guarded by lock.
	woken bool      // the Waker has been woken, and no task has waited for that. Guarded by lock.
	cases casePlace // of the Selects that wait for the Waker
}

// wakerSlots has slots between two uses: task is nil, and woken is false.
var wakerSlots = interleave.Pool{New: func() any { return new(wakerSlot) }}

// NewWaker returns a Waker for one [Suspend].
func NewWaker() Waker {
	s := wakerSlots.Get().(*wakerSlot)
	return Waker{s, s.id}
}

// Suspend waits until w has been woken, and resumes f's task at the resume point at. If w was
// woken before, the task continues at once. If f.Err is not nil then, the tree's context has
// ended, and w does nothing any more. The task panics if w was given to a Suspend before.
func Suspend(f AnyFrame, at int, w Waker) Step {
	h := f.anyFrame()
	step := h.waitFor(at, w.slot)
	h.worker.get().args.waker = w.id
	if w.slot == nil {
		panicWakerMisused(h)
	}
	return step
}

// panicWakerMisused panics in the step of h. The caller holds no lock.
func panicWakerMisused(h *header) {
	panic("coro: task " + quote(h.kind.get().name) + ": a Waker is good for one Suspend, or the Select that it wakes: make another one with NewWaker")
}

// Wake wakes the task that is suspended with w. If there is none yet, the task that comes
// later does not wait. Wake reports whether it was the first to do so and the wait had not
// ended for another reason; otherwise it does nothing. It may be called from any goroutine.
func (w Waker) Wake() bool {
	s := w.slot
	if s == nil {
		return false
	}
	var woken wakeList
	s.lock.mu.Lock()
	first := s.id == w.id && !s.woken // w is valid, and no other call was before this one
	recycle := false
	if first {
		if h := s.task; h == nil {
			s.woken = true // Suspend finds it
		} else if h.layout&flagProxy != 0 && !h.proxy().claim() {
			s.task, s.woken = nil, true // its Select has chosen another case
		} else {
			// wakeClaimed says no if the executor is being closed: then the closer has the
			// task, and Wake came too late.
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

// take ends this use of the slot. The caller holds the lock, and puts the slot back into the
// pool after it has released that.
func (s *wakerSlot) take() *header {
	h := s.task
	s.task = nil
	s.woken = false
	s.id++
	return h
}

func (s *wakerSlot) park(w *Worker, h *header) parking {
	s.lock.mu.Lock()
	if s.id != w.args.waker || s.task != nil { // the Waker was used, or a task waits for it
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
	case parkUnarmed: // park is called again
	default: // the wait has ended, and the use of the slot with it
		s.take()
		s.lock.mu.Unlock()
		wakerSlots.Put(s)
		return p
	}
	s.lock.mu.Unlock()
	return p
}

// withdraw ends the use of the slot, unless a Select waits: then the Waker stays valid.
func (s *wakerSlot) withdraw(rt *execRuntime, woken *wakeList) {
	s.lock.mu.Lock()
	recycle := false
	if h := s.task; h != nil && h.env.get().runtime == rt {
		if h.layout&flagProxy != 0 {
			s.task = nil
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

// forget also says no while a Select refers to the slot.
// cancel ends the use of the slot.
func (s *wakerSlot) cancel(_ *header, woken *wakeList) {
	wake(s.take(), 0, woken)
	s.lock.mu.Unlock()
	wakerSlots.Put(s)
}

func (s *wakerSlot) forget(rt *execRuntime) bool {
	if !s.lock.mu.TryLock() {
		return false
	}
	defer s.lock.mu.Unlock()
	return s.lock.forget(rt, s.task != nil || s.cases.visits > 0)
}

func (s *wakerSlot) visit(v *visitor) bool { return s.visitAs("Suspend", v) }
