package executor

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/coro"
)

// virtualClock is a clock that its Loop drives. Any goroutine may read it and set alarms;
// whoever drives the Loop moves it.
type virtualClock struct {
	// now is written by whoever drives, and never goes back.
	now atomic.Int64

	mu     sync.Mutex // guards what follows
	alarms []*virtualAlarm
	resets uint64
}

// virtualAlarm is an alarm of a virtualClock. All but f is guarded by its lock.
type virtualAlarm struct {
	clock *virtualClock
	f     func()
	when  int64
	order uint64 // of those with the same when; counts up
	set   bool
}

func (c *virtualClock) Now() time.Duration { return time.Duration(c.now.Load()) }

// Exact makes timers exact: see [coro.Clock].
func (c *virtualClock) Exact() bool { return true }

func (c *virtualClock) NewAlarm(f func()) coro.Alarm {
	a := &virtualAlarm{clock: c, f: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms = append(c.alarms, a)
	return a
}

func (a *virtualAlarm) Reset(d time.Duration) bool {
	c := a.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	was := a.set
	c.resets++
	a.when, a.order, a.set = later(c.now.Load(), d), c.resets, true
	return was
}

func (a *virtualAlarm) Stop() bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.set = false
	return was
}

// later returns the time that is d after now, or the last there is.
func later(now int64, d time.Duration) int64 {
	if int64(d) > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + max(int64(d), 0)
}

// first returns the alarm that goes off first, and when, or nil.
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

// jump moves the time to the first alarm that is set, and has it go off; it returns false if
// that would be after limit, or if there is none. Whoever drives calls it.
func (c *virtualClock) jump(limit int64) bool {
	a, when := c.first()
	if a != nil && when > c.now.Load() {
		// It may be set for a timer that is not there any more. An alarm that goes off too
		// early is set again for what is there.
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

// moveTo moves the time on. Whoever drives calls it.
func (c *virtualClock) moveTo(when int64) {
	if when > c.now.Load() {
		c.now.Store(when)
	}
}

// forget drops all alarms, of a Loop that is closed.
func (c *virtualClock) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms = slices.Delete(c.alarms, 0, len(c.alarms))
}
