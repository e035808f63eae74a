package coro

import (
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Await runs a task of kind k as a child of f, and resumes f's task at the resume point at when
// the child has ended. The child's state begins as args. Its result goes to *result, which
// must lie in f's state or held part, or nowhere if result is nil. The child runs next, on
// the same goroutine, with f's environment: its executor, allocator and context. If the
// child has failed, f.Err returns its error in the step that follows.
//
// A step function makes at most one Await, and returns its Step at once. Await panics if
// result points anywhere but into f.State or the held part: another address may be gone
// when the child ends. A result that holds Go pointers goes to the held part: no field of a
// state has such a type.
//
// If the allocator has no memory for the child's frame, the child fails with
// [arena.ErrExhausted] without having begun.
func Await[S, R, CS, CR any](f *Frame[S, R], at int, k *Kind[CS, CR], args CS, result *CR) Step {
	c := (*Frame[CS, CR])(unsafe.Pointer(f.header.await(at, &k.kind, unsafe.Pointer(result), unsafe.Sizeof(f.State))))
	c.State = args
	return Step{next: &c.header, op: opAwait}
}

// await makes the frame of a child of h, and returns it. stateSize is the size of h's state, in
// bytes. Everything but the common case is left to awaitSlow, so that no value has to be saved
// across a call here.
func (h *header) await(at int, k *kind, result unsafe.Pointer, stateSize uintptr) *header {
	w := h.worker.get()
	// The flags are compared first. In a frame that a checked arena has poisoned, one of the
	// inherited flags is set, and the worker is not an address to load from.
	if h.layout&inheritedFlags == 0 && w.current == uintptr(unsafe.Pointer(h)) &&
		(result == nil || h.stateHolds(result, stateSize)) {
		var c *header
		if h.layout >= k.need {
			c = h.elide(k)
			w.countElision()
		} else {
			c = (*header)(w.cache.TryAllocateAt(k.place))
			if c == nil {
				return h.awaitSlow(at, k, result, stateSize)
			}
			c.layout = k.room
		}
		h.resumeAt(at)
		c.kind.set(k)
		c.parent.set(h)
		c.env = h.env
		c.worker.set(w)
		c.result = uintptr(result)
		c.at = 0
		w.current = uintptr(unsafe.Pointer(c)) | currentIsChild
		return c
	}
	return h.awaitSlow(at, k, result, stateSize)
}

// awaitSlow is await for frames that do not come from the worker's free lists, for results that
// go to held parts, and for mistakes.
func (h *header) awaitSlow(at int, k *kind, result unsafe.Pointer, stateSize uintptr) *header {
	w := h.mustBeAbleToAwait(k, result, stateSize)
	h.resumeAt(at)
	var c *header
	layout := h.layout & inheritedFlags
	switch {
	case h.layout >= k.need:
		c = h.elide(k)
		layout = c.layout
		w.countElision()
	case layout&flagCustom != 0:
		c = (*header)(h.env.get().allocator.Allocate(k.size))
	default:
		c = (*header)(w.cache.Allocate(k.capacity))
		layout |= k.room
	}
	return h.makeChild(w, c, k, result, layout)
}

// mustBeAbleToAwait panics unless the step function of h runs and may await a task of kind k
// now. It returns h's worker.
func (h *header) mustBeAbleToAwait(k *kind, result unsafe.Pointer, stateSize uintptr) *Worker {
	if h.layout&flagMask&^knownFlags != 0 {
		panicMisusedFrame(h, nil) // poisoned
	}
	w := h.worker.get()
	if w == nil || w.current != uintptr(unsafe.Pointer(h)) {
		panicMisusedFrame(h, w)
	}
	h.mustHoldResult(k, result, stateSize)
	return w
}

// makeChild makes c the child that h awaits, and returns it. If c is nil, because there was no
// memory, the child is a frame of refusedKind.
func (h *header) makeChild(w *Worker, c *header, k *kind, result unsafe.Pointer, layout uint32) *header {
	if c == nil {
		c = w.newRefusedFrame(k)
		k, result, layout = refusedKind, nil, flagRefused
	}
	*c = header{env: h.env, result: uintptr(result), layout: layout}
	c.kind.set(k)
	c.parent.set(h)
	c.worker.set(w)
	if layout&flagCounted != 0 {
		c.countStart(w)
	}
	w.current = uintptr(unsafe.Pointer(c)) | currentIsChild
	return c
}

// newRefusedFrame returns a frame on the Go heap, in place of a frame of kind k for which there
// was no memory. Await stores the child's state into it as into any other, and its task, of
// refusedKind, fails in its first step. So Await, which is inlined into step functions, does
// not have to look whether there was memory. The worker keeps the frame alive: it runs next, on
// this worker, and there is one at a time.
func (w *Worker) newRefusedFrame(k *kind) *header {
	const word = unsafe.Sizeof(uintptr(0))
	w.refusedFrame = make([]uintptr, (k.size+word-1)/word)
	return (*header)(unsafe.Pointer(unsafe.SliceData(w.refusedFrame)))
}

// refusedKind is the kind of the frames that newRefusedFrame makes. It is defined by hand,
// because its frames are of any size.
var refusedKind = &kind{
	name: "refused",
	step: func(h *header) Step {
		h.worker.get().err = arena.ErrExhausted
		return Step{next: h, op: opFail}
	},
}

func panicMisusedFrame(h *header, w *Worker) {
	if w != nil && w.current != 0 {
		if running, child := w.running(); child != nil && running == h {
			panic("coro: task " + quote(h.kind.get().name) + " awaits twice in one step: return the Step of an Await at once")
		}
		if w.current == uintptr(unsafe.Pointer(h))|currentHasStep {
			h.panicHasStep()
		}
	}
	panicNotRunning("Await")
}

// mustRun panics unless h is the frame of the step function that is running. method is the
// name of the method that was called with it. Await and the step loop have checks of their
// own.
func (h *header) mustRun(method string) {
	if h.layout&flagMask&^knownFlags != 0 {
		panicNotRunning(method) // poisoned
	}
	w := h.worker.get()
	if w == nil || w.current == 0 {
		panicNotRunning(method)
	}
	if running, _ := w.running(); running != h {
		panicNotRunning(method)
	}
}

// makesStep is mustRun for a method that makes a Step, and marks that in the worker. It panics if
// the step function has made one already, other than by Await: that is found in the step loop.
func (h *header) makesStep(method string) {
	h.mustRun(method)
	switch w := h.worker.get(); w.current {
	case uintptr(unsafe.Pointer(h)):
		w.current |= currentHasStep
	case uintptr(unsafe.Pointer(h)) | currentHasStep:
		h.panicHasStep()
	}
}

// panicHasStep panics because the step function of h has made a Step, and has not returned it at
// once.
func (h *header) panicHasStep() { panic(unreturnedStep(h)) }

// unreturnedStep returns the text of the panic when the step function of h made a Step and
// did not return it.
func unreturnedStep(h *header) string {
	return "coro: task " + quote(h.kind.get().name) + " did not return the Step of a wait, of Yield, or of Fail: write return before such a call"
}

func panicNotRunning(method string) {
	panic("coro: " + method + " on a frame whose task is not running: use a frame only in its own step function")
}
