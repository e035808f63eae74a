package tasks

import (
	"iter"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

func pingPong() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		sum, err := workloads.PingPong(ex, n)
		if err != nil {
			return err
		}
		return contest.Check("the sum", uint64(sum), below(n)+uint64(n))
	}
	plainGo := compiled(func(n int) task.Call[int] { return task.Call1(plain.PingPong, n) }, func(sum, n int) error {
		return contest.Check("the sum", uint64(sum), below(n)+uint64(n))
	})
	return contest.Discipline{
		ID: "ping-pong", Group: group, Title: "Ping-pong",
		About:   "Two hand a number to and fro over channels without room. The time is of a round trip.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Chan"),
			row("framearena, Inline", contest.Ours, 1, on(inline, tasks), ""),
			row("framearena, plain Go, Pool", contest.Ours, 1, on(pool, plainGo), "task.Chan: compiled functions"),
			row("framearena, plain Go, Inline", contest.Ours, 1, on(inline, plainGo), ""),
			row("goroutines", contest.Peer, 1, contest.Do(func(n int) error {
				return contest.Check("the sum", uint64(workloads.PingPongGoroutines(n)), below(n)+uint64(n))
			}), ""),
			row("iter.Pull", contest.Peer, 1, contest.Do(func(n int) error {
				var v int // on the way to the other player
				next, stop := iter.Pull(func(yield func(int) bool) {
					for yield(v + 1) {
					}
				})
				defer stop()
				sum := 0
				for v = range n {
					back, _ := next()
					sum += back
				}
				return contest.Check("the sum", uint64(sum), below(n)+uint64(n))
			}), "no channels: one is the other's coroutine, and the way there is a variable"),
		},
	}
}
