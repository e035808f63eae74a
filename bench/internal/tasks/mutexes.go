package tasks

import (
	"runtime"
	"sync"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
)

// Mutexes: many add 1 to a number, which a mutex guards, n times in all. Now and then one
// lets others run while it has the mutex, so that they queue. The result is the number.

const (
	contenders   = 64
	mutexYieldAt = 16
)

type (
	contending struct {
		adders coro.Group
		n      int
	}
	guardedNumber struct {
		mu     coro.Mutex
		number int // guarded by mu
	}
)

var (
	contentionTask = coro.DefineHeld("contention", func(f *coro.Frame[contending, int], held *guardedNumber) coro.Step {
		s := &f.State
		if f.At() == 0 {
			for i := range contenders {
				coro.SpawnCall(f, &s.adders, adder.With(counting{i, s.n}, held), nil)
			}
			return s.adders.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(held.number)
	})

	adder = coro.DefineHeld("adder", func(f *coro.Frame[counting, none], held **guardedNumber) coro.Step {
		s, g := &f.State, *held
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		switch f.At() {
		case 1:
			s.next += contenders
			if g.number++; g.number%mutexYieldAt == 0 {
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
)

func mutexes() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		got, err := run(ex, contentionTask.With(contending{n: n}, guardedNumber{}))
		if err != nil {
			return err
		}
		return contest.Check("the number", got, n)
	}
	// goroutines is the program with a mutex of any sort.
	goroutines := func(lock, unlock func()) func() (contest.Runner, error) {
		return contest.Do(func(n int) error {
			number := 0
			var adders sync.WaitGroup
			for i := range contenders {
				adders.Go(func() {
					for k := i; k < n; k += contenders {
						lock()
						if number++; number%mutexYieldAt == 0 {
							runtime.Gosched()
						}
						unlock()
					}
				})
			}
			adders.Wait()
			return contest.Check("the number", number, n)
		})
	}
	var mu sync.Mutex
	token := make(chan none, 1)
	return contest.Discipline{
		ID: "mutex", Group: group, Title: "A mutex that many want",
		About:   "64 add 1 to a number guarded by a mutex, and yield while they have it every 16th time. The time is of having the mutex once.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Mutex: those that wait get it in their order"),
			row("framearena, Pool of 1 worker", contest.Ours, 1, on(pool1, tasks), ""),
			row("framearena, Inline", contest.Ours, 1, on(inline, tasks), ""),
			row("goroutines, sync.Mutex", contest.Peer, 1, goroutines(mu.Lock, mu.Unlock), "who comes first gets it, unless others wait for a millisecond"),
			row("goroutines, channel as a mutex", contest.Peer, 1, goroutines(func() { token <- none{} }, func() { <-token }), "those that wait get it in their order"),
		},
	}
}
