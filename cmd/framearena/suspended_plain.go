package main

import (
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// suspended is an activity in plain Go. It takes no address of a, which would then be on the Go heap.
func suspended(t *task.T, a workloads.Activity) error {
	a = filled(a)
	if err := t.Yield(); err != nil {
		return err
	}
	finishOf(a)
	return nil
}

func filled(a workloads.Activity) workloads.Activity {
	a.Fill()
	return a
}

func finishOf(a workloads.Activity) { finish(&a) }
