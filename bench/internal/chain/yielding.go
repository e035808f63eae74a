package chain

import (
	"fmt"

	"github.com/framearena/framearena/bench/internal/contest"
)

// yielding is the discipline of suspensions: what a frame costs if leaves wait.
func yielding() contest.Discipline {
	d := contest.Discipline{
		ID: "chain-yielding", Group: "Chains of tasks", Title: "A chain whose leaves yield",
		About: "The same chain, in which leaves let other tasks run before they return: each one, every tenth, every hundredth. " +
			"So those who have called them, and have no frames yet, need one each. The time is of one of the 66 calls or frames.",
		Metrics: []contest.Metric{contest.Time},
	}
	for _, every := range []struct {
		n    int
		name string
	}{{1, "each leaf"}, {10, "every 10th leaf"}, {100, "every 100th leaf"}} {
		d.Contestants = append(d.Contestants,
			inGo(fmt.Sprintf("framearena, %s", every.name), contest.Ours, byHand(every.n), "steps written by hand, a frame for each task"),
			inGo(fmt.Sprintf("framearena, plain Go, %s", every.name), contest.Ours, compiled(every.n), "compiled functions, with frames where they wait"))
	}
	d.Contestants = append(d.Contestants,
		inGo("goroutine and channel, each leaf", contest.Peer, contest.Do(counted(yieldingGoroutines)), "a goroutine for each task; runtime.Gosched"))
	return d
}
