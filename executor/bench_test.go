package executor_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// inFlight bounds the tasks that are launched and have not ended, so that a
// benchmark measures recycled frames.
const inFlight = 1024

// BenchmarkPoolPost launches tasks from outside, and has them run and end.
func BenchmarkPoolPost(b *testing.B) {
	ex := executor.NewPool()
	defer ex.Close()
	var ended sync.WaitGroup
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		ended.Done()
		return f.Return(none{})
	})
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		n := min(left, inFlight)
		left -= n
		ended.Add(n)
		for range n {
			if err := coro.Go(ex, k, none{}); err != nil {
				b.Fatal(err)
			}
		}
		ended.Wait()
	}
}

// BenchmarkPoolPostFromAStep launches tasks from a task, and has them run and end.
func BenchmarkPoolPostFromAStep(b *testing.B) {
	ex := executor.NewPool()
	defer ex.Close()
	var ended atomic.Int64
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		ended.Add(1)
		return f.Return(none{})
	})
	type span struct{ launched, total int64 }
	launcher := coro.Define("launcher", func(f *coro.Frame[span, none]) coro.Step {
		s := &f.State
		for s.launched < s.total && s.launched-ended.Load() < inFlight {
			if err := coro.Go(ex, k, none{}); err != nil {
				return f.Fail(err)
			}
			s.launched++
		}
		if ended.Load() == s.total {
			return f.Return(none{})
		}
		return coro.Yield(f, 0)
	})
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := coro.Run(context.Background(), ex, launcher.With(span{total: int64(b.N)})); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPoolRun waits for each task.
func BenchmarkPoolRun(b *testing.B) {
	ex := executor.NewPool()
	defer ex.Close()
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := coro.Run(ctx, ex, echo.With(1)); err != nil {
			b.Fatal(err)
		}
	}
}
