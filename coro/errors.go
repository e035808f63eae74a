package coro

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrGoexit is the Value of the [PanicError] of a task whose step function called
// [runtime.Goexit], as FailNow of a test does.
var ErrGoexit = errors.New("coro: runtime.Goexit in a step")

// PanicError is the error of a task whose step function panicked or called [runtime.Goexit].
// The awaiting task gets it from Err, like any other error.
type PanicError struct {
	Value     any       // the argument of panic, or ErrGoexit
	Stack     []byte    // the goroutine's stack at the panic, as from debug.Stack
	Backtrace Backtrace // the tasks from the one whose step it was to its root

	exit *PanicError // the Goexit during which a compiled function has panicked, or nil
}

// newPanicError returns the error of h's task, whose step panicked with v. It is called while
// the panic's stack is still there, in a deferred function.
func newPanicError(h *header, v any) *PanicError {
	return &PanicError{Value: v, Stack: debug.Stack(), Backtrace: h.backtrace()}
}

// Error returns a text of many lines: the value, the tasks, the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("%s\n\ntasks, the innermost first:\n%s\n%s", e.what(), e.Backtrace, e.Stack)
}

// Unwrap returns the value if that is an error, and nil otherwise.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
