package tasks

import (
	"errors"
	"time"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/internal/workloads"
)

// idleFor is the pause before a call, long enough for all workers and goroutines to go to
// sleep.
const idleFor = 200 * time.Microsecond

// called returns a Sample that makes calls. open opens the contestant: call returns its answer.
// If idle is set, there is a pause before each call.
func called(open func() (call func(int) int, hangUp func() error, err error), idle bool) func(contest.Plan) (contest.Metrics, error) {
	var waited time.Duration
	sample := contest.Timed(1, func() (contest.Runner, error) {
		call, hangUp, err := open()
		if err != nil {
			return contest.Runner{}, err
		}
		return contest.Runner{
			Do: func(n int) error {
				sum := uint64(0)
				waited = 0
				for i := range n {
					if idle {
						time.Sleep(idleFor)
					}
					start := time.Now()
					sum += uint64(call(i))
					waited += time.Since(start)
				}
				waited /= time.Duration(n)
				return contest.Check("the sum of answers", sum, below(n))
			},
			Close: hangUp,
		}, nil
	})
	return func(plan contest.Plan) (contest.Metrics, error) {
		m, err := sample(plan)
		if err == nil && idle {
			m[contest.Time.Key] = float64(waited.Nanoseconds()) // without the sleep
		}
		return m, err
	}
}

func callTask(open func() closer) func() (func(int) int, func() error, error) {
	return func() (func(int) int, func() error, error) {
		ex := open()
		call, hangUp, err := workloads.CallTask(ex)
		if err != nil {
			return nil, nil, err
		}
		return call, func() error { return errors.Join(hangUp(), ex.Close()) }, nil
	}
}

func callGoroutine() (func(int) int, func() error, error) {
	call, hangUp := workloads.CallGoroutine()
	return call, func() error { hangUp(); return nil }, nil
}

func wakes(idle bool) contest.Discipline {
	inGo := func(name string, role contest.Role, open func() (func(int) int, func() error, error), note string) contest.Contestant {
		return contest.Contestant{Name: name, Lang: "Go", Role: role, Note: note, Sample: called(open, idle)}
	}
	d := contest.Discipline{
		ID: "wake", Group: group, Title: "Woken from outside",
		About: "A goroutine sends a number to one that waits, and waits for it to come back, over channels with room for one. " +
			"The time is of one such call.",
		Metrics: []contest.Metric{contest.Time},
		Contestants: []contest.Contestant{
			inGo("framearena, Pool", contest.Ours, callTask(pool), "a coro.Chan there, a Go channel back"),
			inGo("framearena, Pool of 1 worker", contest.Ours, callTask(pool1), ""),
			inGo("framearena, Inline", contest.Ours, callTask(inline), "the task runs on the goroutine that calls"),
			inGo("goroutine", contest.Peer, callGoroutine, ""),
		},
	}
	if idle {
		d.ID, d.Title = "wake-idle", "Woken from outside, after a pause"
		d.About = "The same, but nothing happens for 200 µs before each call, so that all have gone to sleep. The time is of one call, without the pause."
	}
	return d
}
