package task

import (
	"context"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// Timeout calls fn with the time d: when that has passed, what fn waits for ends with
// [context.DeadlineExceeded], and its context has ended. Timeout returns fn's error.
func Timeout(t *T, d time.Duration, fn func(*T) error) error {
	if t.s.InTask() {
		fn = startOf(fn)
	}
	return TimeoutInPlace(t, d, fn)
}

// TimeoutInPlace is [Timeout] for the start form of a function, which does not escape. It is for generated code.
func TimeoutInPlace(t *T, d time.Duration, start func(*T) error) error {
	if !t.s.InTask() {
		ctx, cancel := context.WithTimeout(t.s.Context, d)
		defer cancel()
		return callWith(t, ctx, start)
	}
	return inScope(t, start, coro.Timeout(d))
}

// Deadline is [Timeout] with a point in time.
func Deadline(t *T, at time.Time, fn func(*T) error) error {
	if t.s.InTask() {
		fn = startOf(fn)
	}
	return DeadlineInPlace(t, at, fn)
}

// DeadlineInPlace is [Deadline] for the start form of a function, which does not escape. It is for generated code.
func DeadlineInPlace(t *T, at time.Time, start func(*T) error) error {
	if !t.s.InTask() {
		ctx, cancel := context.WithDeadline(t.s.Context, at)
		defer cancel()
		return callWith(t, ctx, start)
	}
	return inScope(t, start, coro.Deadline(at))
}

// Shield calls fn, and what ends the caller's context does not end fn's. Its values stay.
func Shield(t *T, fn func(*T) error) error {
	if t.s.InTask() {
		fn = startOf(fn)
	}
	return ShieldInPlace(t, fn)
}

// ShieldInPlace is [Shield] for the start form of a function, which does not escape. It is for generated code.
func ShieldInPlace(t *T, start func(*T) error) error {
	if !t.s.InTask() {
		return callWith(t, context.WithoutCancel(t.s.Context), start)
	}
	return inScope(t, start, coro.Shield())
}

// WithAllocator calls fn, and makes frames of what fn calls with m, a custom allocator.
func WithAllocator(t *T, m arena.FrameAllocator, fn func(*T) error) error {
	if t.s.InTask() {
		fn = startOf(fn)
	}
	return WithAllocatorInPlace(t, m, fn)
}

// WithAllocatorInPlace is [WithAllocator] for the start form of a function, which does not escape. It is for
// generated code.
func WithAllocatorInPlace(t *T, m arena.FrameAllocator, start func(*T) error) error {
	if !t.s.InTask() {
		return start(t)
	}
	return inScope(t, start, coro.Allocator(m))
}

// callWith calls fn on the calling goroutine, with the context ctx.
func callWith(t *T, ctx context.Context, fn func(*T) error) error {
	inner := &T{}
	inner.s.Context, inner.s.Executor = ctx, t.s.Executor
	return fn(inner)
}

// inScope calls a start form in place, in a scope with the given option.
func inScope(t *T, start func(*T) error, option coro.ChildOption) error {
	scope := t.s.OpenScope(option)
	defer t.s.CloseScope(scope)
	return start(t)
}

// OnExecutor calls fn on another executor, and the caller waits. fn's context is the caller's.
func OnExecutor(t *T, ex coro.Executor, fn func(*T) error) error {
	if !t.s.InTask() {
		inner := &T{}
		inner.s.Context, inner.s.Executor = t.s.Context, ex
		return fn(inner)
	}
	t.s.Wait(&executorCall{ex, startOf(fn)})
	return nil
}

type executorCall struct {
	ex    coro.Executor
	start func(*T) error
}

func (c *executorCall) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return coro.AwaitStartOn(f, at, c.ex, onSuspension(c.start))
}
