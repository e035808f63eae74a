package tasks

import (
	"sync"
	"sync/atomic"

	"github.com/panjf2000/ants/v2"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// fanWorkers is how many goroutines the packages may use: as many as FanOutIn has workers.
const fanWorkers = 8

// work is what a worker does with a number: it takes about 100 ns, and returns the number.
func work(v uint64) uint64 {
	x := v | 1<<40
	for range 64 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 0 { // it never is, but the compiler does not know that, so it does the work
		return 0
	}
	return v
}

func fanning() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		sum, err := workloads.FanOutIn(ex, n, work)
		if err != nil {
			return err
		}
		return contest.Check("the sum", sum, below(n))
	}
	plainGo := compiled(func(n int) task.Call[uint64] { return task.Call2(plain.FanOutIn, n, work) }, checkSum)
	return contest.Discipline{
		ID: "fan", Group: group, Title: "Fan-out, fan-in",
		About: "One sends numbers over a channel, eight workers compute something of about 100 ns with each and send it over another " +
			"channel, one adds up. The time is of one number. Packages that manage goroutines get a function for each number instead, " +
			"which is how they are meant, and those functions add up.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Chan"),
			row("framearena, Pool of 1 worker", contest.Ours, 1, on(pool1, tasks), ""),
			row("framearena, plain Go, Pool", contest.Ours, 1, on(pool, plainGo), "task.Chan: compiled functions"),
			row("framearena, plain Go, Pool of 1 worker", contest.Ours, 1, on(pool1, plainGo), ""),
			row("goroutines", contest.Peer, 1, contest.Do(func(n int) error {
				return contest.Check("the sum", workloads.FanOutInGoroutines(n, work), below(n))
			}), ""),
			row("errgroup, a function a number", contest.Peer, 1, contest.Do(func(n int) error {
				var sum atomic.Uint64
				var g errgroup.Group
				g.SetLimit(fanWorkers)
				for i := range n {
					g.Go(func() error { sum.Add(work(uint64(i))); return nil })
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
					p.Go(func() { sum.Add(work(uint64(i))) })
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
				if err := p.Submit(func() { sum.Add(work(uint64(i))); all.Done() }); err != nil {
					return err
				}
			}
			all.Wait()
			return contest.Check("the sum", sum.Load(), below(n))
		},
		Close: func() error { p.Release(); return nil },
	}, nil
}
