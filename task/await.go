package task

import (
	"github.com/framearena/framearena/coro"
)

// Await runs a task of a kind that was written by hand, and waits until it has ended: it is how a task
// function calls a step function. The task is a child of the function: it has the function's context
// and, if the function is compiled, its executor's worker and its allocator. A panic of the task is
// an error, a [*coro.PanicError], as between step functions.
func Await[R any](t *T, call coro.Call[R]) (R, error) { return wait[R](t, call.Stage(&t.s)) }

// AwaitStep runs a task function as a child of the task of f, and resumes that at the resume point at
// when the function has returned: it is how a step function calls a task function. The result goes to
// *result, which must lie in f's state or held part, or nowhere if result is nil; f.Err gives the
// error. It is to be returned at once, like [coro.Await].
func AwaitStep[R any](f coro.AnyFrame, at int, c Call[R], result *R, opts ...coro.ChildOption) coro.Step {
	call, _ := c.forLaunch(nil)
	return coro.AwaitCall(f, at, call, result, opts...)
}
