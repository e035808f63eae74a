package task

import (
	"context"
	"unsafe"

	"github.com/framearena/framearena/coro"
)

// OnGoroutine runs fn on a goroutine, with a T of its own, and waits until it has returned, whether
// the context ends or not: fn learns of that by its T. It returns what fn has stored in *r. It is how
// a compiled function calls one that is not compiled. A panic of fn is raised again in the caller.
func OnGoroutine[R any](t *T, fn func(t *T, r *R) error) (R, error) {
	var r R
	if !t.s.InTask() {
		err := fn(t, &r)
		return r, err
	}
	t.s.Wait(&unboundCall[R]{fn: fn, ctx: t.Context(), ex: t.s.TaskExecutor()})
	return r, nil
}

// unboundCall is a function that runs on a goroutine while a task waits for it.
type unboundCall[R any] struct {
	fn  func(*T, *R) error
	ctx context.Context
	ex  coro.Executor
}

func (c *unboundCall[R]) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return coro.AwaitGoroutine(f, at, c.run, (*R)(s.Result()))
}

func (c *unboundCall[R]) run() (r R, err error) {
	t := new(T)
	t.s.Context, t.s.Executor = c.ctx, c.ex
	err = c.fn(t, &r)
	return r, err
}

// onSuspension returns fn as a function of what a T consists of.
func onSuspension(fn func(*T) error) func(*coro.Suspension) error {
	return *(*func(*coro.Suspension) error)(unsafe.Pointer(&fn))
}
