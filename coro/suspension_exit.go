package coro

// runtime.Goexit in compiled functions. Where a task function calls it, it is compiled to a wait for an
// operation that fails with a [PanicError] of [ErrGoexit]. So the functions that have called it have
// frames, and each ends in a step of its own: its deferred calls may wait, and a function that has begun
// it as a child of a group goes on. A step form that learns of the failure panics with a value that is
// nobody's, exiting; [IsExit] tells it from panics of the user, and nothing of the user sees it.
//
// A Goexit that a function calls which is no task function ends the goroutine, as far as it belongs to the
// worker, and with it all functions that are called in place at that moment.

import "runtime/debug"

// exiting is what a step form panics with that ends by a Goexit of a function that it has called.
var exiting = new(exitSignal)

type exitSignal struct{ _ byte }

// IsExit reports whether v, which was recovered, is no panic but a Goexit.
func IsExit(v any) bool { return v == any(exiting) }

// Exit makes the function that runs, which is in a task, wait for an operation that ends it and those that
// have called it. Its caller must return at once.
func (s *Suspension) Exit() {
	s.Wait(&exit{&PanicError{Value: ErrGoexit, Stack: debug.Stack()}})
}

// exit is the operation of Exit.
type exit struct{ err *PanicError }

func (e *exit) Enter(_ *Suspension, f AnyFrame, at int) Step {
	return AwaitCall(f, at, exitKind.With(struct{}{}, e), nil)
}

// exitKind is the kind of frames that fail with the error of a Goexit.
var exitKind = DefineHeld("runtime.Goexit", func(f *Frame[struct{}, struct{}], e **exit) Step {
	err := (*e).err
	err.Backtrace = f.header.backtrace()
	return f.header.exit(err)
})

// DuringExit notes that the panic p has begun while its function was ending by a Goexit, which goes on if
// the panic is recovered. It returns p.
func DuringExit(p, exit *PanicError) *PanicError {
	p.exit = exit
	return p
}

// ExitOf returns the Goexit during which p has begun, or nil.
func ExitOf(p *PanicError) *PanicError {
	if p == nil {
		return nil
	}
	return p.exit
}

// EndByExit ends the task of f, which [IsExit] has told of a Goexit. err is what AfterPanic has returned
// then.
func EndByExit(f AnyFrame, err *PanicError) Step { return f.anyFrame().exit(err) }

// exit ends the task of h with the error of a Goexit, which passes to the functions that have called it.
func (h *header) exit(err *PanicError) Step {
	h.worker.get().passing = err
	return h.fail(err)
}
