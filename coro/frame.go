package coro

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
)

// Frame is the memory of one task: a header and the state. It lies in memory that the garbage
// collector does not see. It belongs to its task: only the step function that is running uses
// it, on the worker's goroutine. It is free again once a step function has returned the Step of
// Return or Fail. A step function must not keep the frame, nor the address of its state, after
// it has returned.
type Frame[S, R any] struct {
	// header is not embedded: each instance of Frame would have wrappers of all its methods.
	header header

	// State is the task's captured variables. It begins as the value given to With, Go,
	// Await or Spawn, and keeps its value from step to step.
	State S
}

// At returns the resume point: 0 when the task begins, afterwards the number that the last
// Await, Yield or wait was given.
func (f *Frame[S, R]) At() int { return int(f.header.at & atMask) }

// Err returns the error of what the task last awaited or waited for, or nil if that succeeded.
// It is valid until the step function returns. After a [Yield] it is the cause of the end of
// the tree's context, if that has ended. After a wait it is the reason why the task has not got
// what it waited for. Then further waits are refused too, as a rule, with the same error: a task
// that waits all the same, 1,000 times in a row without another task, a child or a success in
// between, panics.
func (f *Frame[S, R]) Err() error {
	if framecheck.Enabled {
		f.header.mustRun("Err")
	}
	if f.header.at&atFailed == 0 {
		return nil
	}
	return f.header.worker.get().err
}

// Return ends the task with a result. The result goes to the address that the awaiting task has
// given, or to Run, a [Handle] or [OnResult].
func (f *Frame[S, R]) Return(result R) Step {
	if framecheck.Enabled {
		f.header.makesStep("Return")
	}
	if f.header.result != 0 {
		**(**R)(unsafe.Pointer(&f.header.result)) = result
	}
	return f.header.returned()
}

// returned is the Step of Return, after the result is where it belongs.
func (h *header) returned() Step {
	if framecheck.Enabled {
		return Step{next: h.withStep(), op: opReturn}
	}
	return Step{next: h, op: opReturn}
}

// Fail ends the task with an error, which must not be nil. The awaiting task gets it from its
// Err, unchanged.
func (f *Frame[S, R]) Fail(err error) Step {
	if err == nil {
		panic("coro: Fail(nil): use Return to end a task without an error")
	}
	return f.header.fail(err)
}

func (h *header) fail(err error) Step {
	h.makesStep("Fail")
	h.worker.get().err = err
	return Step{next: h.withStep(), op: opFail}
}

// BadResume panics, because the step function has no case for the resume point that At returns.
// It is for the default branch of a switch with a case for each resume point:
//
//	default:
//		return f.BadResume()
func (f *Frame[S, R]) BadResume() Step { return f.header.badResume() }

func (h *header) badResume() Step {
	panic(fmt.Sprintf("coro: task %s has no resume point %d: give its step function a case for each number that it gives to Await or Yield",
		quote(h.kind.get().name), h.at&atMask))
}

// Kind returns the task's kind, for a task that awaits others of its own kind. A task with a
// held part uses [HeldKindOf]: Kind panics.
func (f *Frame[S, R]) Kind() *Kind[S, R] {
	k := f.header.kind.get()
	if k.held != nil {
		panicNeedsHeldKindOf(k)
	}
	return (*Kind[S, R])(unsafe.Pointer(k))
}

func panicNeedsHeldKindOf(k *kind) {
	panic("coro: task " + quote(k.name) + " has a held part: use HeldKindOf in place of Frame.Kind")
}

// Context returns the context that the tree of tasks, or the part of it that the task is in,
// runs with. It is context.Background if there is none.
func (f *Frame[S, R]) Context() context.Context { return f.header.env.context() }

// Yield lets other tasks run, and resumes the task at the resume point at, which must not be
// negative.
func Yield[S, R any](f *Frame[S, R], at int) Step {
	f.header.makesStep("Yield")
	f.header.resumeAt(at)
	return Step{next: f.header.withStep(), op: opYield}
}

// resumeAt sets the resume point and clears the last failure.
func (h *header) resumeAt(at int) {
	if framecheck.Enabled && (at < 0 || at > atMask) {
		panic(fmt.Sprintf("coro: task %s: resume point %d: use a number from 0 to %d", quote(h.kind.get().name), at, atMask))
	}
	h.at = uint32(at) & atMask
}
