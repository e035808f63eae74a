package executor

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"

	"github.com/framearena/framearena/internal/goroutine"
)

// ErrInStep is the error of Close and Drain when they are called in a step function, also in a
// cleanup step, or in an error handler, of the executor's own tasks: they would wait for their own caller. Another
// goroutine may call them.
var ErrInStep = errors.New("executor: called in a step or a handler of the executor's own tasks, which would have to end first")

// inStep returns the error of a method that was called in a step.
func inStep(method string) error {
	return fmt.Errorf("%w: call %s on another goroutine", ErrInStep, method)
}

// onStack reports whether the calling goroutine, or one that waits for it as for a cleanup step,
// is inside of a call of the method with this name, as methodName returns it.
func onStack(method string) bool {
	return goroutine.Ask(func() bool { return onOwnStack(method) })
}

// onOwnStack is onStack for the calling goroutine alone.
func onOwnStack(method string) bool {
	var pcs [64]uintptr
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var frame runtime.Frame
			if frame, more = frames.Next(); frame.Function == method {
				return true
			}
		}
	}
}

// methodName returns the name that a method, given as a method expression, has in stacks.
func methodName(method any) string {
	return runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()
}
