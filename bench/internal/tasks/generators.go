package tasks

import (
	"iter"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/internal/workloads"
)

func generators() contest.Discipline {
	each := func(seq func(n int) iter.Seq[int]) func() (contest.Runner, error) {
		return contest.Do(func(n int) error {
			sum := uint64(0)
			for v := range seq(n) {
				sum += uint64(v)
			}
			return contest.Check("the sum", sum, below(n))
		})
	}
	return contest.Discipline{
		ID: "generators", Group: group, Title: "A generator",
		About:   "A loop takes numbers from something that is suspended between two of them. The time is of one number.",
		Metrics: []contest.Metric{contest.Time},
		Contestants: []contest.Contestant{
			row("framearena, coro.Seq", contest.Ours, 1, each(func(n int) iter.Seq[int] { return workloads.Numbers.Seq(workloads.UpTo{End: n}) }), ""),
			row("iter.Pull", contest.Peer, 1, contest.Do(func(n int) error {
				next, stop := iter.Pull(workloads.PushNumbers(workloads.UpTo{End: n}))
				defer stop()
				sum := uint64(0)
				for v, ok := next(); ok; v, ok = next() {
					sum += uint64(v)
				}
				return contest.Check("the sum", sum, below(n))
			}), ""),
			row("goroutine and channel", contest.Peer, 1, each(func(n int) iter.Seq[int] {
				return func(yield func(int) bool) {
					c := make(chan int)
					go func() {
						for i := range n {
							c <- i
						}
						close(c)
					}()
					for v := range c {
						if !yield(v) {
							return
						}
					}
				}
			}), "without room"),
			row("range over a function", contest.Floor, 1, each(func(n int) iter.Seq[int] { return workloads.PushNumbers(workloads.UpTo{End: n}) }), "nothing is suspended: the function calls the loop's body"),
		},
	}
}
