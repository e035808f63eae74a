package coro

import (
	"errors"
	"unsafe"

	"github.com/framearena/framearena/internal/goroutine"
)

// Cleanup is the resume point of a task that ends because of a panic, of [runtime.Goexit] or of
// the end of its executor; see [HasCleanup].
const Cleanup = atMask

// ErrLoopEnded is what Err returns at [Cleanup] to a generator whose loop has ended early, and
// to the tasks that the generator awaits.
var ErrLoopEnded = errors.New("coro: the loop over a generator has ended")

// HasCleanup declares that the step function has a case for the resume point [Cleanup]. A task
// resumes there if its step function has panicked or called [runtime.Goexit], or if the
// executor cancels it because the executor is closed. There it gives back what it has, such as
// a lock. Err returns the reason. Like any other step, the step ends the task by Return or
// Fail, and it may also await and wait. But if the task is cancelled, a step that awaits or
// waits is its last.
//
//	case coro.Cleanup:
//		if s.locked {
//			mutex.Unlock()
//		}
//		return f.Fail(f.Err())
//
// A task that is cancelled before it has begun resumes there too: its state should tell what it
// has to give back. A task that has been given what it waited for, and is cancelled before it
// could resume, runs one step at its own resume point first. A task resumes at Cleanup once:
// another panic ends it.
//
// The end of a context, a timeout or a group is not among the reasons. It wakes a task that
// waits, which resumes at its own resume point.
func HasCleanup() KindOption { return func(k *kind) { k.hasCleanup = true } }

// beginCleanup makes Cleanup the resume point of h, whose task would end with err, if its kind
// has a step for that and has not begun it. It reports whether it did. Then w's next step must
// be that of h.
func (w *Worker) beginCleanup(h *header, err error) bool {
	if !h.kind.get().hasCleanup || h.at&atMask == Cleanup {
		return false
	}
	h.at = Cleanup | atFailed
	w.err = err
	w.refusals = 0
	w.current = 0
	return true
}

// runCleanup runs the last steps of h, whose task is being cancelled with err, if its kind has
// a cleanup step. It returns the error that the task ends with. A task that was given what it
// waited for, such as a lock, runs the step for that first: otherwise it would not know that it
// has something to give back.
func (w *Worker) runCleanup(h *header, err error) error {
	h.unstamp()
	if !h.kind.get().hasCleanup || h.at&atMask == Cleanup {
		return err
	}
	if h.layout&flagWoken != 0 {
		w.takeOutcome(h)
		_, ended, ends := w.stepAlone(h, err)
		if ended {
			return ends
		}
		err = ends
	}
	w.beginCleanup(h, err)
	_, _, ends := w.stepAlone(h, err)
	return ends
}

// stepAlone runs one step of h, whose task is being cancelled with err. If the step ends the
// task, ended is true and ends is the task's error. Otherwise ends is err, or the step's panic, and
// waits is the frame that would wait: that of h or, of compiled functions, of one that h's has called.
// The step has a goroutine of its own, which it may end: the canceller has more tasks to
// cancel. To [Worker.IsOwner] and its like, it is the canceller's. A child that the step awaits is discarded.
func (w *Worker) stepAlone(h *header, err error) (waits *header, ended bool, ends error) {
	goroutine.Elsewhere(func() {
		ends = err
		exits := true
		defer func() {
			v := recover()
			if v == nil && exits || IsExit(v) {
				v = ErrGoexit
			}
			if v != nil {
				ends, ended = newPanicError(h, v), false
			}
			if _, child := w.running(); child != nil { // it will not begin
				w.discard(child)
			}
			if w.suspension.Suspended() { // a deferred call of a compiled function waits
				w.suspension.abandon()
			}
			w.current, w.err, w.args.on = 0, nil, nil
			w.args.cases.abandon() // it will not wait
		}()
		h.worker.set(w)
		w.current = uintptr(unsafe.Pointer(h))
		s := h.kind.get().step(h)
		if w.current&currentIsChild == 0 && w.current != uintptr(unsafe.Pointer(s.next)) {
			panic(w.foreignStep(s))
		}
		switch s.op {
		case opReturn:
			ends, ended = nil, true
		case opFail:
			ends, ended = w.err, true
		case opAwait:
			waits = s.next.parent.get()
		default:
			waits = s.next.withoutStep()
		}
		exits = false
	})
	return waits, ended, ends
}
