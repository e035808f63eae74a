package executor_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Dining philosophers: each eats n times and needs both of the forks beside it for that.
// All take the one with the lower number first, so that they never all wait. The result is
// how often each has eaten, counted at the forks.
var philosophers = program[[seats]int]{
	tasks: func(ex coro.Executor, n int) ([seats]int, error) {
		return run(ex, dinner.With(dining{n: n}, dinnerHeld{}))
	},
	goroutines: func(n int) (uses [seats]int) {
		var forks [seats]struct {
			mu   sync.Mutex
			uses int // guarded by mu
		}
		var guests sync.WaitGroup
		for i := range seats {
			guests.Go(func() {
				a, b := forksOf(i)
				first, second := &forks[a], &forks[b]
				for range n {
					first.mu.Lock()
					runtime.Gosched()
					second.mu.Lock()
					first.uses++
					second.uses++
					second.mu.Unlock()
					first.mu.Unlock()
				}
			})
		}
		guests.Wait()
		for i := range forks {
			uses[i] = forks[i].uses
		}
		return uses
	},
}

const seats = 5

// forksOf returns the numbers of the forks beside a seat, in the order in which they are
// taken.
func forksOf(seat int) (first, second int) {
	a, b := seat, (seat+1)%seats
	return min(a, b), max(a, b)
}

type dining struct {
	guests coro.Group
	n      int
}

type taskFork struct {
	mu   coro.Mutex
	uses int // guarded by mu
}

// dinnerHeld has the forks: a held part stays where it is until its task has ended.
type dinnerHeld struct{ forks [seats]taskFork }

var dinner = coro.DefineHeld("dinner", func(f *coro.Frame[dining, [seats]int], held *dinnerHeld) coro.Step {
	s := &f.State
	if f.At() == 0 {
		for i := range seats {
			a, b := forksOf(i)
			coro.SpawnCall(f, &s.guests, philosopher.With(s.n, forksHeld{&held.forks[a], &held.forks[b]}), nil)
		}
		return s.guests.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	var uses [seats]int
	for i := range held.forks {
		uses[i] = held.forks[i].uses
	}
	return f.Return(uses)
})

type forksHeld struct{ first, second *taskFork }

var philosopher = coro.DefineHeld("philosopher", func(f *coro.Frame[int, none], held *forksHeld) coro.Step {
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 1:
		return coro.Yield(f, 2)
	case 2:
		return held.second.mu.Lock(f, 3)
	case 3:
		held.first.uses++
		held.second.uses++
		held.second.mu.Unlock()
		held.first.mu.Unlock()
		f.State--
	}
	if f.State == 0 {
		return f.Return(none{})
	}
	return held.first.mu.Lock(f, 1)
})

func TestPhilosophers(t *testing.T) { philosophers.test(t, 0, 1, scaled(2000)) }

// BenchmarkPhilosophers' operation is a round: each of them eats once.
func BenchmarkPhilosophers(b *testing.B) { philosophers.bench(b) }
