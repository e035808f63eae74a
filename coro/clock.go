package coro

import (
	"fmt"
	"runtime/debug"
	"time"
)

// Clock is what the timers of an executor go by: those of [Sleep], [Timeout] and
// [Deadline]. Tests and simulations have clocks of their own; see
// [Environment.SetClock]. All methods may be called from any goroutine.
//
// The methods of a Clock and of its alarms are called with locks held, and in the middle of a
// task's beginning to wait: they must return. One that panics or calls [runtime.Goexit] ends
// the process.
//
// Timers are rounded up to a multiple of 262 µs, since no alarm of a computer's clock is
// more exact. A Clock that is, because its time is not real, has another method, Exact,
// which returns true: then timers fire at the nanosecond, and in the order of their times
// and, at one time, of when they were set.
type Clock interface {
	// Now returns the time since some moment, never less than it did before.
	Now() time.Duration

	// NewAlarm returns an alarm that is not set. When it goes off, it calls f, on a
	// goroutine where f may take its time.
	NewAlarm(f func()) Alarm
}

// Alarm goes off once after each Reset, when the Clock has gone on by d, unless another
// Reset or Stop comes before. It may go off although these come at the same time. A
// *time.Timer made by [time.AfterFunc] is one.
type Alarm interface {
	Reset(d time.Duration) bool
	Stop() bool
}

// exact is a Clock that is not real.
type exactClock interface{ Exact() bool }

// systemClock is the real clock, or that of a synctest bubble, if it was made in one:
// then what uses it must stay in that bubble.
type systemClock struct{ base time.Time }

func newSystemClock() systemClock { return systemClock{time.Now()} }

func (c systemClock) Now() time.Duration { return time.Since(c.base) }

func (c systemClock) NewAlarm(f func()) Alarm {
	// There is no other way to make one that is not set.
	t := time.AfterFunc(time.Duration(notArmed), f)
	t.Stop()
	return t
}

// soundClock is a Clock whose methods return, or the process ends. Else a panic would be taken
// for that of the step which waits, and its frame, with a timer in it, would be freed.
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

// soundAlarm is an alarm of a soundClock.
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

// mustReturn ends the process because a method has panicked with v or, if that is nil, called
// runtime.Goexit. It does so on a goroutine where nobody recovers.
func mustReturn(method string, v any) {
	did := "called runtime.Goexit"
	if v != nil {
		did = fmt.Sprintf("panicked with %v", v)
	}
	message := fmt.Sprintf("coro: %s %s: it is called with locks held, so it must return\n\n%s", method, did, debug.Stack())
	go panic(message)
	select {}
}
