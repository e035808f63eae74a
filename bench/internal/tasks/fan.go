package tasks

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/panjf2000/ants/v2"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
)

// Fan-out, fan-in: the numbers below n go to workers through one channel, and what these
// make of them comes back through another one. The result is the sum of that.

const (
	fanWorkers = 8
	fanRoom    = 16
)

// work is what workers do with a number: some arithmetic, and the number again.
func work(v int) uint64 {
	x := uint64(v) | 1<<40
	for range 64 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 0 { // it never is, but the compiler does not know that, so it does the work
		return 0
	}
	return uint64(v)
}

type (
	fan     struct{ jobs, results *coro.Chan[uint64] }
	fanRoot struct {
		parts coro.Group
		n     int
		sum   uint64
	}
	fanCrew   struct{ workers coro.Group }
	fanWorker struct{ job uint64 }
	fanResult struct{ v, sum uint64 }
)

var (
	fanTask = coro.DefineHeld("fan", func(f *coro.Frame[fanRoot, uint64], held *fan) coro.Step {
		s := &f.State
		if f.At() == 0 {
			coro.SpawnCall(f, &s.parts, fanSource.With(counting{n: s.n}, *held), nil)
			coro.SpawnCall(f, &s.parts, fanCrewTask.With(fanCrew{}, *held), nil)
			coro.SpawnCall(f, &s.parts, fanSink.With(fanResult{}, *held), &s.sum)
			return s.parts.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(s.sum)
	})

	fanSource = coro.DefineHeld("fan source", func(f *coro.Frame[counting, none], held *fan) coro.Step {
		s := &f.State
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if s.next == s.n {
			held.jobs.Close()
			return f.Return(none{})
		}
		s.next++
		return held.jobs.Send(f, 0, uint64(s.next-1))
	})

	// fanCrewTask has the workers, and closes the results when they have ended.
	fanCrewTask = coro.DefineHeld("fan crew", func(f *coro.Frame[fanCrew, none], held *fan) coro.Step {
		s := &f.State
		if f.At() == 0 {
			for range fanWorkers {
				coro.SpawnCall(f, &s.workers, fanWorkerTask.With(fanWorker{}, *held), nil)
			}
			return s.workers.Wait(f, 1)
		}
		held.results.Close()
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})

	fanWorkerTask = coro.DefineHeld("fan worker", func(f *coro.Frame[fanWorker, none], held *fan) coro.Step {
		s := &f.State
		switch {
		case errors.Is(f.Err(), coro.ErrChanClosed):
			return f.Return(none{})
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			return held.results.Send(f, 0, work(int(s.job)))
		default:
			return held.jobs.Recv(f, 1, &s.job)
		}
	})

	fanSink = coro.DefineHeld("fan sink", func(f *coro.Frame[fanResult, uint64], held *fan) coro.Step {
		s := &f.State
		switch {
		case errors.Is(f.Err(), coro.ErrChanClosed):
			return f.Return(s.sum)
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			s.sum += s.v
		}
		return held.results.Recv(f, 1, &s.v)
	})
)

func fanning() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		sum, err := run(ex, fanTask.With(fanRoot{n: n}, fan{coro.NewChan[uint64](fanRoom), coro.NewChan[uint64](fanRoom)}))
		if err != nil {
			return err
		}
		return contest.Check("the sum", sum, below(n))
	}
	// crew is fan-out, fan-in with workers that go starts and wait waits for.
	crew := func(n int, start func(func()), wait func()) error {
		jobs, results := make(chan uint64, fanRoom), make(chan uint64, fanRoom)
		go func() {
			for i := range n {
				jobs <- uint64(i)
			}
			close(jobs)
		}()
		for range fanWorkers {
			start(func() {
				for job := range jobs {
					results <- work(int(job))
				}
			})
		}
		go func() {
			wait()
			close(results)
		}()
		sum := uint64(0)
		for r := range results {
			sum += r
		}
		return contest.Check("the sum", sum, below(n))
	}
	return contest.Discipline{
		ID: "fan", Group: group, Title: "Fan-out, fan-in",
		About: "One sends numbers over a channel, eight workers compute something of about 100 ns with each and send it over another " +
			"channel, one adds up. The time is of one number. Packages that manage goroutines get a function for each number instead, " +
			"which is how they are meant, and those functions add up.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Chan"),
			row("framearena, Pool of 1 worker", contest.Ours, 1, on(pool1, tasks), ""),
			row("goroutines", contest.Peer, 1, contest.Do(func(n int) error {
				var workers sync.WaitGroup
				return crew(n, workers.Go, workers.Wait)
			}), ""),
			row("errgroup, a function a number", contest.Peer, 1, contest.Do(func(n int) error {
				var sum atomic.Uint64
				var g errgroup.Group
				g.SetLimit(fanWorkers)
				for i := range n {
					g.Go(func() error { sum.Add(work(i)); return nil })
				}
				if err := g.Wait(); err != nil {
					return err
				}
				return contest.Check("the sum", sum.Load(), below(n))
			}), ""),
			row("conc pool, a function a number", contest.Peer, 1, contest.Do(func(n int) error {
				var sum atomic.Uint64
				p := concpool.New().WithMaxGoroutines(fanWorkers)
				for i := range n {
					p.Go(func() { sum.Add(work(i)) })
				}
				p.Wait()
				return contest.Check("the sum", sum.Load(), below(n))
			}), ""),
			row("ants, a function a number", contest.Peer, 1, fanAnts, ""),
		},
	}
}

func fanAnts() (contest.Runner, error) {
	p, err := ants.NewPool(fanWorkers)
	if err != nil {
		return contest.Runner{}, err
	}
	return contest.Runner{
		Do: func(n int) error {
			var sum atomic.Uint64
			var all sync.WaitGroup
			all.Add(n)
			for i := range n {
				if err := p.Submit(func() { sum.Add(work(i)); all.Done() }); err != nil {
					return err
				}
			}
			all.Wait()
			return contest.Check("the sum", sum.Load(), below(n))
		},
		Close: func() error { p.Release(); return nil },
	}, nil
}
