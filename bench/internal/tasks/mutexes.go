package tasks

import (
	"sync"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

func mutexes() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		got, err := workloads.Contention(ex, n)
		if err != nil {
			return err
		}
		return contest.Check("the number", got, n)
	}
	plainGo := compiled(func(n int) task.Call[int] { return task.Call1(plain.Contention, n) }, func(got, n int) error {
		return contest.Check("the number", got, n)
	})
	// goroutines is the program with a mutex of any sort.
	goroutines := func(lock, unlock func()) func() (contest.Runner, error) {
		return contest.Do(func(n int) error {
			return contest.Check("the number", workloads.ContentionGoroutines(n, lock, unlock), n)
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
			row("framearena, plain Go, Pool", contest.Ours, 1, on(pool, plainGo), "task.Mutex: compiled functions"),
			row("framearena, plain Go, Pool of 1 worker", contest.Ours, 1, on(pool1, plainGo), ""),
			row("framearena, plain Go, Inline", contest.Ours, 1, on(inline, plainGo), ""),
			row("goroutines, sync.Mutex", contest.Peer, 1, goroutines(mu.Lock, mu.Unlock), "who comes first gets it, unless others wait for a millisecond"),
			row("goroutines, channel as a mutex", contest.Peer, 1, goroutines(func() { token <- none{} }, func() { <-token }), "those that wait get it in their order"),
		},
	}
}
