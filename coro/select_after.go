package coro

import (
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/slots"
	"github.com/framearena/framearena/internal/timerwheel"
)

// What an After waits for lies in a slot on the Go heap. A use of the slot begins in After and
// is known by a number, as with a Waker. It ends in one of two ways:
//
//   - The Select does not wait: another case happens at once, or the Select is abandoned.
//     The timer has not been set (timers is nil), and finish ends the use.
//   - The Select waits: push has queued the proxy (task) and given the timer to the wheel.
//     Then the use ends when both are over: task is nil, since the proxy has been claimed
//     or dropped; and the timer has fired, or has been taken out of the wheel.
//
// In the second way, settle, the canceller and fireTimers may come in any order, each under the
// lock, and each calls unlock. unlock does nothing while task is set, or while settle is still
// to drop a proxy: that of the same case, if it is in the Select twice. Otherwise it ends the
// use if the timer has fired or if remove takes it out of the wheel. If remove does not find
// it there, fireTimers has it already and calls fire, which sets fired and calls unlock.
// Exactly one of remove and fire gets a timer (see timers), so exactly one call of unlock
// ends the use. After that the slot is free, and neither the wheel nor a proxy refers to it.
//
// TestSelectAfterAgainstEverything tries these orders.
//
// The registry and the wheel refer to the slot, the wheel by integers, so slots are never
// given back to the Go heap.

// After is the case that the time d has passed since the task began to wait; see [Select]. It
// is good for one Select. It costs no goroutine and, in the steady state, no memory of the Go
// heap. A d that is not positive has passed already.
//
//	return coro.Select(f, 1, &s.chosen, jobs.RecvCase(&s.job), coro.After(time.Second))
func After(d time.Duration) Case {
	slot := afterTimers.Take(nil)
	s := &slot.Value
	s.slot, s.d = slot, d
	return Case{on: s, number: s.id}
}

// afterTimer is what an After waits for; see the head of this file. Any goroutine may use it,
// under its lock.
type afterTimer struct {
	plainCase
	oneWaiter // task is the proxy; nil before push, and after it was claimed or dropped
	cases     casePlace
	timer     timerwheel.Node
	slot      *slots.Slot[afterTimer] // of this, in afterTimers; not changed during a use
	d         time.Duration           // not changed during a use

	// What follows is guarded by lock.
	id     uint64  // of the valid Case; counts up
	timers *timers // that timer was given to; nil before push
	fired  bool    // the wheel does not have timer any more
}

// afterTimerOf returns the afterTimer that n is part of.
func afterTimerOf(n *timerwheel.Node) *afterTimer {
	return (*afterTimer)(unsafe.Add(unsafe.Pointer(n), -int(unsafe.Offsetof(afterTimer{}.timer))))
}

// afterTimers has the slots, free ones and those in use.
var afterTimers slots.Of[afterTimer]

func init() { afterTimers.Init() }

func (s *afterTimer) waitable() (waitable, *lock) { return s, &s.lock }

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

// push begins the second way: the proxy and the timer are both set. If the case is in the Select
// twice, push keeps the first proxy, and the timer that is set for it.
func (s *afterTimer) push(p *proxy, _ *Case) {
	s.cases.expect(p, s)
	if s.timers != nil {
		return
	}
	s.task = &p.header
	s.timers = p.env.get().runtime.timing()
	s.timer = timerwheel.Node{What: timerAfter}
	// If the timers are closed, the executor is being closed. The closer takes this lock
	// later, since admit has not seen closed yet, and finds the proxy.
	s.fired = !s.timers.add(&s.timer, s.timers.after(s.d))
}

// finish ends the use of the slot if push was not called. If the case is in the Select twice, the
// second call finds another number.
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

// drop is called by settle when another case was chosen. The proxy is in no list.
func (s *afterTimer) drop(p *proxy) {
	s.lock.mu.Lock()
	s.cases.visits--
	if s.task == &p.header {
		s.task = nil
	}
	s.unlock()
}

// unlock releases the lock, and before that ends the use of the slot if it is over.
func (s *afterTimer) unlock() {
	// remove is false if fireTimers has the timer: then fire comes, and ends the use.
	ended := s.task == nil && s.cases.visits == 0 && (s.fired || s.timers.remove(&s.timer))
	if ended {
		s.id++
		s.timers, s.fired = nil, false
	}
	s.lock.mu.Unlock()
	if ended {
		afterTimers.Put(nil, s.slot)
	}
}

// wake wakes the task, unless another case of its Select was claimed. The caller holds the
// lock.
func (s *afterTimer) wake(outcome uint32, woken *wakeList) {
	visits := s.cases.visits // a claim takes one off
	wake(s.task, outcome, woken)
	if s.cases.visits < visits { // it was claimed, though perhaps left to the closer
		s.task = nil
	}
}

// fire is called when the time has passed and the timer is not in the wheel any more.
func (s *afterTimer) fire(woken *wakeList) {
	s.lock.mu.Lock()
	s.fired = true
	if s.task != nil {
		s.wake(flagWoken, woken)
	}
	s.unlock()
}

// withdraw takes the timer out of the wheel too, in unlock.
func (s *afterTimer) withdraw(rt *execRuntime, woken *wakeList) {
	s.lock.mu.Lock()
	if s.task == nil || s.task.env.get().runtime != rt {
		s.lock.mu.Unlock()
		return
	}
	s.wake(0, woken)
	s.unlock()
}

// forget says no while a Select refers to the slot, also when its task was claimed elsewhere.
func (s *afterTimer) forget(rt *execRuntime) bool {
	if !s.lock.mu.TryLock() {
		return false
	}
	defer s.lock.mu.Unlock()
	return s.lock.forget(rt, s.cases.visits > 0)
}

func (s *afterTimer) visit(v *visitor) bool { return s.visitAs("Select", v) }
