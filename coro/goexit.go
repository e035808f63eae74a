package coro

import (
	"reflect"
	"runtime"
	"strings"
)

// A step function that calls runtime.Goexit ends the goroutine that runs it, and
// nothing can stop that. What can be done is done in a deferred function: the task
// fails, and if that leaves something to run, another goroutine relieves the one
// that ends, with the same worker. It in turn may be takenOver, so that a chain
// whose tasks all do this needs no deeper stack than one.
//
// The executor's goroutine waits for its relief before it ends: whoever deferred
// something there, such as to close the executor, finds no task running.

// exited makes the end of the goroutine in a step function a failure of its task.
func (w *Worker) failOnGoexit() {
	if w.current == 0 { // not in a step function, but in an executor or a handler
		w.resumeElsewhere() // if siblings are uncounted
		return
	}
	h, child := w.running()
	err := newPanicError(h, ErrGoexit)
	if child != nil { // it will not begin
		w.discard(child)
	}
	if w.beginCleanup(h, err) {
		w.unfinished = h
	} else {
		w.unfinished = w.finish(h, err)
	}
	w.resumeElsewhere()
}

// resumeElsewhere has another goroutine run what is unfinished, since this one ends, and waits
// for it.
func (w *Worker) resumeElsewhere() {
	if w.unfinished == nil && w.uncounted != 0 {
		w.unfinished = w.countEnded()
	}
	if w.unfinished == nil || w.takenOver != nil {
		return
	}
	w.takenOver = make(chan struct{})
	go w.takeOver()
	<-w.takenOver
	w.takenOver = nil
}

// takeOver runs what a step function that ended its goroutine left to run.
func (w *Worker) takeOver() {
	defer func() {
		if w.unfinished != nil {
			go w.takeOver()
		} else {
			w.owner.Store(0)
			close(w.takenOver)
		}
	}()
	w.SetOwner()
	h := w.unfinished
	w.unfinished = nil
	w.runChain(h)
}

// What functions are called in stacks: stepsRecovering, and how the names of all methods of
// seqLoops begin. They are written by init.
var recoversName, loopsName string

func init() {
	recoversName = runtime.FuncForPC(reflect.ValueOf((*Worker).stepsRecovering).Pointer()).Name()
	loopsName = strings.TrimSuffix(recoversName, "(*Worker).stepsRecovering") + "(*seqLoop["
}

// exiting reports whether the panic that stepsRecovering, or pass of a seqLoop, has just
// recovered came out of a deferred function that a step's Goexit called. Then the Goexit goes
// on all the same, and what the recovering function returns gets to nobody. Only the stack
// says so.
func recoveredInGoexit() bool {
	var pcs [64]uintptr
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			switch name := frame.Function; {
			case name == "runtime.Goexit":
				return true
			case name == recoversName, strings.HasPrefix(name, loopsName) && strings.HasSuffix(name, ").pass"):
				return false // what is beyond is not the step's
			}
		}
	}
}
