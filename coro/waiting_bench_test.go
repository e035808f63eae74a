package coro_test

import (
	"context"
	"testing"
	"time"

	"github.com/framearena/framearena/coro"
)

// benchmarkWaits has a task wait so many times, by step, and calls wake after each.
func benchmarkWaits[S any](b *testing.B, ctx context.Context, step func(f *coro.Frame[waitsOften[S], none]) coro.Step, wake func()) {
	ex := newInline(b)
	k := coro.Define("waits", func(f *coro.Frame[waitsOften[S], none]) coro.Step {
		if f.State.left--; f.State.left < 0 {
			return f.Return(none{})
		}
		return step(f)
	})
	b.ReportAllocs()
	if err := coro.RunAsync(ex, coro.Context(ctx))(k.With(waitsOften[S]{left: b.N})); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		wake()
	}
}

type waitsOften[S any] struct {
	left int
	_    S
}

// BenchmarkWaits has a task wait, and wakes it, once an iteration.
func BenchmarkWaits(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
	}{{"", context.Background()}, {" that may end", ctx}} {
		var w coro.Waker
		b.Run("Waker"+c.name, func(b *testing.B) {
			benchmarkWaits(b, c.ctx, func(f *coro.Frame[waitsOften[none], none]) coro.Step {
				w = coro.NewWaker()
				return coro.Suspend(f, 1, w)
			}, func() { w.Wake() })
		})
		ch := coro.NewChan[int](0)
		b.Run("Select and After"+c.name, func(b *testing.B) {
			benchmarkWaits(b, c.ctx, func(f *coro.Frame[waitsOften[none], none]) coro.Step {
				return coro.Select(f, 1, nil, ch.RecvCase(nil), coro.After(time.Hour))
			}, func() { ch.TrySend(1) })
		})
		b.Run("Select of two"+c.name, func(b *testing.B) {
			other := coro.NewChan[int](0)
			benchmarkWaits(b, c.ctx, func(f *coro.Frame[waitsOften[none], none]) coro.Step {
				return coro.Select(f, 1, nil, ch.RecvCase(nil), other.RecvCase(nil))
			}, func() { ch.TrySend(1) })
		})
	}
}

// BenchmarkSleepInTurn has tasks sleep on a clock that is moved to the next of their times, once
// an iteration.
func BenchmarkSleepInTurn(b *testing.B) {
	b.Run("room", func(b *testing.B) {
		benchmarkSleeps[[0]byte](b, func(f *coro.Frame[sleepsFor[[0]byte], none]) coro.Step { return coro.Sleep(f, 1, 1000) })
	})
	b.Run("no room", func(b *testing.B) {
		benchmarkSleeps[[72]byte](b, func(f *coro.Frame[sleepsFor[[72]byte], none]) coro.Step { return coro.Sleep(f, 1, 1000) })
	})
	b.Run("After", func(b *testing.B) {
		benchmarkSleeps[[0]byte](b, func(f *coro.Frame[sleepsFor[[0]byte], none]) coro.Step {
			return coro.Select(f, 1, nil, coro.After(1000))
		})
	})
}

type sleepsFor[S any] struct {
	left int
	_    S
}

func benchmarkSleeps[S any](b *testing.B, step func(f *coro.Frame[sleepsFor[S], none]) coro.Step) {
	e := newStepwise(b, func(err error) { b.Error(err) })
	clock := &turnedClock{}
	e.env.SetClock(clock)
	k := coro.Define("sleeps", func(f *coro.Frame[sleepsFor[S], none]) coro.Step {
		if f.State.left--; f.State.left < 0 {
			return f.Return(none{})
		}
		return step(f)
	})
	const tasks = 64
	for range tasks {
		if err := coro.Go(e, k, sleepsFor[S]{left: b.N / tasks}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	e.runAll()
	for range b.N / tasks {
		clock.now += 1000
		clock.ring()
		e.runAll()
	}
}

// turnedClock stands still until a benchmark turns it.
type turnedClock struct {
	now  time.Duration
	ring func()
}

func (c *turnedClock) Now() time.Duration { return c.now }
func (c *turnedClock) Exact() bool        { return true }
func (c *turnedClock) NewAlarm(f func()) coro.Alarm {
	c.ring = f
	return turnedAlarm{}
}

type turnedAlarm struct{}

func (turnedAlarm) Reset(time.Duration) bool { return true }
func (turnedAlarm) Stop() bool               { return true }
