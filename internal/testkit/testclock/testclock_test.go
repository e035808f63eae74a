package testclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/testkit/testclock"
)

func TestClock(t *testing.T) {
	var c testclock.Clock
	rang := 0
	var again time.Duration // what the alarm is set to when it goes off
	var a coro.Alarm
	a = c.NewAlarm(func() {
		rang++
		if again > 0 {
			a.Reset(again)
			again = 0
		}
	})
	rings := func(want int) {
		t.Helper()
		require.Equal(t, want, rang)
		rang = 0
	}

	c.Advance(time.Hour)
	rings(0)
	require.False(t, a.Reset(time.Minute))
	c.Advance(time.Minute - 1)
	rings(0)
	c.Advance(1)
	rings(1)
	c.Ring()
	rings(0)
	require.Equal(t, time.Hour+time.Minute, c.Now())

	require.False(t, a.Reset(time.Minute))
	require.True(t, a.Reset(time.Hour))
	require.True(t, a.Stop())
	require.False(t, a.Stop())
	c.Advance(2 * time.Hour)
	rings(0)

	a.Reset(time.Second)
	again = -1
	c.Set(24 * time.Hour)
	rings(0)
	c.Ring()
	rings(1)
	a.Reset(0)
	again = 1
	c.Ring()
	rings(1)
	c.Advance(1)
	rings(1)

	c.RingEarly()
	rings(0)
	a.Reset(time.Hour)
	c.RingFalsely()
	rings(1)
	c.RingEarly()
	rings(1)
	c.RingFalsely()
	rings(1)
	c.Advance(time.Hour)
	rings(0)
}
