package coro

import (
	"time"
	"unsafe"
)

// After is the case that the time d has passed since the task began to wait; see [Select].
// It is good for one Select, and costs no goroutine and, in the steady state, no memory of
// the Go heap. A d that is not positive has passed already.
//
//	return coro.Select(f, 1, &s.chosen, jobs.RecvCase(&s.job), coro.After(time.Second))
func After(d time.Duration) Case {
	n := pauses.take(nil)
	s := &slotOf[pause](n).held
	s.node, s.d = n, d
	return Case{on: s, number: s.id}
}

// pause is what After waits for. It is in a slot on the Go heap that is never given back,
// since the wheel refers to it. It ends, and the slot is free, when the timer is neither in
// the wheel nor with fireTimers, and the proxy has been dropped or claimed.
type pause struct {
	lock  lock
	cases casePlace
	timer timerNode
	node  *slotNode // this, in pauses; not changed while in use
	d     time.Duration

	// What follows is guarded by lock.
	id     uint64  // of the Case; counts up
	task   *header // the proxy; nil once it was dropped or claimed
	timers *timers // where timer is; nil: it has not been set
	fired  bool    // timer is ours again
}

// pauseOf returns the pause that n is part of.
func pauseOf(n *timerNode) *pause {
	return (*pause)(unsafe.Add(unsafe.Pointer(n), -int(unsafe.Offsetof(pause{}.timer))))
}

var pauses slots

func init() { pauses.init(newSlots[pause]) }

func (s *pause) whole() (waitable, *lock) { return s, &s.lock }

func (s *pause) check(*header, *Case) {}

func (s *pause) try(c *Case, _ *wakes) parking {
	switch {
	case s.id != c.number || s.timers != nil:
		return parkRefused
	case s.d <= 0:
		return parkDone
	}
	return parked
}

func (s *pause) refuse(h *header) {
	panic("coro: task " + quote(h.kind.get().name) + ": an After is good for one Select: make another one")
}

func (s *pause) push(p *proxy, _ *Case) {
	s.cases.expect(p, s)
	s.task = &p.header
	s.timers = p.env.get().waiting.timing()
	s.timer = timerNode{what: timerPause}
	// If the executor is being closed, whoever closes it finds the task.
	s.fired = !s.timers.add(&s.timer, s.timers.after(s.d))
}

func (s *pause) finish(c *Case, _ bool) {
	s.lock.mu.Lock()
	unused := s.id == c.number && s.timers == nil
	if unused {
		s.id++
	}
	s.lock.mu.Unlock()
	if unused {
		pauses.put(nil, s.node)
	}
}

func (s *pause) drop(*proxy) {
	s.lock.mu.Lock()
	s.cases.visits--
	s.task = nil
	s.unlock()
}

// unlock gives up the lock, and with it the slot if that has ended.
func (s *pause) unlock() {
	ended := s.task == nil && (s.fired || s.timers.remove(&s.timer))
	if ended {
		s.id++
		s.timers, s.fired = nil, false
	}
	s.lock.mu.Unlock()
	if ended {
		pauses.put(nil, s.node)
	}
}

// wake wakes the task, if nobody else has. The caller holds the lock.
func (s *pause) wake(outcome uint32, woken *wakes) {
	visits := s.cases.visits
	wake(s.task, outcome, woken)
	if s.cases.visits < visits { // claimed, though perhaps left to who closes
		s.task = nil
	}
}

// fire is told that the time has passed.
func (s *pause) fire(woken *wakes) {
	s.lock.mu.Lock()
	s.fired = true
	if s.task != nil {
		s.wake(flagWoken, woken)
	}
	s.unlock()
}

func (s *pause) withdraw(m match, woken *wakes) {
	s.lock.mu.Lock()
	if s.task == nil || !m.has(s.task) {
		s.lock.mu.Unlock()
		return
	}
	s.wake(0, woken)
	s.unlock()
}

func (s *pause) forget(r *waitRegistry) bool {
	if !s.lock.mu.TryLock() {
		return false
	}
	defer s.lock.mu.Unlock()
	return s.lock.forget(r, s.cases.visits > 0)
}

func (s *pause) visit(v *visitor) bool { return s.lock.visitOne(&s.task, "Select", v) }
