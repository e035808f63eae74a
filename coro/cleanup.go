package coro

import (
	"errors"
	"unsafe"
)

// Cleanup is the resume point of a task that would end without its own doing; see
// [HasCleanup].
const Cleanup = atMask

// ErrLoopEnded is what Err says at [Cleanup] to a generator, and to what it awaits, whose
// loop has ended early.
var ErrLoopEnded = errors.New("coro: the loop over a generator has ended")

// HasCleanup says that the step function has a case for the resume point [Cleanup]. There
// goes on a task whose step function has panicked or called [runtime.Goexit], and one that
// the executor cancels because it is closed, so that it can give back what it has, such as
// a lock. Err says why. Like any other step it ends the task by Return or Fail; it may also
// await and wait, except when the task is cancelled: then a step that does is the last.
//
//	case coro.Cleanup:
//		if s.locked {
//			mutex.Unlock()
//		}
//		return f.Fail(f.Err())
//
// A task that is cancelled before it has begun goes there too: what it has to give back
// should be seen from its state. One that has been given what it waited for, and is
// cancelled before it could go on, goes on there first, for one step. A task goes there once; another panic ends it.
//
// The end of a context, a timeout or a group is not among the reasons: it wakes a task that
// waits, and the task goes on where it would have.
func HasCleanup() KindOption { return func(k *kind) { k.hasCleanup = true } }

// beginCleanup reports whether the task of h, which would end with err, goes on at Cleanup
// instead. If so, w's next step must be that one.
func (w *Worker) beginCleanup(h *header, err error) bool {
	if !h.kind.get().hasCleanup || h.at&atMask == Cleanup {
		return false
	}
	h.at = Cleanup | atFailed
	w.err = err
	w.current = 0
	return true
}

// runCleanup gives the task of h, which is being cancelled with err, its last steps, if its
// kind has a case for that, and returns the error that the task ends with. A task that was
// given what it waited for, such as a lock, goes on there first: else it could not know
// that it has something to give back.
func (w *Worker) runCleanup(h *header, err error) error {
	if !h.kind.get().hasCleanup || h.at&atMask == Cleanup {
		return err
	}
	if h.layout&flagWoken != 0 {
		w.takeOutcome(h)
		ends, ended := w.stepAlone(h, err)
		if ended {
			return ends
		}
		err = ends
	}
	w.beginCleanup(h, err)
	ends, _ := w.stepAlone(h, err)
	return ends
}

// stepAlone calls the step function of h, whose task is being cancelled with err. If that
// does not end the task, it returns err, or the step's panic. The step has a goroutine of
// its own, which it may end: whoever cancels has more to cancel.
func (w *Worker) stepAlone(h *header, err error) (ends error, ended bool) {
	done := make(chan struct{})
	go func() {
		ends = err
		exits := true
		defer func() {
			v := recover()
			if v == nil && exits {
				v = ErrGoexit
			}
			if v != nil {
				ends, ended = newPanicError(h, v), false
			}
			if _, child := w.running(); child != nil { // it will not begin
				w.discard(child)
			}
			w.current, w.err, w.args.on = 0, nil, nil
			w.args.cases.abandon() // it will not wait
			close(done)
		}()
		h.worker.set(w)
		w.current = uintptr(unsafe.Pointer(h))
		s := h.kind.get().step(h)
		if w.current&currentIsChild == 0 && s.next != h {
			panic(w.foreignStep(s))
		}
		switch s.op {
		case opReturn:
			ends, ended = nil, true
		case opFail:
			ends, ended = w.err, true
		}
		exits = false
	}()
	<-done
	return ends, ended
}
