package coro

import "fmt"

// PanicError is the error of a task whose step function panicked. The awaiting
// task gets it from Err, as any other error.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine at the panic, as from debug.Stack
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("coro: panic in a step: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value given to panic if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
