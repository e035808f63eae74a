package waiting

import (
	"sync"
	"time"

	"github.com/framearena/framearena/coro"
)

// handClock is a [coro.Clock] that stands still until advance moves it. Any goroutine may use it.
// Its timers are rounded as those of the real clock, so they take the same memory.
type handClock struct {
	mu     sync.Mutex // guards the fields below
	now    time.Duration
	alarms []*handAlarm
}

// handAlarm is an alarm of a handClock. clock.mu guards at and set; the others never change.
type handAlarm struct {
	clock *handClock
	call  func()
	at    time.Duration
	set   bool
}

// Now is part of [coro.Clock].
func (c *handClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// NewAlarm is part of [coro.Clock].
func (c *handClock) NewAlarm(f func()) coro.Alarm {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &handAlarm{clock: c, call: f}
	c.alarms = append(c.alarms, a)
	return a
}

// Reset is part of [coro.Alarm].
func (a *handAlarm) Reset(d time.Duration) bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.at, a.set = a.clock.now+d, true
	if d <= 0 {
		a.set = false
		go a.call() // the caller may hold locks that call takes
	}
	return was
}

// Stop is part of [coro.Alarm].
func (a *handAlarm) Stop() bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.set = false
	return was
}

// advance moves the clock on by d, and calls the alarms that are due.
func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	c.now += d
	var due []*handAlarm
	for _, a := range c.alarms {
		if a.set && a.at <= c.now {
			a.set = false
			due = append(due, a)
		}
	}
	c.mu.Unlock()
	for _, a := range due {
		a.call()
	}
}
