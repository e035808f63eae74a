package coro

import (
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// A method such as [Mutex.Lock] only notes in the worker what the task will wait for, and
// returns a Step. All of the operation happens when the step function has returned: then the
// step loop calls Worker.wait, which calls park, under the lock of what is waited for. No
// wake is lost, for these reasons:
//
//  1. Nothing comes between looking and queueing. Under the lock, either the operation
//     succeeds and the task continues at once, or its frame is in the queue when the lock is
//     released. A goroutine that changes the condition holds the same lock. If it comes
//     before, park sees the change; if it comes after, it finds the task in the queue.
//  2. A task does not run while its worker still uses the frame. The frame is in no queue
//     before the step function has returned, and the worker does not touch the frame after
//     park has returned parked.
//  3. A task is woken once, and with what it was given: see wake.go.
//  4. The end of a context or of the executor finds every waiting task: see scope_wait.go
//     and runtime.go.
//
// A task in a [Select] waits in several queues: see select.go and select_proxy.go.

// AnyFrame is the frame of a task of any kind: a *[Frame] of whatever state and result.
// Methods that wait take the frame of the step function that calls them.
type AnyFrame interface{ anyFrame() *header }

func (f *Frame[S, R]) anyFrame() *header { return &f.header }
func (h *header) anyFrame() *header      { return h }

// parker is an operation that may have to wait.
type parker interface {
	// park does the operation for the task of h if that is possible now. Otherwise it
	// queues h and returns parked, or returns why h may not wait. w runs the task; its args
	// have the operation's arguments.
	park(w *Worker, h *header) parking
}

// parking is the result of a park.
type parking uint8

const (
	parked             parking = iota // h is queued, and the worker does not touch it any more
	parkDone                          // there is nothing to wait for; the task continues
	parkChanClosed                    // the channel is closed; the task continues with ErrChanClosed
	parkCancelled                     // the context has ended; the task continues with its cause
	parkUnarmed                       // the scope must be armed; then park is called again
	parkExecutorClosed                // the executor is closed; the task is cancelled
	parkYield                         // the task yields, and learns of the end of its context
	parkExhausted                     // there is no memory to wait with; the task continues with ErrExhausted
)

// waitArguments says what the running task will wait for when its step has returned. It
// belongs to the worker. The method that makes the Step writes it, and park reads it.
type waitArguments struct {
	on          parker
	at          uint32    // the header's at in the step, with atFailed if Err is not nil
	count       int64     // permits of a Semaphore.Acquire, nanoseconds of a Sleep
	waker       uint64    // the number of a Suspend's Waker
	destination uintptr   // the address where a Chan.Recv puts the value, or 0
	outgoing    []uint64  // the value of a Chan.Send, if its type holds no Go pointer
	box         any       // a *box with the value of a Chan.Send, if its type holds one
	cases       selecting // of a Select
}

// waitFor returns the Step that makes the task of h do p's operation and continue at the
// resume point at. The caller writes p's arguments to the worker's args.
func (h *header) waitFor(at int, p parker) Step {
	w := h.runningWorker()
	w.args.at = h.at
	h.resumeAt(at)
	w.args.on = p
	w.current = uintptr(unsafe.Pointer(h)) | currentHasStep
	return Step{next: h.withStep(), op: opWait}
}

// runningWorker returns the worker that runs h's step function.
func (h *header) runningWorker() *Worker {
	// The flags come first: if they are those of a frame that a checked arena has poisoned,
	// the worker is no address to load from.
	if h.layout&flagMask&^knownFlags == 0 {
		if w := h.worker.get(); w != nil && w.current == uintptr(unsafe.Pointer(h)) {
			return w
		}
	}
	panic("coro: a wait with a frame whose task is not running, or after a wait or an Await in the same step: use a frame only in its own step function, and return a Step at once")
}

// wait does what an opWait of h asks for. It returns h if the task continues, otherwise nil.
func (w *Worker) wait(h *header) *header {
	p := w.args.on
	if p == nil {
		panic(w.foreignStep(Step{next: h, op: opWait}))
	}
	w.args.on = nil
	if w.refusals != 0 && w.args.at&atFailed == 0 {
		w.refusals = 0
	}
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
		case parkYield:
			w.yield(h)
			return nil
		case parkChanClosed:
			return w.refuse(h, ErrChanClosed)
		case parkCancelled:
			return w.refuse(h, h.env.cause())
		case parkExhausted:
			w.err = arena.ErrExhausted
			h.at |= atFailed
			return h
		case parkUnarmed:
			h.env.scope().arm()
		case parkExecutorClosed:
			w.current = 0
			w.Cancel(Runnable{h}, h.env.get().runtime.err)
			return nil
		}
	}
}

// maxRefusals is how many waits in a row may be refused to a task. It panics at the last of them.
// A task that ends its work in good order waits some times after its context has ended, and not
// as often as this without one success.
const maxRefusals = 1000

// refuse makes Err return err in h's next step, because h may not wait. It returns h.
//
// The next step of this worker is that of h. If it waits and is refused again, and so on, the
// task makes no progress, holds its worker, and never ends: it panics after maxRefusals such
// waits. w.refusals counts them. It is set to 0
//
//   - by wait, after a step whose Err was nil: something has succeeded since the last refusal;
//   - where another failure becomes that of a step (finish, takeOutcome, takeCause, endRecord,
//     beginCleanup): another task has run since, or a child has.
func (w *Worker) refuse(h *header, err error) *header {
	if w.refusals++; w.refusals >= maxRefusals {
		w.refusals = 0
		panic(fmt.Sprintf("coro: task %s has waited %d times in a row and each wait was refused: %v: look at Frame.Err after each wait, and end the task if it is not nil",
			quote(h.kind.get().name), maxRefusals, err))
	}
	w.err = err
	h.at |= atFailed
	return h
}

// takeOutcome makes Err return, in h's next step, the outcome that wake has noted in the flags.
// A task without an outcome was withdrawn, or has yielded: Err returns why its tree should
// end, if it should. A task with one was given what it waited for, and is not told.
func (w *Worker) takeOutcome(h *header) {
	switch h.layout & (flagWoken | flagChanClosed | flagStamped | flagCounted) {
	case flagWoken:
		h.layout &^= flagWoken
	case 0:
		if h.env.mayEnd() {
			w.takeCause(h)
		}
	default:
		w.takeRareOutcome(h)
	}
}

// takeRareOutcome is takeOutcome for a task that a survey has seen, that is counted, or whose channel
// was closed.
func (w *Worker) takeRareOutcome(h *header) {
	h.unstamp()
	if h.layout&flagWoken == 0 {
		if h.env.mayEnd() {
			w.takeCause(h)
		}
		return
	}
	if h.layout&flagCounted != 0 {
		h.countWake(w)
	}
	if h.layout&flagChanClosed != 0 {
		w.err = ErrChanClosed
		h.at |= atFailed
		w.refusals = 0
	}
	h.layout &^= flagWoken | flagChanClosed
}

// takeCause makes Err return, in h's next step, why the tree should end, if it should.
func (w *Worker) takeCause(h *header) {
	if err := h.env.cause(); err != nil {
		h.at |= atFailed
		w.err = err
		w.refusals = 0
	}
}
