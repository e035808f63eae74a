package coro

import (
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Waiter is a task that can wait: a *[Frame] of whatever state and result. Methods
// that wait take the frame of the step function that calls them.
type AnyFrame interface{ anyFrame() *header }

func (h *header) anyFrame() *header { return h }

// A wait begins when the step function has returned, in wait below, and not in
// the method that made the Step: before that the worker still uses the frame, and
// who wakes the task could have it run elsewhere already. So the method only says
// what to wait for, and all of the operation happens in park, under the lock of
// what is waited for: either it succeeds there and the task goes on at once, or
// the frame is in a queue when the lock is released, and the worker never touches
// it again.

// parker is an operation that may have to wait.
type parker interface {
	// park does the operation for the task of h, if that is possible now, or puts
	// h where it is found when it is.
	park(w *Worker, h *header) parking
}

// parking is what became of a task that was about to wait.
type parking uint8

const (
	parked             parking = iota // the frame is not the worker's any more
	parkDone                          // there is nothing to wait for; the task goes on
	parkChanClosed                    // the channel is closed; the task goes on and learns it
	parkCancelled                     // the context has ended; the task goes on and learns it
	parkUnarmed                       // the registry must be armed first
	parkExecutorClosed                // no task of this executor waits any more
	parkExhausted                     // there is no memory to wait with; the task goes on and learns it
)

// waitArguments says what the running task will wait for when its step has returned. The
// method that makes the Step fills it in, and park reads it; it belongs to the worker.
type waitArguments struct {
	on          parker
	count       int64     // permits of a Semaphore.Acquire, nanoseconds of a Sleep
	waker       uint64    // the number of a Suspend's Waker
	destination uintptr   // the address where a Chan.Recv puts the value, or 0
	outgoing    []uint64  // the value of a Chan.Send, if it holds no Go pointer
	box         any       // a *T with the value of a Chan.Send, if it holds one
	cases       selecting // of a Select
}

// waitFor returns the Step that makes the task of h do p's operation and go on at
// the resume point at. The argument of p is in the worker.
func (h *header) waitFor(at int, p parker) Step {
	w := h.runningWorker()
	h.resumeAt(at)
	w.args.on = p
	return Step{next: h, op: opWait}
}

// runningWorker returns the worker that runs h's step function.
func (h *header) runningWorker() *Worker {
	// A frame that a checked arena has poisoned is known by its flags, and its
	// worker is no address to load from.
	if h.layout&flagMask&^knownFlags == 0 {
		if w := h.worker.get(); w != nil && w.current == uintptr(unsafe.Pointer(h)) {
			return w
		}
	}
	panic("coro: a wait with a frame whose task is not running, or after an Await in the same step: use a frame only in its own step function, and return a Step at once")
}

// wait does what an opWait of h asks for, and returns the frame to run next.
func (w *Worker) wait(h *header) *header {
	p := w.args.on
	if p == nil {
		panic(w.foreignStep(Step{next: h, op: opWait}))
	}
	w.args.on = nil
	for {
		switch p.park(w, h) {
		case parked:
			w.current = 0
			return nil
		case parkDone:
			if w.preempt.Load() != 0 && h.at&atFailed == 0 {
				return w.giveWay(h)
			}
			return h
		case parkChanClosed:
			w.err = ErrChanClosed
			h.at |= atFailed
			return h
		case parkCancelled:
			w.err = h.env.get().cause()
			h.at |= atFailed
			return h
		case parkExhausted:
			w.err = arena.ErrExhausted
			h.at |= atFailed
			return h
		case parkUnarmed:
			h.env.get().registry.arm()
		case parkExecutorClosed:
			w.current = 0
			w.Cancel(Runnable{h}, h.env.get().runtime.err)
			return nil
		}
	}
}

// learn makes Err say in h's next step what the task was woken with or, if it was not by
// what it waited for, why the tree should end, if it should.
func (w *Worker) takeOutcome(h *header) {
	if h.layout&flagWoken == 0 {
		if h.env.get().mayEnd() {
			w.takeCause(h)
		}
		return
	}
	if h.layout&flagChanClosed != 0 {
		w.err = ErrChanClosed
		h.at |= atFailed
	}
	h.layout &^= flagWoken | flagChanClosed
}

// learnCause makes Err say in h's next step why the tree should end, if it should.
func (w *Worker) takeCause(h *header) {
	if err := h.env.get().cause(); err != nil {
		h.at |= atFailed
		w.err = err
	}
}
