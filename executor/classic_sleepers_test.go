package executor_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/framearena/framearena/coro"
)

// Sleepers: n tasks sleep, each for some time up to n times sleepersSpread, and no longer
// than ten seconds. The result is how many have woken.
var sleepers = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		return run(ex, sleepersTask.With(sleeping{n: n}, new(atomic.Int64)))
	},
	goroutines: func(n int) int {
		var woken atomic.Int64
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				time.Sleep(sleepOf(i, n))
				woken.Add(1)
			})
		}
		all.Wait()
		return int(woken.Load())
	},
}

// sleepersSpread makes a million sleepers wake within ten seconds.
const sleepersSpread = 10 * time.Microsecond

// sleepOf returns how long one of n sleeps.
func sleepOf(i, n int) time.Duration {
	within := min(time.Duration(n)*sleepersSpread, 10*time.Second)
	return time.Duration(utsChild(0, i) % uint64(within))
}

type sleeping struct {
	sleepers coro.Group
	i, n     int
}

var sleepersTask = coro.DefineHeld("sleepers", func(f *coro.Frame[sleeping, int], held **atomic.Int64) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.At() == 1 {
		return f.Return(int((*held).Load()))
	}
	for range min(1000, s.n-s.i) {
		coro.SpawnCall(f, &s.sleepers, sleeper.With(sleepOf(s.i, s.n), *held), nil)
		s.i++
	}
	if s.i < s.n {
		return coro.Yield(f, 0) // or it would keep its worker for long
	}
	return s.sleepers.Wait(f, 1)
})

var sleeper = coro.DefineHeld("sleeper", func(f *coro.Frame[time.Duration, none], held **atomic.Int64) coro.Step {
	if f.At() == 0 {
		return coro.Sleep(f, 1, f.State)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	(*held).Add(1)
	return f.Return(none{})
})

func TestSleepers(t *testing.T) { sleepers.test(t, 0, 1, scaled(5000)) }

// BenchmarkSleepers' operation is a sleeper; ask for a million with -benchtime 1000000x.
// What counts is the CPU time: the rest is sleep.
func BenchmarkSleepers(b *testing.B) { sleepers.bench(b) }
