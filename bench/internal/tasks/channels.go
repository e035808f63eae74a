package tasks

import (
	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// checkSum checks the sum of the numbers below n.
func checkSum(sum uint64, n int) error { return contest.Check("the sum", sum, below(n)) }

func channels() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		sum, err := workloads.Buffer(ex, n)
		if err != nil {
			return err
		}
		return checkSum(sum, n)
	}
	plainGo := compiled(func(n int) task.Call[uint64] { return task.Call1(plain.Buffer, n) }, checkSum)
	return contest.Discipline{
		ID: "channels", Group: group, Title: "A channel with room",
		About:   "Four send numbers over a channel with room for 128, four receive them. The time is of one number.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Chan"),
			row("framearena, Pool of 1 worker", contest.Ours, 1, on(pool1, tasks), ""),
			row("framearena, Inline", contest.Ours, 1, on(inline, tasks), ""),
			row("framearena, plain Go, Pool", contest.Ours, 1, on(pool, plainGo), "task.Chan: compiled functions"),
			row("framearena, plain Go, Pool of 1 worker", contest.Ours, 1, on(pool1, plainGo), ""),
			row("framearena, plain Go, Inline", contest.Ours, 1, on(inline, plainGo), ""),
			row("goroutines", contest.Peer, 1, contest.Do(func(n int) error {
				return checkSum(workloads.BufferGoroutines(n), n)
			}), ""),
		},
	}
}
