package coro

import (
	"context"
	"sync/atomic"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/goroutine"
	"github.com/framearena/framearena/internal/race"
)

// Worker runs tasks. It belongs to one goroutine at a time, which an executor
// provides, and owns a cache of the executor's arena.
type Worker struct {
	// elided counts the children that were elided. The owner alone writes it, as
	// bins.List.n. It is first, where 32-bit machines align it too.
	elided uint64

	// current is the address of the frame whose step function runs or, once that
	// step has made a child, the address of the child and currentIsChild. It is
	// how a second Await, a Step of another frame and a child without a Step are
	// found, and whose panic it was. 0 outside of steps.
	current uintptr

	// preempt asks for the chain that runs to give way. Any goroutine sets it; the
	// owner looks at it, beside current, when a task awaits another or has waited
	// for nothing, and clears it when a Run begins. A request that comes between
	// two Runs may be lost or hit the next one: neither does harm.
	preempt atomic.Uint32

	// launched and ended count the roots of home that were launched in steps of this worker
	// and that ended on it, modulo 2^32. The owner writes them, as began, but so that who
	// reads one sees all that came before.
	launched, ended uint32

	// began is the kind of the innermost task of the last Run. The owner writes it,
	// as elided.
	began uintptr

	// err is the error of the task that failed last. It is meant for the step
	// that this worker runs next.
	err error

	// uncounted is how many children of siblingsOf have ended on this worker and are
	// still to be taken from their Group's count; see endSpawned.
	uncounted  int32
	siblingsOf link[header]

	// detached keeps the frame of a refused child alive; see refused.
	refusedFrame []uintptr

	// held has the free slots of the kinds with held parts, by their index.
	held []freeSlots

	args waitArguments // of the wait that the running step has asked for

	// cache is part of the worker, not referred to: a step finds its free lists
	// one load after its worker.
	cache arena.Cache

	// local takes tasks of the executor whose record home is, if it has a queue for
	// each worker; otherwise both are nil.
	local  LocalQueue
	source LocalPopper // the same, if it is one
	home   *execRuntime

	// ---- in use only where tasks are counted or labelled

	shard  uint32                       // 0: none yet; see shardNumber
	labels map[labelled]context.Context // what labelsOf has made
	// turnLeft is how many tasks the turn that runs may still run; see takeTurn.
	turnLeft int

	// ---- in use only after a step ended its goroutine; see goexit.go

	owner      atomic.Uint64 // which goroutine it is, if SetOwner was called; written by that
	unfinished *header       // is to run next
	relieved   chan struct{} // closed when nothing is left to run; nil if there is no relief
}

// NewWorker returns a worker with a cache of a. Close it before a.
func NewWorker(a *arena.Arena) *Worker {
	w := new(Worker)
	a.OpenCache(&w.cache)
	return w
}

// Close publishes the frames in the worker's cache and ends its use.
func (w *Worker) Close() {
	if w.home != nil {
		w.home.roots.removeWorker(w)
	}
	w.publishSlots()
	w.cache.Close()
}

// Publish moves the free frames in the worker's cache, and the free slots of held
// parts, to where others find them. An executor calls it before a worker goes idle.
func (w *Worker) Publish() {
	w.publishSlots()
	w.cache.Publish()
}

// Run runs a task, its children and whatever awaits it, until the whole chain
// has ended or waits. It must not be called from inside a step function with the
// worker that runs it.
//
// If a step function calls [runtime.Goexit], the task fails, the chain goes on as
// after a panic, and then the goroutine that called Run ends: an executor that
// has more for it to do must see to that in a deferred function, where the worker
// may be used as after a Run that returned.
func (w *Worker) Run(t Runnable) {
	h := t.h
	w.begin(h)
	w.takeOutcome(h)
	w.runChain(h)
}

// begin notes that a Run of h begins.
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

// Began returns the kind of the innermost task of the worker's last Run, as it was
// when the Run began; the zero KindInfo before the first. Any goroutine may ask.
func (w *Worker) Began() KindInfo {
	began := link[kind](atomic.LoadUintptr(&w.began))
	if began == 0 {
		return KindInfo{}
	}
	return began.get().Info()
}

// Elided returns how many children the worker has elided. Any goroutine may ask.
func (w *Worker) Elided() uint64 { return atomic.LoadUint64(&w.elided) }

func (w *Worker) countElision() {
	if race.Enabled {
		atomic.AddUint64(&w.elided, 1)
		return
	}
	w.elided++
}

// SetLocalQueue makes l the queue for tasks of the executor whose environment env is. It is
// called before the first Run. Tasks of other executors are posted to these.
func (w *Worker) SetLocalQueue(env *Environment, l LocalQueue) {
	w.local, w.home = l, env.runtime
	w.source, _ = l.(LocalPopper)
	w.home.roots.addWorker(w)
}

// pushLocal takes a task of environment env, whose executor, or the one that this is a
// layer on, w serves.
func (w *Worker) pushLocal(t Runnable, env *Environment, from Origin) {
	if env.relay != nil {
		env.relay.pushLocal(w, t, from)
		return
	}
	w.local.PushLocal(t, from|env.mark)
}

// serves reports whether w has a queue for tasks of x's executor, or for the turns of
// layers on it. w may be nil.
func (w *Worker) serves(x *execRuntime) bool { return w != nil && w.home == x }

// Preempt asks the chain that the worker runs to give way to other tasks: at its
// next Await, or its next wait for something that is there already, it is handed
// to its executor like a task that yields, but does not learn of the end of its
// context by that. A step that is running is not interrupted, and a worker that
// runs nothing takes no notice. Any goroutine may call Preempt.
func (w *Worker) Preempt() { w.preempt.Store(1) }

// giveWay hands h, which is about to run, to its executor. It returns the frame to run
// next: none, or h if that has to stay with this worker.
func (w *Worker) giveWay(h *header) *header {
	if h.layout&flagRefused != 0 {
		return h // the worker keeps its memory; it fails in its first step
	}
	w.preempt.Store(0)
	h.layout |= flagWoken // or Run would tell it of the end of its context
	w.yield(h)
	return nil
}

// SetOwner notes that the calling goroutine is the one that the worker belongs to, for
// [Worker.IsOwner]. It takes a microsecond or more: an executor calls it at the start of a
// goroutine, if at all.
func (w *Worker) SetOwner() { w.owner.Store(goroutine.ID()) }

// IsOwner reports whether the calling goroutine is the one that called [Worker.SetOwner]
// last, or one that has taken its place because a step ended it. So whoever must not be
// called in a step of the worker can find out. Any goroutine may ask. It takes as long as
// SetOwner.
func (w *Worker) IsOwner() bool { return w.owner.Load() == goroutine.ID() }

// Attach makes the worker be found by what its steps call: what they wake by a method
// without a frame, and what they launch, goes to the worker's own queue. Each Run does so
// for itself, and is faster if the goroutine has called Attach. That goroutine must call
// Detach before it ends, also if a step ends it: in a deferred function.
func (w *Worker) Attach() { w.enterSlot() }

// Detach ends what Attach began. It is called on the same goroutine, outside of Run.
func (w *Worker) Detach() {
	number := goroutine.Pointer()
	if s := workerSlotOf(number); number != 0 && s.goroutine.Load() == number && s.worker == w {
		slotEntry{s, nil}.leave()
	}
}
