package coro

// The step loop.
//
// A step function returns a Step: what is to happen next, and to which frame. The loop calls
// the step function of that frame: of the child that was awaited, or of the parent when a child
// has returned. It is one loop for both, without recursion, so a chain of tasks needs no stack.
//
// # What it costs
//
// The loop's cost is counted in stores: an atomic instruction in a step waits until all stores
// before it are done. The loop makes two for each step:
//
//   - Worker.current, before each step;
//   - header.worker, in a frame that runs again. It is stored without a look whether it has
//     changed, because a compare costs more than the store. Await has stored it in a new child.
//
// The loop keeps nothing but w across the call of a step function, because what lives across a
// call is saved to the stack and loaded again. What it needs afterwards comes from the frame,
// and the frame comes back in the Step, in a register. Worker.current has the frame too, but
// the loop does not take it from there: a load of what was just stored takes some cycles, and
// all that follows would wait for it, the freeing of the frame and so the address of the next
// child.
//
// Two ways to return are in the loop: a frame without flags is freed to the worker's own list,
// if that has room, and an elided one is not freed. Children of a Group take endSpawned. All
// other returns take finish, all other operations otherStep: a new case belongs there, and
// costs the loop nothing. `go test -bench Chain ./coro` measures it.
//
// # What current is for
//
// Before a step, current is the address of its frame. Await changes it to the address of the
// child, with the bit currentIsChild. After the step the loop compares current with the Step.
// One compare finds three mistakes: an Await whose Step was not returned, a second Await in one
// step, and a Step of another frame. A wait, Yield and Fail set the bit currentHasStep in
// current, and in the Step: so the same compare finds it if their Step was not returned. A panic
// finds in current whose step it was, and mustRun and runningWorker find that a frame is used
// outside of its step. 0 means that no step runs: an executor, a handler or nothing.
//
// # Errors and panics
//
// An error crosses frames without being stored in any. Worker.err is the error for the step
// that this worker runs next, and the bit atFailed in that frame says that there is one.
//
// Panics are recovered around the loop, so that no step pays for a defer. stepsRecovering
// returns the frame that runs next, and runChain begins a new loop with it.

import (
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
)

// steps runs h, and what follows from it, until nothing is left to run here. It is called on
// the goroutine that w belongs to.
func (w *Worker) steps(h *header) {
	h.worker.set(w)
	for {
		w.current = uintptr(unsafe.Pointer(h))
		s := h.kind.get().step(h)
		if s.op == opAwait {
			if w.current != uintptr(unsafe.Pointer(s.next))|currentIsChild {
				panic(w.foreignStep(s)) // here, so that no value is kept across the call of step
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
			if framecheck.Enabled {
				h = h.withoutStep()
				h.verifyRoom() // here, so that the panic is that of its step
				if h.layout&flagElided == 0 {
					h.forgetRoom()
				}
			}
			parent := h.parent.get()
			switch h.layout & flagMask {
			case flagElided:
				if framecheck.Enabled {
					h.endRoom()
				}
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

// nextLocal is called when a chain has ended or waits, and returns a frame to run next, if
// there is one: of a task of the worker's own queue, if that is a LocalPopper, or of a task
// whose children have all ended. It counts what endSpawned has left uncounted, unless the next
// task is a sibling.
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

// otherStep does what a step of h asks for, if that is neither an await nor a return. It
// returns the frame to run next, if any.
func (w *Worker) otherStep(h *header, op op) *header {
	h = h.withoutStep()
	switch op {
	case opFail:
		return w.finish(h, w.err)
	case opValue:
		return nil // to the loop over the generator, which finds h in current
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

// yield gives the task of h to its executor, to run later.
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

// runChain runs h and what follows from it, also after panics. h may be nil. It counts what is
// uncounted before it returns.
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
		w.err = nil // it was for the next step, and there is none
	}
}

// stepsRecovering is steps until a step function panics. Then it returns the frame that runs
// next, if any; otherwise it returns nil. If a step ends the goroutine by runtime.Goexit, or
// panics while that happens, it does not return: another goroutine runs what is left
// (goexit.go).
func (w *Worker) stepsRecovering(h *header) (next *header) {
	exits := true // unless steps returns
	slot := w.enterSlot()
	defer func() {
		slot.leave()
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

// currentIsChild is set in Worker.current if that is a child which has not begun. Frames are
// aligned, so the bit is free.
const currentIsChild = 1

// currentHasStep is set in Worker.current if the step has made a Step by a wait, by Yield or by
// Fail, in builds with framecheck also by Return or YieldValue. It is set in Step.next of that Step
// too. So the step loop's one compare finds that another Step was returned, and that costs the
// loop nothing. Frames are aligned, so the bit is free.
const currentHasStep = 2

// withStep returns h with currentHasStep, for Step.next.
func (h *header) withStep() *header { return (*header)(unsafe.Add(unsafe.Pointer(h), currentHasStep)) }

// withoutStep returns the frame of which h, from Step.next, may be the withStep.
func (h *header) withoutStep() *header {
	return (*header)(unsafe.Pointer(uintptr(unsafe.Pointer(h)) &^ currentHasStep))
}

// running returns the frame whose step function runs, and the child that the step has made, if
// any. It is called by w's goroutine, while current is not 0.
func (w *Worker) running() (h, child *header) {
	current := link[header](w.current &^ (currentIsChild | currentHasStep))
	h = current.get()
	if w.current&currentIsChild != 0 {
		return h.parent.get(), h
	}
	return h, nil
}

// foreignStep returns the text of the panic when the step function that runs returned s, which
// is not the last Step that it made.
func (w *Worker) foreignStep(s Step) string {
	h, child := w.running()
	if w.current&currentHasStep != 0 {
		return unreturnedStep(h)
	}
	name := quote(h.kind.get().name)
	if s == (Step{}) && child == nil {
		return "coro: task " + name + " returned the zero Step: return what Await, Yield, Return or Fail returned"
	}
	return "coro: task " + name + " returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once"
}
