package coro

import (
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/slots"
	"github.com/framearena/framearena/internal/timerwheel"
)

// After is the case that the time d has passed since the task began to wait; see [Select].
// It is good for one Select, and costs no goroutine and, in the steady state, no memory of
// the Go heap. A d that is not positive has passed already.
//
//	return coro.Select(f, 1, &s.chosen, jobs.RecvCase(&s.job), coro.After(time.Second))
func After(d time.Duration) Case {
	slot := afterTimers.Take(nil)
	s := &slot.Value
	s.slot, s.d = slot, d
	return Case{on: s, number: s.id}
}

// pause is what After waits for. It is in a slot on the Go heap that is never given back,
// since the wheel refers to it. It ends, and the slot is free, when the timer is neither in
// the wheel nor with fireTimers, and the proxy has been dropped or claimed.
type afterTimer struct {
	lock  lock
	cases casePlace
	timer timerwheel.Node
	slot  *slots.Slot[afterTimer] // this, in afterTimers; not changed while in use
	d     time.Duration

	// What follows is guarded by lock.
	id     uint64  // of the Case; counts up
	task   *header // the proxy; nil once it was dropped or claimed
	timers *timers // where timer is; nil: it has not been set
	fired  bool    // timer is ours again
}

// pauseOf returns the pause that n is part of.
func afterTimerOf(n *timerwheel.Node) *afterTimer {
	return (*afterTimer)(unsafe.Add(unsafe.Pointer(n), -int(unsafe.Offsetof(afterTimer{}.timer))))
}

var afterTimers slots.Of[afterTimer]

func init() { afterTimers.Init() }

func (s *afterTimer) waitable() (waitable, *lock) { return s, &s.lock }

func (s *afterTimer) check(*header, *Case) {}

func (s *afterTimer) try(c *Case, _ *wakeList) parking {
	switch {
	case s.id != c.number || s.timers != nil:
		return parkMisuse
	case s.d <= 0:
		return parkDone
	}
	return parked
}

func (s *afterTimer) refuse(h *header) {
	panic("coro: task " + quote(h.kind.get().name) + ": an After is good for one Select: make another one")
}

func (s *afterTimer) push(p *proxy, _ *Case) {
	s.cases.expect(p, s)
	s.task = &p.header
	s.timers = p.env.get().runtime.timing()
	s.timer = timerwheel.Node{What: timerAfter}
	// If the executor is being closed, whoever closes it finds the task.
	s.fired = !s.timers.add(&s.timer, s.timers.after(s.d))
}

func (s *afterTimer) finish(c *Case, _ bool) {
	s.lock.mu.Lock()
	unused := s.id == c.number && s.timers == nil
	if unused {
		s.id++
	}
	s.lock.mu.Unlock()
	if unused {
		afterTimers.Put(nil, s.slot)
	}
}

func (s *afterTimer) drop(*proxy) {
	s.lock.mu.Lock()
	s.cases.visits--
	s.task = nil
	s.unlock()
}

// unlock gives up the lock, and with it the slot if that has ended.
func (s *afterTimer) unlock() {
	ended := s.task == nil && (s.fired || s.timers.remove(&s.timer))
	if ended {
		s.id++
		s.timers, s.fired = nil, false
	}
	s.lock.mu.Unlock()
	if ended {
		afterTimers.Put(nil, s.slot)
	}
}

// wake wakes the task, if nobody else has. The caller holds the lock.
func (s *afterTimer) wake(outcome uint32, woken *wakeList) {
	visits := s.cases.visits
	wake(s.task, outcome, woken)
	if s.cases.visits < visits { // claimed, though perhaps left to who closes
		s.task = nil
	}
}

// fire is told that the time has passed.
func (s *afterTimer) fire(woken *wakeList) {
	s.lock.mu.Lock()
	s.fired = true
	if s.task != nil {
		s.wake(flagWoken, woken)
	}
	s.unlock()
}

func (s *afterTimer) withdraw(m match, woken *wakeList) {
	s.lock.mu.Lock()
	if s.task == nil || !m.has(s.task) {
		s.lock.mu.Unlock()
		return
	}
	s.wake(0, woken)
	s.unlock()
}

func (s *afterTimer) forget(r *waitRegistry) bool {
	if !s.lock.mu.TryLock() {
		return false
	}
	defer s.lock.mu.Unlock()
	return s.lock.forget(r, s.cases.visits > 0)
}

func (s *afterTimer) visit(v *visitor) bool { return s.lock.visitOne(&s.task, "Select", v) }
