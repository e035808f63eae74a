package checker

import (
	"context"
	"errors"

	"github.com/framearena/framearena/coro"
)

// Tasks launches a task for each target, which checks it until ctx ends. The tasks are roots of
// ex: draining ex waits for them.
func (c *Checker) Tasks(ctx context.Context, ex coro.Executor, targets []string) error {
	permits := coro.NewSemaphore(c.Parallel)
	launch := coro.RunAsync(ex, coro.Context(ctx))
	for _, target := range targets {
		if err := launch(watch.With(watching{}, watched{checker: c, permits: permits, target: target})); err != nil {
			return err
		}
	}
	return nil
}

// watching is the state of watch.
type watching struct{ permit bool } // the task has a permit

// watched is the held part of watch, on the Go heap: it holds pointers.
type watched struct {
	checker *Checker
	permits *coro.Semaphore
	target  string
}

// These are the resume points of watch. Each check begins at 0.
const (
	atPermit = iota + 1
	atAnswer
)

// watch checks a target again and again.
var watch = coro.DefineHeld("watch", func(f *coro.Frame[watching, none], held *watched) coro.Step {
	s, c := &f.State, held.checker
	switch f.At() {
	case 0:
		if f.Err() != nil { // the sleep was cut short
			return f.Return(none{})
		}
		return held.permits.Acquire(f, atPermit, 1)
	case atPermit:
		if f.Err() != nil { // there is no permit
			return f.Return(none{})
		}
		s.permit = true
		return coro.AwaitCall(f, atAnswer, check.With(none{}, checked{c, held.target}), nil, coro.Timeout(c.Timeout))
	case atAnswer:
		s.release(held)
		if errors.Is(f.Err(), context.Canceled) {
			return f.Return(none{})
		}
		c.Board.Set(held.target, f.Err())
		return coro.Sleep(f, 0, c.Interval)
	case coro.Cleanup:
		s.release(held)
		return f.Fail(f.Err())
	default:
		return f.BadResume()
	}
}, coro.HasCleanup())

// release gives the permit back, if the task has one.
func (s *watching) release(held *watched) {
	if s.permit {
		s.permit = false
		held.permits.Release(1)
	}
}

// checked is the held part of check.
type checked struct {
	checker *Checker
	target  string
}

// check is one check. It is a task of its own because only a child can have a timeout.
var check = coro.DefineHeld("check", func(f *coro.Frame[none, none], held *checked) coro.Step {
	switch f.At() {
	case 0:
		// The function may outlive the task, so it has copies of what it needs. Its context
		// ends with the timeout.
		ctx, c, target := f.Context(), held.checker, held.target
		return coro.Blocking(f, 1, func() (none, error) { return none{}, c.get(ctx, target) }, nil)
	case 1:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	default:
		return f.BadResume()
	}
})

type none = struct{}
