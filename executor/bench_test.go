package executor_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// workerCounts are those that a benchmark of a pool is run with.
var workerCounts = []int{1, 2}

// BenchmarkWakeIdle launches a task on a pool that is idle and waits for it; what is
// measured is how long it took to begin. The same with a goroutine that waits for a
// channel is beside it.
func BenchmarkWakeIdle(b *testing.B) {
	const pause = 200 * time.Microsecond // long enough for all to go to sleep
	report := func(b *testing.B, took []time.Duration) {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "ns/median")
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "ns/p99")
	}
	b.Run("pool", func(b *testing.B) {
		ex := executor.NewPool()
		defer ex.Close()
		begun := make(chan time.Time, 1)
		k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
			begun <- time.Now()
			return f.Return(none{})
		})
		took := make([]time.Duration, 0, b.N)
		for range b.N {
			time.Sleep(pause)
			start := time.Now()
			if err := coro.Go(ex, k, none{}); err != nil {
				b.Fatal(err)
			}
			took = append(took, (<-begun).Sub(start))
		}
		report(b, took)
	})
	b.Run("goroutine", func(b *testing.B) {
		begun, posts := make(chan time.Time, 1), make(chan none)
		go func() {
			for range posts {
				begun <- time.Now()
			}
		}()
		took := make([]time.Duration, 0, b.N)
		for range b.N {
			time.Sleep(pause)
			start := time.Now()
			posts <- none{}
			took = append(took, (<-begun).Sub(start))
		}
		close(posts)
		report(b, took)
	})
}

// BenchmarkFanOut wakes 1000 tasks at once, each of which computes for a microsecond
// or so; an operation is all of them.
func BenchmarkFanOut(b *testing.B) {
	const width = 1000
	work := func() (x uint64) {
		for i := range uint64(1000) {
			x = x*31 + i
		}
		return x
	}
	for _, workers := range workerCounts {
		b.Run(fmt.Sprint("pool, workers ", workers), func(b *testing.B) {
			ex := executor.NewPool(executor.WithWorkers(workers))
			defer ex.Close()
			var ended sync.WaitGroup
			k := coro.Define("part", func(f *coro.Frame[none, none]) coro.Step {
				sink.Store(work())
				ended.Done()
				return f.Return(none{})
			})
			source := coro.Define("source", func(f *coro.Frame[none, none]) coro.Step {
				for range width {
					if err := coro.Go(ex, k, none{}); err != nil {
						return f.Fail(err)
					}
				}
				return f.Return(none{})
			})
			for b.Loop() {
				ended.Add(width)
				if err := coro.Go(ex, source, none{}); err != nil {
					b.Fatal(err)
				}
				ended.Wait()
			}
		})
	}
	b.Run("goroutines", func(b *testing.B) {
		var ended sync.WaitGroup
		for b.Loop() {
			for range width {
				ended.Go(func() { sink.Store(work()) })
			}
			ended.Wait()
		}
	})
}

var sink atomic.Uint64

// BenchmarkChannelOfFuncs is what BenchmarkPoolPost is compared with: closures through
// a buffered channel to two goroutines.
func BenchmarkChannelOfFuncs(b *testing.B) {
	var ended sync.WaitGroup
	tasks := make(chan func(), inFlight)
	for range 2 {
		go func() {
			for f := range tasks {
				f()
			}
		}()
	}
	defer close(tasks)
	task := func() { ended.Done() }
	b.ResetTimer()
	for left := b.N; left > 0; {
		n := min(left, inFlight)
		left -= n
		ended.Add(n)
		for range n {
			tasks <- task
		}
		ended.Wait()
	}
}
