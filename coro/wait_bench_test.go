package coro_test

import (
	"testing"

	"github.com/framearena/framearena/coro"
)

// BenchmarkChanRoundTrip hands a value from one task to another and back, once an
// iteration.
func BenchmarkChanRoundTrip(b *testing.B) {
	ex := newInline(b)
	ping, pong := coro.NewChan[int](0), coro.NewChan[int](0)
	type state struct{ left, got int }
	there := coro.Define("there", func(f *coro.Frame[state, none]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			return pong.Recv(f, 0, &s.got)
		}
		if s.left--; s.left < 0 {
			return f.Return(none{})
		}
		return ping.Send(f, 1, s.got)
	})
	back := coro.Define("back", func(f *coro.Frame[state, none]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			return pong.Send(f, 0, s.got+1)
		}
		if s.left--; s.left < 0 {
			return f.Return(none{})
		}
		return ping.Recv(f, 1, &s.got)
	})
	b.ReportAllocs()
	if err := coro.Go(ex, back, state{left: b.N}); err != nil {
		b.Fatal(err)
	}
	if err := coro.Go(ex, there, state{left: b.N}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMutexFree locks and unlocks a Mutex that nobody else wants.
func BenchmarkMutexFree(b *testing.B) {
	ex := newInline(b)
	var mutex coro.Mutex
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 1 {
			mutex.Unlock()
		}
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		return mutex.Lock(f, 1)
	})
	b.ReportAllocs()
	if err := coro.Go(ex, k, b.N); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSuspend suspends a task and wakes it from outside.
func BenchmarkSuspend(b *testing.B) {
	ex := newInline(b)
	var w coro.Waker
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		w = coro.NewWaker()
		return coro.Suspend(f, 1, w)
	})
	b.ReportAllocs()
	if err := coro.Go(ex, k, b.N); err != nil {
		b.Fatal(err)
	}
	for w.Wake() {
	}
}

// BenchmarkSurvey looks at 100,000 waiting tasks, once an iteration.
func BenchmarkSurvey(b *testing.B) {
	ex := newManual(b, func(error) {})
	var event coro.Event
	k := waiter("waits", event.Wait)
	for range 100_000 {
		if err := coro.Go(ex, k, 0); err != nil {
			b.Fatal(err)
		}
	}
	ex.runAll()
	for _, bench := range []struct {
		name string
		look func()
	}{
		{"counts", func() { ex.env.WaitingByKind() }},
		{"survey", func() { ex.env.Survey(coro.SurveyOptions{Objects: 10}) }},
		{"chains", func() { ex.env.Survey(coro.SurveyOptions{Objects: 10, Chains: 4096}) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.look()
			}
		})
	}
	ex.env.CancelWaiting(errCause)
}
