package executor

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/coro"
)

// virtualClock is the clock of a Loop with [WithVirtualTime]. Any goroutine reads it and sets
// alarms. The goroutine that drives the Loop moves it.
type virtualClock struct {
	// now is the time in nanoseconds. The goroutine that drives stores it, and it never goes
	// back. Any goroutine loads it. There is one writer at a time, and alarms have a lock.
	now atomic.Int64

	mu     sync.Mutex // guards what follows
	alarms []*virtualAlarm
	resets uint64 // how often an alarm was set
}

// virtualAlarm is an alarm of a virtualClock. clock and f never change; clock.mu guards the
// rest.
type virtualAlarm struct {
	clock *virtualClock
	f     func()
	when  int64
	order uint64 // alarms with the same when go off in this order
	set   bool
}

// Now is part of [coro.Clock].
func (c *virtualClock) Now() time.Duration { return time.Duration(c.now.Load()) }

// Exact makes timers exact: see [coro.Clock].
func (c *virtualClock) Exact() bool { return true }

// NewAlarm is part of [coro.Clock].
func (c *virtualClock) NewAlarm(f func()) coro.Alarm {
	a := &virtualAlarm{clock: c, f: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms = append(c.alarms, a)
	return a
}

// Reset is part of [coro.Alarm].
func (a *virtualAlarm) Reset(d time.Duration) bool {
	c := a.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	was := a.set
	c.resets++
	a.when, a.order, a.set = later(c.now.Load(), d), c.resets, true
	return was
}

// Stop is part of [coro.Alarm].
func (a *virtualAlarm) Stop() bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.set = false
	return was
}

// later returns the time d after now, or the last possible time if that is later still.
func later(now int64, d time.Duration) int64 {
	if int64(d) > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + max(int64(d), 0)
}

// first returns the alarm that goes off first and its time. It returns nil if no alarm is set.
func (c *virtualClock) first() (*virtualAlarm, int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var first *virtualAlarm
	for _, a := range c.alarms {
		if a.set && (first == nil || a.when < first.when || a.when == first.when && a.order < first.order) {
			first = a
		}
	}
	if first == nil {
		return nil, 0
	}
	return first, first.when
}

// jump moves the time to the first alarm and calls its function. It returns false if no alarm
// is set, or if that would be after limit. Only the goroutine that drives calls it.
func (c *virtualClock) jump(limit int64) bool {
	a, when := c.first()
	if a != nil && when > c.now.Load() {
		// The alarm may be set for a timer that was removed. An alarm that goes off too
		// early is set again for the timers that are left.
		a.f()
		a, when = c.first()
	}
	if a == nil || when > limit {
		return false
	}
	c.moveTo(when)
	a.Stop()
	a.f()
	return true
}

// moveTo moves the time forward to when. Only the goroutine that drives calls it.
func (c *virtualClock) moveTo(when int64) {
	if when > c.now.Load() {
		c.now.Store(when)
	}
}

// forget drops all alarms. The closer of the Loop calls it.
func (c *virtualClock) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms = slices.Delete(c.alarms, 0, len(c.alarms))
}
