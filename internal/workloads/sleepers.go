package workloads

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/coro"
)

// SleepersWoken counts the sleepers of the process that have woken.
var SleepersWoken atomic.Int64

// SleepOf returns how long sleeper i of n sleeps. The times are the multiples of spread up to
// n times spread, without order.
func SleepOf(i, n int, spread time.Duration) time.Duration {
	return time.Duration(uint64(i)*0x9e3779b97f4a7c15%uint64(n)+1) * spread
}

// Sleepers has n tasks sleep, each as long as [SleepOf] says, and add 1 to [SleepersWoken].
// It returns when all have ended.
//
// It measures the CPU time of a timer, from start to wake; the rest of the time is sleep.
func Sleepers(ex coro.Executor, n int, spread time.Duration) error {
	_, err := run(ex, sleepers.With(sleeping{n: n, spread: spread}))
	return err
}

// SleepersGoroutines is [Sleepers] with goroutines and [time.Sleep].
func SleepersGoroutines(n int, spread time.Duration) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			time.Sleep(SleepOf(i, n, spread))
			SleepersWoken.Add(1)
		})
	}
	all.Wait()
}

type sleeping struct {
	sleepers coro.Group
	i, n     int
	spread   time.Duration
}

var sleepers = coro.Define("sleepers", func(f *coro.Frame[sleeping, none]) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.At() == 1 {
		return f.Return(none{})
	}
	for range min(1000, s.n-s.i) {
		coro.Spawn(f, &s.sleepers, sleeper, SleepOf(s.i, s.n, s.spread), nil)
		s.i++
	}
	if s.i < s.n {
		return coro.Yield(f, 0) // a longer step would keep its worker from other tasks
	}
	return s.sleepers.Wait(f, 1)
})

var sleeper = coro.Define("sleeper", func(f *coro.Frame[time.Duration, none]) coro.Step {
	if f.At() == 0 {
		return coro.Sleep(f, 1, f.State)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	SleepersWoken.Add(1)
	return f.Return(none{})
})
