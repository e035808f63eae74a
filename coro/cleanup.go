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
// should be seen from its state. A task goes there once; another panic ends it.
//
// The end of a context, a timeout or a group is not among the reasons: it wakes a task that
// waits, and the task goes on where it would have.
func HasCleanup() KindOption { return func(k *kind) { k.cleanup = true } }

// needsCleanup reports whether the task of h, which would end with err, goes on at Cleanup
// instead. If so, w's next step must be that one.
func (w *Worker) needsCleanup(h *header, err error) bool {
	if !h.kind.get().cleanup || h.at&atMask == Cleanup {
		return false
	}
	h.at = Cleanup | atFailed
	w.err = err
	w.current = 0
	return true
}

// cleanUp calls the step function of h, whose task is being cancelled with err, if it has a
// case for that, and returns the error that the task ends with. The step has a goroutine of
// its own, which it may end: whoever cancels has more to cancel.
func (w *Worker) cleanUp(h *header, err error) error {
	if !w.needsCleanup(h, err) {
		return err
	}
	done := make(chan error)
	go func() {
		ends := err
		exits := true
		defer func() {
			v := recover()
			if v == nil && exits {
				v = ErrGoexit
			}
			if v != nil {
				ends = newPanicError(h, v)
			}
			if _, child := w.running(); child != nil { // it will not begin
				w.discard(child)
			}
			w.current, w.err, w.parkOn = 0, nil, nil
			done <- ends
		}()
		ends = w.cleanupStep(h, err)
		exits = false
	}()
	return <-done
}

// cleanupStep calls the step function of h and returns the error that the task ends with.
func (w *Worker) cleanupStep(h *header, err error) error {
	h.worker.set(w)
	w.current = uintptr(unsafe.Pointer(h))
	s := h.kind.get().step(h)
	if w.current&currentIsChild == 0 && s.next != h {
		panic(w.foreignStep(s))
	}
	switch s.op {
	case opReturn:
		return nil
	case opFail:
		return w.err
	}
	return err
}
