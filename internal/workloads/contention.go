package workloads

import (
	"runtime"
	"sync"

	"github.com/framearena/framearena/coro"
)

const (
	// Contenders is how many tasks want the mutex of [Contention].
	Contenders = 64

	// ContentionYields is at how many additions a task yields while it has the mutex.
	ContentionYields = 16
)

// Contention has 64 tasks add 1 to a number that a mutex guards, n times in all. At each
// 16th addition the task yields while it has the mutex, so that the others queue for it. The
// result is the number: n, unless two tasks had the mutex at the same time.
func Contention(ex coro.Executor, n int) (int, error) {
	return run(ex, contention.With(contending{n: n}, guardedNumber{}))
}

// ContentionGoroutines is [Contention] with goroutines, and with the mutex that lock and
// unlock are of.
func ContentionGoroutines(n int, lock, unlock func()) int {
	number := 0 // guarded by the mutex
	var adders sync.WaitGroup
	for i := range Contenders {
		adders.Go(func() {
			for k := i; k < n; k += Contenders {
				lock()
				if number++; number%ContentionYields == 0 {
					runtime.Gosched()
				}
				unlock()
			}
		})
	}
	adders.Wait()
	return number
}

type contending struct {
	adders coro.Group
	n      int
}

type guardedNumber struct {
	mu     coro.Mutex
	number int // guarded by mu
}

var contention = coro.DefineHeld("contention", func(f *coro.Frame[contending, int], held *guardedNumber) coro.Step {
	s := &f.State
	if f.At() == 0 {
		for i := range Contenders {
			coro.SpawnCall(f, &s.adders, adder.With(upTo{i, s.n}, held), nil)
		}
		return s.adders.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(held.number)
})

// upTo is the state of a task that counts from next up to, but not including, n.
type upTo struct{ next, n int }

var adder = coro.DefineHeld("adder", func(f *coro.Frame[upTo, none], held **guardedNumber) coro.Step {
	s, g := &f.State, *held
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 1:
		s.next += Contenders
		if g.number++; g.number%ContentionYields == 0 {
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
