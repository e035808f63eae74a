package coro

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
)

// Frame is the memory of one task: a header and the captured state. It lies in
// memory that the collector does not see, belongs to its task, and is gone once
// a step function has returned the step made by Return or Fail. A step function
// must not keep it, nor the address of its state, beyond its own return.
type Frame[S, R any] struct {
	header

	// State is the task's captured variables. It begins as given to With, Go or
	// Await and keeps its value from step to step.
	State S
}

// At returns the resume point: 0 when the task begins, afterwards the number
// that the last Await, Yield or wait was given.
func (f *Frame[S, R]) At() int { return int(f.at & atMask) }

// Err returns why what the task last awaited failed, or nil if it did not. It is
// right until the step function returns. After a Yield it is the error of the
// context that the tree of tasks was run with, if that has ended; after a wait it
// is why the task has not got what it waited for.
func (f *Frame[S, R]) Err() error {
	if framecheck.Enabled {
		f.mustRun("Err")
	}
	if f.at&atFailed == 0 {
		return nil
	}
	return f.worker.get().err
}

// Return ends the task with a result, which goes to where the awaiting task, or
// Run, wants it.
func (f *Frame[S, R]) Return(result R) Step {
	if framecheck.Enabled {
		f.mustRun("Return")
	}
	if f.result != 0 {
		**(**R)(unsafe.Pointer(&f.result)) = result
	}
	return Step{next: &f.header, op: opReturn}
}

// Fail ends the task with an error: that of the awaiting task's Err, as it is.
// The error must not be nil.
func (f *Frame[S, R]) Fail(err error) Step {
	if err == nil {
		panic("coro: Fail(nil): use Return to end a task without an error")
	}
	f.mustRun("Fail")
	f.worker.get().err = err
	return Step{next: &f.header, op: opFail}
}

// BadResume panics, because the step function does not know the resume point that
// At says: it is for the default branch of a switch that has a case for each.
//
//	default:
//		return f.BadResume()
func (f *Frame[S, R]) BadResume() Step {
	panic(fmt.Sprintf("coro: task %s has no resume point %d: give its step function a case for each number that it gives to Await or Yield",
		quote(f.kind.get().name), f.At()))
}

// Kind returns the task's kind, for a task that awaits others of its own kind. A
// task with a held part uses [HeldKindOf].
func (f *Frame[S, R]) Kind() *Kind[S, R] {
	k := f.kind.get()
	if k.held != nil {
		panicNeedsHeldKindOf(k)
	}
	return (*Kind[S, R])(unsafe.Pointer(k))
}

func panicNeedsHeldKindOf(k *kind) {
	panic("coro: task " + quote(k.name) + " has a held part: use HeldKindOf in place of Frame.Kind")
}

// Context returns the context that the tree of tasks was run with;
// context.Background if there was none.
func (f *Frame[S, R]) Context() context.Context { return f.env.get().context() }

// Yield lets other tasks run and goes on at the resume point at, which is not
// negative.
func Yield[S, R any](f *Frame[S, R], at int) Step {
	f.mustRun("Yield")
	f.resumeAt(at)
	return Step{next: &f.header, op: opYield}
}

// resumeAt sets the resume point and forgets the last failure.
func (h *header) resumeAt(at int) {
	if framecheck.Enabled && (at < 0 || at > atMask) {
		panic(fmt.Sprintf("coro: task %s: resume point %d: use a number from 0 to %d", quote(h.kind.get().name), at, atMask))
	}
	h.at = uint32(at) & atMask
}
