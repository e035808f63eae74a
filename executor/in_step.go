package executor

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/internal/goroutine"
)

// ErrInStep is the error of Close and Drain when they are called in a step function, or in
// an error handler, of the executor's own tasks: they would wait for what calls them. Another
// goroutine may call them.
var ErrInStep = errors.New("executor: called in a step or a handler of the executor's own tasks, which would have to end first")

func inStep(method string) error {
	return fmt.Errorf("%w: call %s on another goroutine", ErrInStep, method)
}

// closing is the one closing of an executor. Any goroutine may use it.
type closing struct {
	once sync.Once

	// by is the goroutine that closes, while one does; 0 otherwise. It is written by that,
	// and at the end by the first.
	by atomic.Uint64
}

// do calls f, if nobody has, and waits until that has returned. The error is that of the
// call. It must not be called by f, which calls handlers: see closes. If one of these panics
// or ends the goroutine, f is called again before that happens: what it has done it does not
// do twice.
func (c *closing) do(f func() error) (err error) {
	c.once.Do(func() {
		returned := false
		defer c.by.Store(0)
		defer func() {
			for !returned {
				c.callElsewhere(func() {
					_ = f()
					returned = true
				})
			}
		}()
		c.by.Store(goroutine.ID())
		err = f()
		returned = true
	})
	return err
}

// relieve calls f on a goroutine that it may end, and returns then.
func (c *closing) callElsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.by.Store(goroutine.ID())
		f()
	}()
	<-done
}

// closes reports whether the calling goroutine is the one that closes.
func (c *closing) byCaller() bool {
	by := c.by.Load()
	return by != 0 && by == goroutine.ID()
}

// runs reports whether the calling goroutine is inside of a call of the method with this
// name, as nameOf returns it.
func onStack(method string) bool {
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

// nameOf returns the name that a method expression has in stacks.
func methodName(method any) string {
	return runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()
}
