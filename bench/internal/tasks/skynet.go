package tasks

import (
	"sync"

	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc"
	"golang.org/x/sync/errgroup"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

func total(sums *[10]int) (sum int) {
	for _, n := range sums {
		sum += n
	}
	return sum
}

func skynet() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		got, err := workloads.Skynet(ex, n)
		if err != nil {
			return err
		}
		return contest.Check("the sum", got, int(below(n)))
	}
	plainGo := compiled(func(n int) task.Call[int] { return task.Call2(plain.Skynet, 0, n) }, func(sum, n int) error {
		return contest.Check("the sum", sum, int(below(n)))
	})
	tree := func(run func(n int) int) func() (contest.Runner, error) {
		return contest.Do(func(n int) error { return contest.Check("the sum", run(n), int(below(n))) })
	}
	return contest.Discipline{
		ID: "skynet", Group: group, Title: "Skynet",
		About: "A tree with a million leaves (100,000 in a quick run), in which each but the leaves launches ten children and adds up " +
			"what they return. The time is of one leaf, with its part of the 0.11 others that there are for each.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Size:    1_000_000, QuickSize: 100_000,
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), ""),
			row("framearena, Pool of 1 worker", contest.Ours, 1, on(pool1, tasks), ""),
			row("framearena, Inline", contest.Ours, 1, on(inline, tasks), ""),
			row("framearena, plain Go, Pool", contest.Ours, 1, on(pool, plainGo), "task.Group: compiled functions, which run in place unless a worker has nothing to do"),
			row("framearena, plain Go, Pool of 1 worker", contest.Ours, 1, on(pool1, plainGo), ""),
			row("framearena, plain Go, Inline", contest.Ours, 1, on(inline, plainGo), ""),
			row("goroutines, channel", contest.Peer, 1, tree(workloads.SkynetGoroutines), "as it is usually written"),
			row("goroutines, sync.WaitGroup", contest.Peer, 1, tree(func(n int) int {
				return skynetGroups(0, n, func(children [10]func()) {
					var g sync.WaitGroup
					for _, f := range children {
						g.Go(f)
					}
					g.Wait()
				})
			}), "results go to an array"),
			row("errgroup", contest.Peer, 1, tree(func(n int) int {
				return skynetGroups(0, n, func(children [10]func()) {
					var g errgroup.Group
					for _, f := range children {
						g.Go(func() error { f(); return nil })
					}
					g.Wait() // no child returns an error
				})
			}), ""),
			row("conc WaitGroup", contest.Peer, 1, tree(func(n int) int {
				return skynetGroups(0, n, func(children [10]func()) {
					var g conc.WaitGroup
					for _, f := range children {
						g.Go(f)
					}
					g.Wait()
				})
			}), ""),
			row("ants", contest.Peer, 1, skynetAnts, "without a limit: its functions wait for others"),
		},
	}
}

// skynetGroups is the tree as workloads.Skynet has it, with functions. all runs the children
// and returns when they have ended.
func skynetGroups(num, size int, all func(children [10]func())) int {
	if size == 1 {
		return num
	}
	size /= 10
	var sums [10]int
	var children [10]func()
	for i := range children {
		children[i] = func() { sums[i] = skynetGroups(num+i*size, size, all) }
	}
	all(children)
	return total(&sums)
}

func skynetAnts() (contest.Runner, error) {
	p, err := ants.NewPool(-1)
	if err != nil {
		return contest.Runner{}, err
	}
	return contest.Runner{
		Do: func(n int) error {
			got := skynetGroups(0, n, func(children [10]func()) {
				var g sync.WaitGroup
				g.Add(len(children))
				for _, f := range children {
					if p.Submit(func() { f(); g.Done() }) != nil {
						g.Done() // then the sum is wrong
					}
				}
				g.Wait()
			})
			return contest.Check("the sum", got, int(below(n)))
		},
		Close: func() error { p.Release(); return nil },
	}, nil
}
