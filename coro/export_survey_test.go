package coro

import (
	"math"
	"time"
)

// SetStampClock replaces the time that the ages of waiting tasks go by, until restore is called.
func SetStampClock(c func() time.Duration) (restore func()) {
	old := stampClock
	stampClock = c
	return func() { stampClock = old }
}

// Stamped returns how old a task appears that is seen for the first time at the time at, and again by
// surveys at the other times, which are in order. began and ended say that the surveys take that long.
func Stamped(resumePoint int, took time.Duration, times ...time.Duration) (ages []time.Duration, at int) {
	h := &header{at: uint32(resumePoint) & atMask}
	now := time.Duration(0)
	defer SetStampClock(func() time.Duration { return now })()
	s := stamper{now: math.MinInt32}
	for _, t := range times {
		now = t
		s.begin(s.now)
		now += took / 2
		s.stamp(h)
		ages = append(ages, s.age)
		s.stamp(h) // once more in the same survey
		now += took / 2
		s.tick()
	}
	h.unstamp()
	return ages, int(h.at)
}

// CoarseStampUnit is the unit of stamps that are older than half an hour or so.
const CoarseStampUnit = coarseUnit

// WaitableNames returns how many objects have a name.
func WaitableNames() int {
	waitableNames.mu.Lock()
	defer waitableNames.mu.Unlock()
	return len(waitableNames.names)
}
