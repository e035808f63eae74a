package coro

import (
	"runtime/debug"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// Worker runs tasks. It belongs to one goroutine at a time, which an executor
// provides, and owns a cache of the executor's arena.
type Worker struct {
	// current is the address of the frame whose step function runs or, once that
	// step has made a child, the address of the child and currentIsChild. It is
	// how a second Await, a Step of another frame and a child without a Step are
	// found, and whose panic it was. 0 outside of steps.
	current uintptr

	// err is the error of the task that failed last. It is meant for the step
	// that this worker runs next.
	err error

	// detached keeps the frame of a refused child alive; see refused.
	detached []uintptr

	// parkOn is what the running task will wait for when its step has returned, and
	// the rest are arguments for that. They are good from the method that makes the
	// Step to park.
	parkOn      parker
	weight      int64    // of Semaphore.Acquire
	waker       uint64   // of Suspend
	destination uintptr  // of Chan.Recv
	outgoing    []uint64 // memory for the value of Chan.Send

	// cache is part of the worker, not referred to: a step finds its free lists
	// one load after its worker.
	cache arena.Cache
}

// NewWorker returns a worker with a cache of a. Close it before a.
func NewWorker(a *arena.Arena) *Worker {
	w := new(Worker)
	a.OpenCache(&w.cache)
	return w
}

// Close publishes the frames in the worker's cache and ends its use.
func (w *Worker) Close() { w.cache.Close() }

// Publish moves the free frames in the worker's cache to where others find them.
// An executor calls it before a worker goes idle.
func (w *Worker) Publish() { w.cache.Publish() }

// Run runs a task, its children and whatever awaits it, until the whole chain
// has ended or waits. It must not be called from inside a step function with the
// worker that runs it.
func (w *Worker) Run(t Task) {
	h := t.h
	if h.flags&flagWoken != 0 {
		w.learn(h)
	} else if err := h.env.get().cause(); err != nil {
		h.at |= atFailed
		w.err = err
	}
	for h != nil {
		h = w.stepsRecovering(h)
	}
}

// steps is the step loop: it runs h and what follows from it until there is
// nothing more to run.
//
// It keeps nothing but w across the call of a step function: h comes back from
// current, which must be stored anyway. What the loop costs is counted in stores,
// since a step that uses an atomic waits until all stores before it are done, and
// a parent's worker is stored without a look whether it changed, because looking
// costs more than storing. docs/tasks.md has the figures.
func (w *Worker) steps(h *header) {
	h.worker.set(w)
	for {
		w.current = uintptr(unsafe.Pointer(h))
		s := h.kind.get().step(h)
		if s.op == opAwait {
			if w.current != uintptr(unsafe.Pointer(s.next))|currentIsChild {
				w.foreignStep()
			}
			h = s.next
			continue
		}
		current := link[header](w.current)
		if current&currentIsChild != 0 {
			w.foreignStep()
		}
		h = current.get()
		if s.op == opReturn {
			if s.next != h.parent.get() {
				w.foreignStep()
			}
			if h.flags == 0 {
				k := h.kind.get()
				if k.class < bins.Classes {
					if w.cache.TryDeallocateClass(unsafe.Pointer(h), k.class) {
						h = s.next
						h.worker.set(w)
						continue
					}
				}
			}
			if h = w.finish(h, nil); h == nil {
				return
			}
			h.worker.set(w)
			continue
		}
		if h = w.otherStep(h, s); h == nil {
			return
		}
		h.worker.set(w)
	}
}

// stepsRecovering is steps, until a step function panics: then it returns the
// frame that learns of it, if any. Otherwise it returns nil.
func (w *Worker) stepsRecovering(h *header) (next *header) {
	defer func() {
		if v := recover(); v != nil {
			next = w.recovered(v)
		}
	}()
	w.steps(h)
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
func (w *Worker) otherStep(h *header, s Step) *header {
	switch s.op {
	case opFail:
		return w.finish(h, w.err)
	case opYield:
		w.yield(h)
		return nil
	case opWait:
		return w.wait(h, s)
	default:
		panic("coro: task " + quote(h.kind.get().name) + " returned the zero Step: return what Await, Yield, Return or Fail returned")
	}
}

// finish ends the task of h with err, which may be nil, frees its frame and
// returns the frame to run next, if any.
func (w *Worker) finish(h *header, err error) *header {
	parent, env, flags := h.parent.get(), h.env.get(), h.flags
	w.current = 0
	w.free(h)
	if flags&flagRoot == 0 {
		if err != nil {
			w.err = err
			parent.at |= atFailed
		}
		return parent
	}
	w.err = nil
	env.ended(err)
	return nil
}

// free gives the frame h back to where it came from.
func (w *Worker) free(h *header) {
	k := h.kind.get()
	switch {
	case h.flags&flagDetached != 0:
		w.detached = nil
	case h.flags&flagCustom != 0:
		h.env.get().allocator.Deallocate(unsafe.Pointer(h), k.size)
	default:
		w.cache.Deallocate(unsafe.Pointer(h), k.size)
	}
}

// yield gives the task of h to its executor to run later.
func (w *Worker) yield(h *header) {
	w.current = 0
	t := Task{h}
	if err := h.env.get().executor.Post(t); err != nil {
		w.Cancel(t, err)
	}
}

// Cancel ends a task that was handed to an executor and will not be run: it
// frees the frame and those of all tasks that await it, children first, and ends
// the root with err.
func (w *Worker) Cancel(t Task, err error) {
	for h := t.h; h != nil; {
		h = w.finish(h, err)
	}
}

// recovered makes a panic in a step function a failure of its task, and returns
// the frame that learns of it, if any.
func (w *Worker) recovered(v any) *header {
	if w.current == 0 {
		panic(v) // not in a step function, but in an executor or a handler
	}
	h, child := w.running()
	if child != nil { // it will not begin
		w.free(child)
	}
	return w.finish(h, &PanicError{Value: v, Stack: debug.Stack()})
}

// foreignStep ends a step function that returned what it must not.
func (w *Worker) foreignStep() {
	h, _ := w.running()
	panic("coro: task " + quote(h.kind.get().name) + " returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once")
}
