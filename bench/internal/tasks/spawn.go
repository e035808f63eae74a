package tasks

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
)

// inFlight is how many tasks or functions are launched before the launcher waits for them.
const inFlight = 1024

// What was launched reports to ended and summed.
var (
	ended  sync.WaitGroup
	summed atomic.Uint64
)

var spawned = coro.Define("spawned", func(f *coro.Frame[int, none]) coro.Step {
	summed.Add(uint64(f.State))
	ended.Done()
	return f.Return(none{})
})

func spawning() contest.Discipline {
	rounds := func(launch func(i int) error) func() (contest.Runner, error) {
		return contest.Do(func(n int) error { return spawnRounds(n, launch) })
	}
	tasks := func(ex coro.Executor, n int) error {
		return spawnRounds(n, func(i int) error { return coro.Go(ex, spawned, i) })
	}
	closure := func(i int) func() {
		return func() {
			summed.Add(uint64(i))
			ended.Done()
		}
	}
	return contest.Discipline{
		ID: "spawn", Group: group, Title: "Spawn from outside",
		About: "A goroutine launches 1024 that each add a number to a sum, and waits until all have ended. " +
			"The time is of one: launch, run, end.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, inFlight, on(pool, tasks), ""),
			row("framearena, Pool of 1 worker", contest.Ours, inFlight, on(pool1, tasks), ""),
			row("framearena, Inline", contest.Ours, inFlight, on(inline, tasks), "runs them on the goroutine that launches them"),
			row("goroutines", contest.Peer, inFlight, rounds(func(i int) error { go closure(i)(); return nil }), ""),
			row("channel of functions", contest.Peer, inFlight, spawnChannel(closure), "with room for 1024, to a goroutine per P"),
			row("errgroup", contest.Peer, inFlight, contest.Do(func(n int) error {
				return grouped(n, func(body func(i int)) error {
					var g errgroup.Group
					for i := range inFlight {
						g.Go(func() error { body(i); return nil })
					}
					return g.Wait()
				})
			}), ""),
			row("conc WaitGroup", contest.Peer, inFlight, contest.Do(func(n int) error {
				return grouped(n, func(body func(i int)) error {
					var g conc.WaitGroup
					for i := range inFlight {
						g.Go(func() { body(i) })
					}
					g.Wait()
					return nil
				})
			}), ""),
			row("conc pool", contest.Peer, inFlight, contest.Do(func(n int) error {
				return grouped(n, func(body func(i int)) error {
					p := concpool.New().WithMaxGoroutines(procs())
					for i := range inFlight {
						p.Go(func() { body(i) })
					}
					p.Wait()
					return nil
				})
			}), "a goroutine per P"),
			row("ants", contest.Peer, inFlight, spawnAnts(closure), "with room for 1024 goroutines"),
			row("pond", contest.Peer, inFlight, spawnPond(closure), "a goroutine per P"),
		},
	}
}

// spawnRounds calls launch inFlight times in each of n rounds, and waits after each round.
func spawnRounds(n int, launch func(i int) error) error {
	before := summed.Load()
	for range n {
		ended.Add(inFlight)
		for i := range inFlight {
			if err := launch(i); err != nil {
				return err
			}
		}
		ended.Wait()
	}
	return contest.Check("the sum", summed.Load()-before, uint64(n)*below(inFlight))
}

// grouped is spawnRounds for contestants that wait for a group.
func grouped(n int, round func(body func(i int)) error) error {
	before := summed.Load()
	for range n {
		if err := round(func(i int) { summed.Add(uint64(i)) }); err != nil {
			return err
		}
	}
	return contest.Check("the sum", summed.Load()-before, uint64(n)*below(inFlight))
}

func spawnChannel(closure func(int) func()) func() (contest.Runner, error) {
	return func() (contest.Runner, error) {
		functions := make(chan func(), inFlight)
		for range procs() {
			go func() {
				for f := range functions {
					f()
				}
			}()
		}
		return contest.Runner{
			Do: func(n int) error {
				return spawnRounds(n, func(i int) error { functions <- closure(i); return nil })
			},
			Close: func() error { close(functions); return nil },
		}, nil
	}
}

func spawnAnts(closure func(int) func()) func() (contest.Runner, error) {
	return func() (contest.Runner, error) {
		p, err := ants.NewPool(inFlight)
		if err != nil {
			return contest.Runner{}, err
		}
		return contest.Runner{
			Do: func(n int) error {
				return spawnRounds(n, func(i int) error { return p.Submit(closure(i)) })
			},
			Close: func() error { p.Release(); return nil },
		}, nil
	}
}

func spawnPond(closure func(int) func()) func() (contest.Runner, error) {
	return func() (contest.Runner, error) {
		p := pond.NewPool(procs())
		return contest.Runner{
			Do: func(n int) error {
				return spawnRounds(n, func(i int) error { return p.Go(closure(i)) })
			},
			Close: func() error { p.StopAndWait(); return nil },
		}, nil
	}
}

// Fork and join: a task launches children and waits for them.

type fork struct {
	children coro.Group
	rounds   int
}

var (
	forkTask = coro.Define("fork", func(f *coro.Frame[fork, none]) coro.Step {
		s := &f.State
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if s.rounds == 0 {
			return f.Return(none{})
		}
		s.rounds--
		for i := range inFlight {
			coro.Spawn(f, &s.children, forked, i, nil)
		}
		return s.children.Wait(f, 0)
	})

	forked = coro.Define("forked", func(f *coro.Frame[int, none]) coro.Step {
		summed.Add(uint64(f.State))
		return f.Return(none{})
	})
)

func forking() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		before := summed.Load()
		if _, err := run(ex, forkTask.With(fork{rounds: n})); err != nil {
			return err
		}
		return contest.Check("the sum", summed.Load()-before, uint64(n)*below(inFlight))
	}
	groups := func(round func(body func(i int)) error) func() (contest.Runner, error) {
		return contest.Do(func(n int) error {
			done := make(chan error)
			go func() { done <- grouped(n, round) }() // as the parent here is a goroutine among others
			return <-done
		})
	}
	return contest.Discipline{
		ID: "fork", Group: group, Title: "Fork and join",
		About: "One of them launches 1024 children that each add a number to a sum, waits for all, and begins again. " +
			"The time is of one child.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, inFlight, on(pool, tasks), "a coro.Group"),
			row("framearena, Pool of 1 worker", contest.Ours, inFlight, on(pool1, tasks), ""),
			row("framearena, Inline", contest.Ours, inFlight, on(inline, tasks), ""),
			row("goroutines, sync.WaitGroup", contest.Peer, inFlight, groups(func(body func(int)) error {
				var g sync.WaitGroup
				for i := range inFlight {
					g.Go(func() { body(i) })
				}
				g.Wait()
				return nil
			}), ""),
			row("errgroup", contest.Peer, inFlight, groups(func(body func(int)) error {
				var g errgroup.Group
				for i := range inFlight {
					g.Go(func() error { body(i); return nil })
				}
				return g.Wait()
			}), ""),
			row("errgroup, limit", contest.Peer, inFlight, groups(func(body func(int)) error {
				var g errgroup.Group
				g.SetLimit(procs())
				for i := range inFlight {
					g.Go(func() error { body(i); return nil })
				}
				return g.Wait()
			}), "a goroutine per P"),
			row("conc WaitGroup", contest.Peer, inFlight, groups(func(body func(int)) error {
				var g conc.WaitGroup
				for i := range inFlight {
					g.Go(func() { body(i) })
				}
				g.Wait()
				return nil
			}), ""),
			row("ants", contest.Peer, inFlight, forkAnts, "with room for 1024 goroutines, and a sync.WaitGroup"),
			row("pond group", contest.Peer, inFlight, forkPond, "a goroutine per P"),
		},
	}
}

func forkAnts() (contest.Runner, error) {
	p, err := ants.NewPool(inFlight)
	if err != nil {
		return contest.Runner{}, err
	}
	return contest.Runner{
		Do: func(n int) error {
			return grouped(n, func(body func(int)) error {
				var g sync.WaitGroup
				var errs error
				g.Add(inFlight)
				for i := range inFlight {
					if err := p.Submit(func() { body(i); g.Done() }); err != nil {
						errs = errors.Join(errs, err)
						g.Done()
					}
				}
				g.Wait()
				return errs
			})
		},
		Close: func() error { p.Release(); return nil },
	}, nil
}

func forkPond() (contest.Runner, error) {
	p := pond.NewPool(procs())
	return contest.Runner{
		Do: func(n int) error {
			return grouped(n, func(body func(int)) error {
				g := p.NewGroup()
				for i := range inFlight {
					g.Submit(func() { body(i) })
				}
				return g.Wait()
			})
		},
		Close: func() error { p.StopAndWait(); return nil },
	}, nil
}
