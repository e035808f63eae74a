package coro

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/framearena/framearena/internal/goroutine"
)

// A step function that calls runtime.Goexit ends the goroutine that runs it, and
// nothing can stop that. The rest happens in a deferred function: the task fails and,
// if something is left to run, another goroutine takes the worker over and runs it. A
// third one may take over from the second, so that a chain whose tasks all call Goexit
// needs no deeper stack than one task.
//
// The executor's goroutine waits until nothing is left to run, and ends then. So
// functions that it has deferred, which may close the executor, find no task running.

// failOnGoexit makes the end of the goroutine in a step function fail the step's task, and has
// another goroutine run what is left. It is called in a deferred function of the goroutine that
// ends.
func (w *Worker) failOnGoexit() {
	if w.current == 0 { // in an executor or a handler
		w.resumeElsewhere() // if children are uncounted
		return
	}
	h, child := w.running()
	err := w.panicError(h, ErrGoexit)
	if child != nil { // it will not begin
		w.discard(child)
	}
	if !h.kind.get().compiled && w.beginCleanup(h, err) {
		w.unfinished = h
	} else {
		w.unfinished = w.finish(h, err)
	}
	w.resumeElsewhere()
}

// resumeElsewhere has another goroutine run what is unfinished, and waits until nothing is left
// to run. If the calling goroutine has itself taken over, the one that waits for it starts the
// next one.
func (w *Worker) resumeElsewhere() {
	if w.unfinished == nil && w.uncounted != 0 {
		w.unfinished = w.countEnded()
	}
	if w.unfinished == nil || w.takenOver {
		return
	}
	w.takenOver = true
	for w.unfinished != nil {
		goroutine.Elsewhere(w.takeOver)
	}
	w.takenOver = false
}

// takeOver runs what a step function that ended its goroutine has left to run. Its goroutine is
// the owner of w until it ends.
func (w *Worker) takeOver() {
	defer w.owner.Store(0)
	w.SetOwner()
	h := w.unfinished
	w.unfinished = nil
	w.runChain(h)
}

// recoversName is the name of stepsRecovering in stacks, loopsName the beginning of the names
// of all methods of seqLoops. init writes them.
var recoversName, loopsName string

func init() {
	recoversName = runtime.FuncForPC(reflect.ValueOf((*Worker).stepsRecovering).Pointer()).Name()
	loopsName = strings.TrimSuffix(recoversName, "(*Worker).stepsRecovering") + "(*seqLoop["
}

// recoveredInGoexit reports whether the panic that the caller has just recovered came out of a
// deferred function which a step's Goexit had called. Then the Goexit continues after the
// recovery, and what the caller returns is lost. Only the stack shows it. The callers are
// stepsRecovering and pass of a seqLoop.
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
