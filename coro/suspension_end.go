package coro

// The end of an executor is runtime.Goexit at the point where a compiled function waits. So a task
// that is cancelled runs its deferred calls: the canceller calls the step form of each of its
// functions that has some, innermost first, and ChildErr, with which the step form learns how its
// wait has ended, calls Goexit. A deferred call that waits meanwhile ends there.

// endCompiled runs what is left to run of h, whose function is compiled and whose task is being
// cancelled with err. If the function was given what it waited for, it goes on until it waits again:
// otherwise it would not know that it has something to give back. endCompiled returns the innermost
// frame then, h or that of a function that h's has called, and the error that it ends with.
func (w *Worker) endCompiled(h *header, err error) (*header, error) {
	for h.layout&flagWoken != 0 {
		h.unstamp()
		w.takeOutcome(h)
		waits, ended, ends := w.stepAlone(h, err)
		if ended || waits == nil {
			return h, ends
		}
		h = waits
	}
	h.unstamp()
	if k := h.kind.get(); !k.hasCleanup || h.at&atMask == 0 {
		return h, err
	}
	h.at |= atFailed
	w.err = err
	w.suspension.ending = true
	_, _, ends := w.stepAlone(h, err)
	w.suspension.ending = false
	if p, ok := ends.(*PanicError); ok && p.Value == ErrGoexit {
		ends = err
	}
	return h, ends
}
