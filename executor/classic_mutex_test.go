package executor_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Mutex contention: many tasks add 1 to a number, which a mutex guards, n times in all. Now
// and then one lets others run while it has the mutex, so that they queue. The result is
// the number.
var contention = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		return run(ex, contentionTask.With(contending{n: n}, guardedNumber{}))
	},
	goroutines: func(n int) int {
		var mu sync.Mutex
		number := 0 // guarded by mu
		var adders sync.WaitGroup
		for i := range contenders {
			adders.Go(func() {
				for k := i; k < n; k += contenders {
					mu.Lock()
					if number++; number%contentionYields == 0 {
						runtime.Gosched()
					}
					mu.Unlock()
				}
			})
		}
		adders.Wait()
		return number
	},
}

const (
	contenders       = 64
	contentionYields = 16
)

type contending struct {
	adders coro.Group
	n      int
}

type guardedNumber struct {
	mu     coro.Mutex
	number int // guarded by mu
}

var contentionTask = coro.DefineHeld("contention", func(f *coro.Frame[contending, int], held *guardedNumber) coro.Step {
	s := &f.State
	if f.At() == 0 {
		for i := range contenders {
			coro.SpawnCall(f, &s.adders, adder.With(counted{i, s.n}, held), nil)
		}
		return s.adders.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(held.number)
})

var adder = coro.DefineHeld("adder", func(f *coro.Frame[counted, none], held **guardedNumber) coro.Step {
	s, g := &f.State, *held
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 1:
		s.next += contenders
		if g.number++; g.number%contentionYields == 0 {
			return coro.Yield(f, 2)
		}
		g.mu.Unlock()
	case 2:
		g.mu.Unlock()
	}
	if s.next >= s.n {
		return f.Return(none{})
	}
	return g.mu.Lock(f, 1)
})

func TestMutexContention(t *testing.T) { contention.test(t, 0, 1, scaled(20_000)) }

// BenchmarkMutexContention's operation is to have the mutex once.
func BenchmarkMutexContention(b *testing.B) { contention.bench(b) }
