package coro

import (
	"unsafe"
)

// steps is the step loop: it runs h and what follows from it until there is
// nothing more to run.
//
// It keeps nothing but w across the call of a step function: h comes back in the
// Step, in a register, and not from current, which all that follows would have to wait
// for. (In BenchmarkChain the two were too close to tell apart; this one is simpler.)
// What else the loop costs is counted in stores,
// since a step that uses an atomic waits until all stores before it are done, and
// a parent's worker is stored without a look whether it changed, because looking
// costs more than storing. docs/tasks-internals.md says how to measure.
func (w *Worker) steps(h *header) {
	h.worker.set(w)
	for {
		w.current = uintptr(unsafe.Pointer(h))
		s := h.kind.get().step(h)
		if s.op == opAwait {
			if w.current != uintptr(unsafe.Pointer(s.next))|currentIsChild {
				panic(w.foreignStep(s)) // here, so that nothing is kept for after the call
			}
			if w.preempt.Load() == 0 {
				h = s.next
				continue
			}
			if h = w.giveWay(s.next); h == nil {
				return
			}
			continue
		}
		if w.current != uintptr(unsafe.Pointer(s.next)) {
			panic(w.foreignStep(s))
		}
		h = s.next
		if s.op == opReturn {
			parent := h.parent.get()
			switch h.layout & flagMask {
			case flagElided:
				h = parent
				h.worker.set(w)
				continue
			case 0:
				if w.cache.TryDeallocateAt(unsafe.Pointer(h), h.kind.get().place) {
					h = parent
					h.worker.set(w)
					continue
				}
			}
			if h.layout&flagMask == flagSpawned {
				h = w.endSpawned(h)
			} else {
				h = w.finish(h, nil)
			}
			if h == nil {
				if h = w.nextLocal(); h == nil {
					return
				}
			}
			h.worker.set(w)
			continue
		}
		if h = w.otherStep(h, s.op); h == nil {
			if h = w.nextLocal(); h == nil {
				return
			}
		}
		h.worker.set(w)
	}
}

// nextLocal returns another task to run, where one has just ended or waits, if the worker's
// own queue has one for that, or if a task has only waited for what is uncounted.
func (w *Worker) nextLocal() *header {
	var t Runnable
	if w.popper != nil {
		t, _ = w.popper.PopLocal()
	}
	if w.uncounted != 0 && (t.h == nil || t.h.parent != w.siblingsOf || t.h.layout&flagSpawned == 0) {
		if h := w.countEnded(); h != nil {
			if t.h != nil {
				w.local.PushLocal(t, OriginSpawned|t.h.env.get().mark)
			}
			return h
		}
	}
	if t.h == nil {
		return nil
	}
	w.begin(t.h)
	w.takeOutcome(t.h)
	return t.h
}

// otherStep does what a step of h asks for that is neither await nor return, and
// returns the frame to run next, if any.
func (w *Worker) otherStep(h *header, op op) *header {
	switch op {
	case opFail:
		return w.finish(h, w.err)
	case opValue:
		return nil // to the loop that drives h, which finds h in current
	case opWait:
		return w.wait(h)
	case opTurn:
		w.takeTurn(h)
		return nil
	default: // opYield
		w.yield(h)
		return nil
	}
}

// yield gives the task of h to its executor to run later.
func (w *Worker) yield(h *header) {
	w.current = 0
	t := Runnable{h}
	env := h.env.get()
	if w.serves(env.runtime) {
		w.pushLocal(t, env, OriginYielded)
		return
	}
	if err := env.executor.Post(t); err != nil {
		w.Cancel(t, err)
	}
}

// runChain runs h and what follows from it, unless h is nil.
func (w *Worker) runChain(h *header) {
	for {
		for h != nil {
			h = w.stepsRecovering(h)
		}
		if w.uncounted == 0 {
			break
		}
		h = w.countEnded()
	}
	if w.err != nil {
		w.err = nil // no step that this worker runs next may ask for it
	}
}

// stepsRecovering is steps, until a step function panics: then it returns the
// frame that learns of it, if any. Otherwise it returns nil.
func (w *Worker) stepsRecovering(h *header) (next *header) {
	exits := true
	seated := w.enterSlot()
	defer func() {
		seated.leave()
		if v := recover(); v != nil {
			if next = w.failOnPanic(v); (next != nil || w.uncounted != 0) && recoveredInGoexit() {
				w.unfinished = next
				w.resumeElsewhere()
			}
		} else if exits {
			w.failOnGoexit()
		}
	}()
	if tracingOrLabelling() {
		w.stepsTraced(h, labelling.Load())
	} else {
		w.steps(h)
	}
	exits = false
	return nil
}

// currentIsChild marks a current frame that has not begun. Frames are aligned, so
// the bit is free.
const currentIsChild = 1

// running returns the frame whose step function runs, and the child that it has
// just made, if any. It must not be called outside of steps.
func (w *Worker) running() (h, child *header) {
	current := link[header](w.current &^ currentIsChild)
	h = current.get()
	if w.current&currentIsChild != 0 {
		return h.parent.get(), h
	}
	return h, nil
}

// foreignStep returns what to panic with when a step function returned s, which is
// not its own.
func (w *Worker) foreignStep(s Step) string {
	h, child := w.running()
	name := quote(h.kind.get().name)
	if s == (Step{}) && child == nil {
		return "coro: task " + name + " returned the zero Step: return what Await, Yield, Return or Fail returned"
	}
	return "coro: task " + name + " returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once"
}
