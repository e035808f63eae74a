package coro_test

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// beginningClock is the real clock, but begins at another time.
type beginningClock struct {
	begin time.Duration
	since time.Time
}

func (c beginningClock) Now() time.Duration { return c.begin + time.Since(c.since) }
func (c beginningClock) NewAlarm(f func()) coro.Alarm {
	t := time.AfterFunc(math.MaxInt64, f)
	t.Stop()
	return t
}

// Timers keep their times with a clock that begins anywhere.
func TestClocksThatBeginAnywhere(t *testing.T) {
	sleeps := coro.Define("sleeps", func(f *coro.Frame[time.Duration, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	selects := coro.Define("selects", func(f *coro.Frame[time.Duration, none]) coro.Step {
		if f.At() == 0 {
			return coro.Select(f, 1, nil, coro.After(f.State))
		}
		return f.Return(none{})
	})
	timesOut := func(option func() coro.ChildOption) *coro.Kind[time.Duration, none] {
		return coro.Define("times out", func(f *coro.Frame[time.Duration, none]) coro.Step {
			if f.At() == 0 {
				return coro.AwaitCall(f, 1, sleeps.With(time.Hour), nil, option())
			}
			if f.Err() != context.DeadlineExceeded {
				return f.Fail(fmt.Errorf("the error is %w", f.Err()))
			}
			return f.Return(none{})
		})
	}
	in := func(d time.Duration) func() coro.ChildOption {
		return func() coro.ChildOption { return coro.Deadline(time.Now().Add(d)) }
	}
	for _, begin := range []time.Duration{math.MinInt64, math.MinInt64 + 1, -100 * time.Second, -1, 0, 1, math.MaxInt64 - 100*time.Hour} {
		for _, c := range []struct {
			name  string
			k     *coro.Kind[time.Duration, none]
			d     time.Duration
			takes time.Duration
		}{
			{"Sleep", sleeps, time.Second, time.Second},
			{"Sleep of nothing", sleeps, math.MinInt64, 0},
			{"After", selects, time.Second, time.Second},
			{"After nothing", selects, math.MinInt64, 0},
			{"Timeout", timesOut(func() coro.ChildOption { return coro.Timeout(time.Second) }), 0, time.Second},
			{"Timeout of nothing", timesOut(func() coro.ChildOption { return coro.Timeout(math.MinInt64) }), 0, 0},
			{"Deadline", timesOut(in(time.Second)), 0, time.Second},
			{"Deadline that is over", timesOut(in(-time.Second)), 0, 0},
			{"Deadline before 1970", timesOut(func() coro.ChildOption { return coro.Deadline(time.Unix(-1e9, 0)) }), 0, 0},
			{"Deadline in year 1", timesOut(func() coro.ChildOption { return coro.Deadline(time.Time{}.Add(1)) }), 0, 0},
			{"Sleep beside a Timeout for ever", coro.Define("for ever", func(f *coro.Frame[time.Duration, none]) coro.Step {
				if f.At() == 0 {
					return coro.AwaitCall(f, 1, sleeps.With(time.Second), nil, coro.Timeout(math.MaxInt64))
				}
				if f.Err() != nil {
					return f.Fail(f.Err())
				}
				return f.Return(none{})
			}), 0, time.Second},
			{"SleepUntil the zero time", coro.Define("until", func(f *coro.Frame[time.Duration, none]) coro.Step {
				if f.At() == 0 {
					return coro.SleepUntil(f, 1, time.Time{})
				}
				return f.Return(none{})
			}), 0, 0},
		} {
			t.Run(fmt.Sprint(int64(begin), ", ", c.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ex := executor.NewInline(executor.WithClock(beginningClock{begin, time.Now()}))
					require.Equal(t, begin, ex.Environment().Now())
					began := time.Now()
					_, err := coro.Run(context.Background(), ex, c.k.With(c.d))
					require.NoError(t, err)
					require.GreaterOrEqual(t, time.Since(began), c.takes)
					require.Less(t, time.Since(began), c.takes+time.Millisecond)
					require.NoError(t, ex.Close())
				})
			})
		}
	}
}

type nothing struct{}

// States, results and held parts of no size work like others.
func TestSizesOfZero(t *testing.T) {
	ex := newInline(t)
	leaf := coro.Define("", func(f *coro.Frame[nothing, nothing]) coro.Step { return f.Return(nothing{}) })
	held := coro.DefineHeld("", func(f *coro.Frame[nothing, [0]int], _ *nothing) coro.Step {
		return f.Return([0]int{})
	})
	type state struct {
		g    coro.Group
		last nothing
	}
	ch := coro.NewChan[nothing](1)
	task := coro.Define("", func(f *coro.Frame[state, nothing]) coro.Step {
		s := &f.State
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		switch f.At() {
		case 0:
			return coro.Await(f, 1, leaf, nothing{}, &s.last)
		case 1:
			return coro.AwaitHeld(f, 2, held, nothing{}, nothing{}, nil)
		case 2:
			s.g.SetPolicy(f, coro.FirstError)
			coro.Spawn(f, &s.g, leaf, nothing{}, &s.last)
			coro.SpawnCall(f, &s.g, held.With(nothing{}, nothing{}), nil)
			return s.g.Wait(f, 3)
		case 3:
			return ch.Send(f, 4, nothing{})
		case 4:
			return ch.Recv(f, 5, &s.last)
		case 5:
			return coro.Select(f, 6, nil, ch.RecvCase(&s.last), ch.SendCase(nothing{}))
		}
		return f.Return(nothing{})
	})
	_, err := coro.Run(context.Background(), ex, leaf.With(nothing{}))
	require.NoError(t, err)
	_, err = coro.Run(context.Background(), ex, held.With(nothing{}, nothing{}))
	require.NoError(t, err)
	_, err = coro.Run(context.Background(), ex, task.With(state{}))
	require.NoError(t, err)
}

// Sizes that no memory has are refused, and none wraps around.
func TestSizesThatAreTooLarge(t *testing.T) {
	ex := newInline(t)
	leaf := coro.Define("leaf", func(f *coro.Frame[int, none]) coro.Step { return f.Return(none{}) })
	for _, size := range []uintptr{math.MaxUint, math.MaxUint - 47, 1 << (bits.UintSize - 1), 1 << (bits.UintSize - 2)} {
		require.ErrorIs(t, coro.RunAsync(ex, coro.RootFrameSize(size))(leaf.With(0)), arena.ErrExhausted)
	}
	require.NoError(t, coro.RunAsync(ex, coro.RootFrameSize(0))(leaf.With(0)))
	require.NoError(t, coro.RunAsync(ex, coro.RootFrameSize(1))(leaf.With(0)))
}
