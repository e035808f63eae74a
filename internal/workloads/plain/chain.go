// Package plain has the workloads of this project as plain Go functions for package task. Package
// workloads has the same ones in steps written by hand, with the same results.
package plain

import (
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// Chain is the seed's benchmark: a loop of so many iterations, which calls a chain of functions, four
// deep. In each iteration 45 leaves add to workloads.ChainLeaves, and 66 functions are called. The
// leaves whose number every divides yield; none does if that is 0.
func Chain(t *task.T, iterations, every int) error {
	for range iterations {
		if err := depth1(t, every); err != nil {
			return err
		}
	}
	return nil
}

func depth1(t *task.T, every int) error {
	for range 5 {
		if err := depth2(t, every); err != nil {
			return err
		}
	}
	return nil
}

func depth2(t *task.T, every int) error {
	for range 3 {
		if err := depth3(t, every); err != nil {
			return err
		}
	}
	return nil
}

func depth3(t *task.T, every int) error {
	for range 3 {
		if err := leaf(t, every); err != nil {
			return err
		}
	}
	return nil
}

func leaf(t *task.T, every int) error {
	if workloads.LeafYields(every) {
		return t.Yield()
	}
	return nil
}
