// Package testclock has a clock that stands until a test sets it.
package testclock

import (
	"sync"
	"time"

	"github.com/framearena/framearena/coro"
)

// Clock is a [coro.Clock] that shows the time that it was set to. Its alarms go off in calls
// of Advance and of the methods that begin with Ring, on the caller's goroutine, and at no
// other time. The zero Clock shows 0. Any goroutine may use it.
type Clock struct {
	mu     sync.Mutex // guards what follows, and the fields of alarms
	now    time.Duration
	alarms []*alarm // in the order in which they were made
}

type alarm struct {
	clock *Clock
	call  func()
	when  time.Duration // when it is due, if it is set
	set   bool
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// NewAlarm returns an alarm that is not set and calls f when it goes off.
func (c *Clock) NewAlarm(f func()) coro.Alarm {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{clock: c, call: f}
	c.alarms = append(c.alarms, a)
	return a
}

func (a *alarm) Reset(d time.Duration) bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.when, a.set = a.clock.now+d, true
	return was
}

func (a *alarm) Stop() bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.set = false
	return was
}

// Set sets the clock, backward too. No alarm goes off before the next Ring.
func (c *Clock) Set(now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Advance has d pass, and then calls Ring.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.now += d
	c.mu.Unlock()
	c.Ring()
}

// Ring has the alarms go off that are due, and again those that are due after that: an alarm
// may be set anew in the function that it calls.
func (c *Clock) Ring() {
	for {
		due := c.takeSet(func(a *alarm) bool { return a.when <= c.now })
		if len(due) == 0 {
			return
		}
		for _, a := range due {
			a.call()
		}
	}
}

// RingEarly has the alarms go off that are set, due or not, as a clock must not: afterwards
// they are not set, unless their functions have set them anew.
func (c *Clock) RingEarly() {
	for _, a := range c.takeSet(func(*alarm) bool { return true }) {
		a.call()
	}
}

// RingFalsely calls the functions of all alarms, set or not, as a clock must not. Alarms that
// were set still are.
func (c *Clock) RingFalsely() {
	c.mu.Lock()
	all := c.alarms[:len(c.alarms):len(c.alarms)] // is only ever appended to
	c.mu.Unlock()
	for _, a := range all {
		a.call()
	}
}

// takeSet returns the alarms that are set and for which is reports true. They are not set
// afterwards. is is called with the lock held.
func (c *Clock) takeSet(is func(*alarm) bool) (taken []*alarm) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.alarms {
		if a.set && is(a) {
			a.set = false
			taken = append(taken, a)
		}
	}
	return taken
}
