package coro

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrGoexit is the value of the [PanicError] of a task whose step function called
// [runtime.Goexit], as the FailNow of a test does.
var ErrGoexit = errors.New("coro: runtime.Goexit in a step")

// PanicError is the error of a task whose step function panicked or called
// [runtime.Goexit]. The awaiting task gets it from Err, as any other error.
type PanicError struct {
	Value     any       // what was given to panic, or ErrGoexit
	Stack     []byte    // of the goroutine at the panic, as from debug.Stack
	Backtrace Backtrace // from the task whose step it was to its root
}

func newPanicError(h *header, v any) *PanicError {
	return &PanicError{Value: v, Stack: debug.Stack(), Backtrace: h.backtrace()}
}

// Error returns a text of many lines: the value, the tasks, the stack.
func (e *PanicError) Error() string {
	what := fmt.Sprintf("coro: panic in a step: %v", e.Value)
	if e.Value == error(ErrGoexit) {
		what = ErrGoexit.Error()
	}
	return fmt.Sprintf("%s\n\ntasks, the innermost first:\n%s\n%s", what, e.Backtrace, e.Stack)
}

// Unwrap returns the value given to panic if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
