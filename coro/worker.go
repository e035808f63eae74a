package coro

import (
	"context"
	"errors"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
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

	// parkOn is what the running task will wait for when its step has returned, and
	// the rest are arguments for that. They are good from the method that makes the
	// Step to park.
	parkOn      parker
	weight      int64     // of Semaphore.Acquire
	waker       uint64    // of Suspend
	destination uintptr   // of Chan.Recv
	outgoing    []uint64  // memory for the value of Chan.Send, if that holds no Go pointer
	parcel      any       // a *T of the Chan with the value of Chan.Send, if it does
	selecting   selecting // of Select

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

// learnCause makes Err say in h's next step why the tree should end, if it should.
func (w *Worker) takeCause(h *header) {
	if err := h.env.get().cause(); err != nil {
		h.at |= atFailed
		w.err = err
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

// Elided returns how many children the worker has elided. Any goroutine may ask.
func (w *Worker) Elided() uint64 { return atomic.LoadUint64(&w.elided) }

func (w *Worker) countElision() {
	if race.Enabled {
		atomic.AddUint64(&w.elided, 1)
		return
	}
	w.elided++
}

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
	if w.source != nil {
		t, _ = w.source.PopLocal()
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

// stepsRecovering is steps, until a step function panics: then it returns the
// frame that learns of it, if any. Otherwise it returns nil.
func (w *Worker) stepsRecovering(h *header) (next *header) {
	exits := true
	seated := w.enterSlot()
	defer func() {
		seated.leave()
		if v := recover(); v != nil {
			if next = w.recovered(v); (next != nil || w.uncounted != 0) && exiting() {
				w.unfinished = next
				w.goOnElsewhere()
			}
		} else if exits {
			w.exited()
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

// finish ends the task of h with err, which may be nil, frees its frame and
// returns the frame to run next, if any.
func (w *Worker) finish(h *header, err error) *header {
	for {
		if h.layout&flagGroup != 0 {
			var wait bool
			if err, wait = w.endGroup(h, err); wait {
				return nil
			}
		}
		parent, env, flags, result := h.parent.get(), h.env.get(), h.layout, h.result
		w.current = 0
		w.discard(h)
		if flags&(flagRoot|flagSpawned) == 0 {
			if err != nil {
				w.err = err
				parent.at |= atFailed
			}
			return parent
		}
		w.err = nil
		if flags&flagRoot != 0 {
			w.endRoot(env, err)
			return nil
		}
		if h = w.childEnded(parent, result, err); h == nil || h.layout&flagLingering == 0 {
			return h
		}
		err = w.err
	}
}

// discard frees h, whose task has ended or will not begin, and what ends with it.
func (w *Worker) discard(h *header) {
	env, flags := h.env.get(), h.layout
	w.free(h)
	if flags&flagScope != 0 {
		env.scope.close(w)
	}
}

// free clears the held part of h, if it has one, and gives the frame back to where
// it came from.
func (w *Worker) free(h *header) {
	k := h.kind.get()
	if h.layout&flagCounted != 0 {
		h.countEnd(w)
	}
	if h.layout&flagHeld != 0 {
		k.held.release(w, h)
	}
	switch {
	case h.layout&flagElided != 0:
	case h.layout&flagRefused != 0:
		w.refusedFrame = nil
	case h.layout&flagRoot != 0:
		env := h.env.get()
		if env.allocator != nil {
			env.allocator.Deallocate(unsafe.Pointer(h), env.rootFrameSize(k))
		} else {
			w.cache.Deallocate(unsafe.Pointer(h), env.rootFrameSize(k))
		}
	case h.layout&flagCustom != 0:
		h.env.get().allocator.Deallocate(unsafe.Pointer(h), k.size)
	default:
		w.cache.Deallocate(unsafe.Pointer(h), k.capacity)
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

// Cancel ends a task that was handed to an executor and will not be run: it
// frees the frame and those of all tasks that await it, children first, and ends
// the root with err, joined with what a cleanup step panicked with. Of the tasks nothing is
// called but the steps that kinds with [HasCleanup] have for that.
func (w *Worker) Cancel(t Runnable, err error) {
	h := t.h
	if h.kind.get() == turnKind {
		relayOf(h).cancel(w, err)
		return
	}
	for h != nil {
		ends := w.cleanUp(h, err)
		if p, panicked := ends.(*PanicError); panicked {
			err = errors.Join(err, p) // for who waits for the root
			ends = err
		}
		h = w.finish(h, ends)
	}
}

// recovered makes a panic in a step function a failure of its task, and returns
// the frame that learns of it, if any.
func (w *Worker) recovered(v any) *header {
	if w.current == 0 {
		panic(v) // not in a step function, but in an executor or a handler
	}
	h, child := w.running()
	err := newPanicError(h, v)
	if child != nil { // it will not begin
		w.discard(child)
	}
	if w.needsCleanup(h, err) {
		return h
	}
	return w.finish(h, err)
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
