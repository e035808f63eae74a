package coro

import "time"

// Clock is what the timers of an executor go by: those of [Sleep], [Timeout] and
// [Deadline]. Tests and simulations have clocks of their own; see
// [Environment.SetClock]. All methods may be called from any goroutine.
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
type exact interface{ Exact() bool }

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
