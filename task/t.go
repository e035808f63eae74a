package task

import (
	"context"

	"github.com/framearena/framearena/coro"
)

// T is what a task function gets as its first parameter, and passes on to the functions that it
// calls: by it they wait. It belongs to the call: a function must not store it, return it, give it
// to another goroutine, or use it after it has returned.
type T struct {
	s coro.Suspension // the only field: generated code takes a *T for a *coro.Suspension
}

// Context returns the context that the task runs with. It is context.Background if there is none.
func (t *T) Context() context.Context {
	if !t.s.InTask() {
		return t.s.Context
	}
	return t.s.TaskContext()
}

// Err returns nil, or the cause why the task should end: its context has ended.
func (t *T) Err() error {
	if !t.s.InTask() {
		return context.Cause(t.s.Context)
	}
	return t.s.TaskErr()
}
