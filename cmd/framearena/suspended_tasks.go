package main

import (
	"fmt"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// onDemand is an executor that runs tasks only in calls of runQueued. Until then they
// are in its queue: they are suspended, and cost nothing but their frames. It belongs to
// one goroutine, which also runs the tasks.
type onDemand struct {
	env    *coro.Environment
	worker *coro.Worker
	queue  coro.RunQueue
}

func newOnDemand(a *arena.Arena) *onDemand {
	e := &onDemand{worker: coro.NewWorker(a)}
	e.env = coro.NewEnvironment(e, a, nil)
	return e
}

func (e *onDemand) Post(t coro.Runnable) error {
	e.queue.Push(t)
	return nil
}

func (e *onDemand) Environment() *coro.Environment { return e.env }

// runQueued runs each task that is in the queue when it is called, until the task yields
// or ends.
func (e *onDemand) runQueued() {
	for range e.queue.Len() {
		t, _ := e.queue.Pop()
		e.worker.Run(t)
	}
}

// suspendedTask is an activity as a task.
var suspendedTask = coro.Define("activity", func(f *coro.Frame[workloads.Activity, none]) coro.Step {
	if f.At() == 0 {
		f.State.Fill()
		return coro.Yield(f, 1)
	}
	finish(&f.State)
	return f.Return(none{})
})

// taskCrowd is a crowd of tasks.
type taskCrowd struct {
	arena    *arena.Arena
	executor *onDemand
	launch   func(ex coro.Executor, a workloads.Activity) error
}

func newTaskCrowd() (crowd, error) {
	return newTaskCrowdOf(func(ex coro.Executor, a workloads.Activity) error { return coro.Go(ex, suspendedTask, a) })
}

// newPlainCrowd returns a crowd of compiled functions in plain Go.
func newPlainCrowd() (crowd, error) {
	return newTaskCrowdOf(func(ex coro.Executor, a workloads.Activity) error {
		return task.Go(ex, task.Do1(suspended, a), task.RequireCompiled())
	})
}

func newTaskCrowdOf(launch func(ex coro.Executor, a workloads.Activity) error) (crowd, error) {
	a, err := arena.New()
	if err != nil {
		return nil, err
	}
	return &taskCrowd{a, newOnDemand(a), launch}, nil
}

func (c *taskCrowd) create(n int) error {
	for id := range n {
		if err := c.launch(c.executor, workloads.Activity{ID: uint64(id) + 1}); err != nil {
			return fmt.Errorf("task %d: %w", id+1, err)
		}
	}
	c.executor.runQueued()
	return nil
}

func (c *taskCrowd) finish() { c.executor.runQueued() }

func (c *taskCrowd) mapped() uintptr { return c.arena.Stats().MappedBytes }

func (c *taskCrowd) close() error {
	c.executor.worker.Close()
	return c.arena.Close()
}
