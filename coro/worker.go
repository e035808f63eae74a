package coro

import (
	"context"
	"sync/atomic"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/goroutine"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/slots"
)

// Worker runs tasks, with a cache of the executor's arena. It belongs to one goroutine at a
// time, the owner, which an executor provides. The owner alone calls its methods, except
// Preempt, Began, Elided and IsOwner, which any goroutine may call.
//
// The owner alone reads and writes the fields, except those that say otherwise. Four that other
// goroutines load are written plainly:
//
//   - elided and began are figures. A word that is stored whole is read whole, and that is all
//     that a figure needs. Where words have 4 bytes, elided is stored in two halves, and a
//     reader may load between them: the figure is then wrong for a moment, as its lower half
//     wraps around. The race detector asks for more, so in its builds the stores are atomic.
//   - launched and ended are counted by countUp, so that a reader sees what came before; see
//     root_end.go.
type Worker struct {
	// elided counts the children that were elided. The owner writes it, [Worker.Elided] loads
	// it. It is the first field because a 64-bit atomic load needs 8-byte alignment on 32-bit
	// machines too.
	elided uint64

	// current is the address of the frame whose step function runs or, once that step has made
	// a child, the child's address and currentIsChild; once it has waited, yielded or failed, the
	// frame's address and currentHasStep. It is 0 outside of steps. The owner
	// alone uses it; see steps.go.
	current uintptr

	// preempt asks the chain that runs to give way; see [Worker.Preempt]. Any goroutine sets
	// it. The owner loads it when a task awaits another, or waits for something that has
	// happened already. It clears it when a Run begins and when a task gives way. A request
	// between two Runs may be lost or hit the next one, and neither does harm. A chain whose
	// request is lost keeps the worker until it waits, and a chain that gets a request for
	// another is queued once more. So loads and stores are enough.
	preempt atomic.Uint32

	// launched and ended count, modulo 2^32, the roots of home that were launched in steps of
	// this worker, and those that ended on it. The owner writes them, rootCounts loads them;
	// see root_end.go.
	launched, ended uint32

	// began is the kind of the innermost task of the last Run. The owner writes it,
	// [Worker.Began] loads it. Kinds are never freed.
	began uintptr

	// err is the error for the step that this worker runs next, if atFailed is set in its
	// frame.
	err error

	// failed is the kind of the task that has failed last on this worker, for the text of a
	// root's error. The owner's.
	failed *kind

	// uncounted is how many children of siblingsOf have ended on this worker and are still to
	// be taken from their Group's count; see endSpawned.
	uncounted  int32
	siblingsOf link[header]

	// refusedFrame is the memory of the frame of a child for which the arena had none:
	// it keeps that from the collector. See newRefusedFrame.
	refusedFrame []uintptr

	// slots has free slots for held parts, scopes and group records. The owner's.
	slots slots.Local

	// refusals is how many waits in a row were refused to the task that runs; see Worker.refuse.
	refusals uint32

	args waitArguments // of the wait that the running step has asked for

	// suspension is for tasks whose functions are compiled; see suspension.go. passing is the panic
	// that ended the child of the task that runs next, until it has ended a root or a spawned child.
	// Both are the owner's.
	suspension Suspension
	passing    *PanicError

	// cache is part of the worker and not referred to, so that a step finds its free lists one
	// load after its worker.
	cache arena.Cache

	// home is the runtime of the executor that has given the worker a queue, and local is that
	// queue. Both are nil if there is none.
	local  LocalQueue
	popper LocalPopper // local, if that is a LocalPopper; nil in a turn of a Relay
	hungry HungryQueue // local, if that is a HungryQueue
	home   *execRuntime

	// ---- in use only where tasks are counted or labelled

	shard  uint32                       // of kindCounts; 0: none yet; see shardNumber
	labels map[labelled]context.Context // what labelsOf has made

	// ---- in use only in turns of Relays

	// turnLeft is how many more tasks the turn that runs may run; see takeTurn.
	turnLeft int

	// ---- in use only after a step has ended its goroutine; see goexit.go

	// owner is the number of the owner, or 0. A goroutine stores its own number with SetOwner,
	// and one that took the worker over stores 0 at its end. Any goroutine loads it, and
	// compares it with its own number only. Numbers of goroutine.ID are not used again, so a
	// goroutine finds its own number only if it has stored it itself.
	owner atomic.Uint64

	// unfinished is the frame that the next goroutine runs first. takenOver is true while other
	// goroutines run what is left. goroutine.Elsewhere hands all of the worker to the next
	// goroutine and back.
	unfinished *header
	takenOver  bool
}

// NewWorker returns a worker with a cache of a, which belongs to the calling goroutine. It must
// be closed before a.
func NewWorker(a *arena.Arena) *Worker {
	w := new(Worker)
	w.suspension.w = w
	a.OpenCache(&w.cache)
	return w
}

// Run runs a task, its children and the tasks that await it, until the whole chain has ended or
// waits. If the worker's queue is a [LocalPopper], Run continues with tasks from there. It must
// not be called inside a step function with the worker that runs that step.
//
// If a step function calls [runtime.Goexit], the task fails, the chain continues as after a
// panic, on another goroutine, and then the goroutine that called Run ends. An executor that
// has more for that goroutine to do does it, or starts another goroutine, in a deferred
// function. There it may use the worker as after a Run that has returned.
func (w *Worker) Run(t Runnable) {
	h := t.h
	w.begin(h)
	w.takeOutcome(h)
	w.runChain(h)
}

// begin records that a Run of h begins. A request to give way was for the last Run.
func (w *Worker) begin(h *header) {
	if w.preempt.Load() != 0 {
		w.preempt.Store(0)
	}
	if k := uintptr(h.kind); race.Enabled {
		atomic.StoreUintptr(&w.began, k)
	} else {
		w.began = k
	}
}

// countElision adds 1 to elided. Await calls it, inlined.
func (w *Worker) countElision() {
	if race.Enabled {
		atomic.AddUint64(&w.elided, 1)
		return
	}
	w.elided++
}

// serves reports whether w has a queue for tasks of the executor with runtime rt, and for turns
// of Relays on it, which have the same runtime. w may be nil.
func (w *Worker) serves(rt *execRuntime) bool { return w != nil && w.home == rt }

// pushLocal gives a task of environment env to w's queue, or to that of the Relay that env
// belongs to. w serves env's executor. It is called on w's goroutine.
func (w *Worker) pushLocal(t Runnable, env *Environment, from Origin) {
	if env.relay != nil {
		env.relay.pushLocal(w, t, from)
		return
	}
	w.local.PushLocal(t, from|env.mark)
}

// Preempt asks the chain that the worker runs to give way to other tasks. At its next Await, or
// its next wait for something that has happened already, the chain is handed to its executor
// like a task that yields; but it does not learn of the end of its context by that. A step that
// is running is not interrupted, and a worker that runs nothing ignores the request. Any
// goroutine may call Preempt.
func (w *Worker) Preempt() { w.preempt.Store(1) }

// giveWay hands h, which is about to run, to its executor, and returns nil. If h has to stay
// with this worker, it returns h.
func (w *Worker) giveWay(h *header) *header {
	if h.layout&flagRefused != 0 {
		return h // its memory is w's; it fails in its first step
	}
	w.preempt.Store(0)
	h.layout |= flagWoken // so that Run does not make its Err return the context's cause
	w.yield(h)
	return nil
}

// SetLocalQueue makes l the worker's queue for tasks of the executor whose environment env is.
// An executor calls it before the first Run. Tasks of other executors are given to their Post.
func (w *Worker) SetLocalQueue(env *Environment, l LocalQueue) {
	w.local, w.home = l, env.runtime
	w.popper, _ = l.(LocalPopper)
	w.hungry, _ = l.(HungryQueue)
	w.home.roots.addWorker(w)
}

// Publish moves the free frames in the worker's cache, and the free slots of held parts, to
// where other workers find them. An executor calls it before a worker becomes idle.
func (w *Worker) Publish() {
	w.slots.Publish()
	w.cache.Publish()
}

// Close publishes the free frames in the worker's cache, and the free slots of held parts, and
// ends the worker's use.
func (w *Worker) Close() {
	if w.home != nil {
		w.home.roots.removeWorker(w)
	}
	w.slots.Publish()
	w.cache.Close()
}

// Began returns the kind of the innermost task of the worker's last Run, as it was when that
// Run began. Before the first Run it returns the zero KindInfo. Any goroutine may call it.
func (w *Worker) Began() KindInfo {
	began := link[kind](atomic.LoadUintptr(&w.began))
	if began == 0 {
		return KindInfo{}
	}
	return began.get().Info()
}

// Elided returns how many children the worker has elided. Any goroutine may call it; the number
// is exact when the worker is at rest.
func (w *Worker) Elided() uint64 { return atomic.LoadUint64(&w.elided) }

// Attach makes the worker known on the calling goroutine, for as long as that runs it. Then
// what its steps wake by methods without a frame, and what they launch, goes to the worker's
// own queue. Each Run does the same for itself; a Run on an attached goroutine has less to do.
// The goroutine must call Detach before it ends, in a deferred function, since a step may end
// it.
func (w *Worker) Attach() { w.enterSlot() }

// Detach undoes Attach. It is called on the same goroutine, outside of Run.
func (w *Worker) Detach() {
	number := goroutine.Pointer()
	if s := workerSlotOf(number); number != 0 && s.goroutine.Load() == number && s.worker == w {
		slotEntry{s, nil}.leave()
	}
}

// SetOwner records that the worker belongs to the calling goroutine, for [Worker.IsOwner]. It
// takes a microsecond or more: an executor that needs it calls it once, when the goroutine
// begins.
func (w *Worker) SetOwner() { w.owner.Store(goroutine.ID()) }

// IsOwner reports whether the calling goroutine is the one that called [Worker.SetOwner] last,
// or one that has taken its place because a step ended it. It also returns true on a goroutine
// for which that one waits: that of a cleanup step, see [HasCleanup], of a task that it cancels.
// A method that must not be called in a step of the worker can check that with it. Any goroutine
// may call IsOwner. It takes as long as SetOwner.
func (w *Worker) IsOwner() bool {
	return goroutine.Ask(func() bool { return w.owner.Load() == goroutine.ID() })
}

// freeSlots returns the worker's lists of free slots, or nil if w is nil. Only the goroutine that
// runs the worker may use them.
func (w *Worker) freeSlots() *slots.Local {
	if w == nil {
		return nil
	}
	return &w.slots
}
