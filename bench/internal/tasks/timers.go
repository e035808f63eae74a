package tasks

import (
	"context"
	"sync"
	"time"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// sleepersSpread makes 200,000 sleepers wake within a second.
const sleepersSpread = 5 * time.Microsecond

func sleepers() contest.Discipline {
	all := func(sleep func(n int) error) func(n int) error {
		return func(n int) error {
			before := workloads.SleepersWoken.Load()
			if err := sleep(n); err != nil {
				return err
			}
			return contest.Check("the number of those woken", workloads.SleepersWoken.Load()-before, int64(n))
		}
	}
	tasks := func(ex coro.Executor, n int) error {
		return all(func(n int) error { return workloads.Sleepers(ex, n, sleepersSpread) })(n)
	}
	plainGo := func(ex coro.Executor, n int) error {
		run := compiled(func(n int) task.Call[none] { return task.Do2(plain.Sleepers, n, sleepersSpread) }, func(none, int) error { return nil })
		return all(func(n int) error { return run(ex, n) })(n)
	}
	return contest.Discipline{
		ID: "sleepers", Group: group, Title: "Sleepers",
		About: "200,000 (20,000 in a quick run) sleep for up to a second (a tenth of one), each for another time. " +
			"What counts is the CPU time of one, from launch to end: the rest is sleep.",
		Metrics: []contest.Metric{contest.CPU},
		Size:    200_000, QuickSize: 20_000,
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Sleep, at most a millisecond late"),
			row("framearena, Pool of 1 worker", contest.Ours, 1, on(pool1, tasks), ""),
			row("framearena, plain Go, Pool", contest.Ours, 1, on(pool, plainGo), "Sleep of a *task.T: compiled functions"),
			row("framearena, plain Go, Pool of 1 worker", contest.Ours, 1, on(pool1, plainGo), ""),
			row("goroutines, time.Sleep", contest.Peer, 1, contest.Do(all(func(n int) error {
				workloads.SleepersGoroutines(n, sleepersSpread)
				return nil
			})), ""),
			row("time.AfterFunc", contest.Peer, 1, contest.Do(all(func(n int) error {
				var g sync.WaitGroup
				g.Add(n)
				for i := range n {
					time.AfterFunc(workloads.SleepOf(i, n, sleepersSpread), func() {
						workloads.SleepersWoken.Add(1)
						g.Done()
					})
				}
				g.Wait()
				return nil
			})), "nobody waits: a function is called"),
		},
	}
}

// Timeouts: an operation that takes no time has a timeout of an hour.

//go:noinline
func quickly(_ context.Context, v int) int { return v }

func timeouts() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		got, err := workloads.Timeouts(ex, n)
		if err != nil {
			return err
		}
		return contest.Check("the sum", uint64(got), below(n))
	}
	plainGo := compiled(func(n int) task.Call[int] { return task.Call1(plain.Timeouts, n) }, func(sum, n int) error {
		return contest.Check("the sum", uint64(sum), below(n))
	})
	loop := func(call func(v int) int) func() (contest.Runner, error) {
		return contest.Do(func(n int) error {
			sum := 0
			for i := range n {
				sum += call(i)
			}
			return contest.Check("the sum", uint64(sum), below(n))
		})
	}
	return contest.Discipline{
		ID: "timeouts", Group: group, Title: "A timeout that does not pass",
		About:   "Something that takes no time is called with a timeout of an hour, again and again. The time is of one call.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.AwaitCall with coro.Timeout: a task"),
			row("framearena, Inline", contest.Ours, 1, on(inline, tasks), ""),
			row("framearena, plain Go, Pool", contest.Ours, 1, on(pool, plainGo), "task.Timeout: a compiled function, called in place"),
			row("framearena, plain Go, Inline", contest.Ours, 1, on(inline, plainGo), ""),
			row("context.WithTimeout, a function", contest.Peer, 1, loop(func(v int) int {
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				return quickly(ctx, v)
			}), "the function would have to look at the context itself"),
			row("context.WithTimeout, a goroutine", contest.Peer, 1, loop(func(v int) int {
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				result := make(chan int, 1)
				go func() { result <- quickly(ctx, v) }()
				select {
				case r := <-result:
					return r
				case <-ctx.Done():
					return -1
				}
			}), "the caller goes on when the time has passed, as a task does"),
			row("time.AfterFunc and Stop", contest.Peer, 1, loop(func(v int) int {
				t := time.AfterFunc(time.Hour, func() {})
				defer t.Stop()
				return quickly(context.Background(), v)
			}), "the timer alone: nothing is ended by it"),
		},
	}
}
