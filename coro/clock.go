package coro

import (
	"fmt"
	"runtime/debug"
	"time"
)

// Clock is the time that the timers of an executor use: those of [Sleep], [After], [Timeout] and
// [Deadline]. Tests and simulations have clocks of their own; see
// [Environment.SetClock]. All methods may be called from any goroutine.
//
// The methods of a Clock and of its alarms are called with locks held, and while a task
// begins to wait: so they must return, and must not wait for tasks. One that panics or calls
// [runtime.Goexit] ends the process.
//
// The times of timers are rounded up to a multiple of 2^18 ns, about 262 µs, since no alarm of
// a computer's clock is more exact. A Clock whose time is not real may be exact. It has
// another method, Exact() bool, which returns true. Then timers fire at the nanosecond, in
// the order of their times; those of the same time fire in the order in which they were set.
type Clock interface {
	// Now returns the time that has passed since some fixed moment. It is never less than
	// what an earlier call returned. It may begin anywhere, also below 0.
	Now() time.Duration

	// NewAlarm returns an alarm that is not set. Each time that the alarm goes off, it
	// calls f, on a goroutine that f may keep for any time.
	NewAlarm(f func()) Alarm
}

// Alarm calls its function once after each Reset, when the time d has passed by its [Clock],
// unless Reset or Stop is called again before that. If they are called at about the time at
// which the alarm goes off, it may go off all the same. A *time.Timer made by
// [time.AfterFunc] is an Alarm. What the methods return is not used.
type Alarm interface {
	Reset(d time.Duration) bool
	Stop() bool
}

// exactClock is the additional method of a Clock whose ticks are single nanoseconds.
type exactClock interface{ Exact() bool }

// systemClock is the real clock. If it was made in a synctest bubble, it is that bubble's clock,
// and must be used in that bubble only.
type systemClock struct{ base time.Time }

func newSystemClock() systemClock { return systemClock{time.Now()} }

func (c systemClock) Now() time.Duration { return time.Since(c.base) }

func (c systemClock) NewAlarm(f func()) Alarm {
	// There is no other way to make a time.Timer that calls a function and is not set.
	t := time.AfterFunc(time.Duration(notArmed), f)
	t.Stop()
	return t
}

// checkedClock is a Clock of the user. If a method does not return, the process ends.
// Otherwise the panic would be taken for one of the step that begins to wait, and the step's
// frame would be freed with a timer in it that the wheel refers to.
type checkedClock struct{ Clock }

func (c checkedClock) Exact() bool {
	e, ok := c.Clock.(exactClock)
	return ok && e.Exact()
}

func (c checkedClock) Now() time.Duration {
	returned := false
	defer func() {
		if !returned {
			mustReturn("Now of a Clock", recover())
		}
	}()
	now := c.Clock.Now()
	returned = true
	return now
}

func (c checkedClock) NewAlarm(f func()) Alarm {
	returned := false
	defer func() {
		if !returned {
			mustReturn("NewAlarm of a Clock", recover())
		}
	}()
	a := c.Clock.NewAlarm(f)
	returned = true
	return checkedAlarm{a}
}

// checkedAlarm is an alarm of a checkedClock.
type checkedAlarm struct{ Alarm }

func (a checkedAlarm) Reset(d time.Duration) bool {
	returned := false
	defer func() {
		if !returned {
			mustReturn("Reset of an Alarm", recover())
		}
	}()
	was := a.Alarm.Reset(d)
	returned = true
	return was
}

func (a checkedAlarm) Stop() bool {
	returned := false
	defer func() {
		if !returned {
			mustReturn("Stop of an Alarm", recover())
		}
	}()
	was := a.Alarm.Stop()
	returned = true
	return was
}

// mustReturn ends the process because a method has panicked with v or, if v is nil, called
// runtime.Goexit. It panics on a new goroutine, where no function recovers it.
func mustReturn(method string, v any) {
	did := "called runtime.Goexit"
	if v != nil {
		did = fmt.Sprintf("panicked with %v", v)
	}
	message := fmt.Sprintf("coro: %s %s: it is called with locks held, so it must return\n\n%s", method, did, debug.Stack())
	go panic(message)
	select {}
}
