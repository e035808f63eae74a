package coro

import (
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Await runs a task of kind k as a child of f, and goes on in f at the resume
// point at once the child has ended. The child's state begins as args; its
// result goes to *result, which must lie in f's state or held part, or nowhere if
// result is nil. The child runs next, on the same goroutine, with f's environment: its
// executor, allocator and context. Whether it failed is what f.Err says then.
//
// A step function makes at most one Await, and returns its Step at once. Await
// panics if result points anywhere but into f.State or the held part: such an
// address need not outlive the child. A result that holds Go pointers goes to the
// held part: no field of a state has its type.
//
// If the allocator has no frame to give, the child fails with
// [arena.ErrExhausted] without having begun.
func Await[S, R, CS, CR any](f *Frame[S, R], at int, k *Kind[CS, CR], args CS, result *CR) Step {
	c := (*Frame[CS, CR])(unsafe.Pointer(f.await(at, &k.kind, unsafe.Pointer(result), unsafe.Sizeof(f.State))))
	c.State = args
	return Step{next: &c.header, op: opAwait}
}

// await makes the frame of a child of h. stateSize is the size of h's state.
// Everything out of the ordinary is left to awaitSlow, so that nothing has to be
// saved across a call here.
func (h *header) await(at int, k *kind, result unsafe.Pointer, stateSize uintptr) *header {
	w := h.worker.get()
	// The flags come first: those of a frame that a checked arena has poisoned are
	// none that may go on here, and its worker is no address to load from.
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

// awaitSlow is await for frames that do not come from the worker's lists, for
// results that go to held parts, and for mistakes.
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

// mayAwait checks that the step function of h may await a task of kind k, and returns
// h's worker.
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

// makeChild makes c, which is nil if there was no memory, the child that h awaits.
func (h *header) makeChild(w *Worker, c *header, k *kind, result unsafe.Pointer, layout uint32) *header {
	if c == nil {
		c = w.refused(k)
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

// refused makes a frame on the Go heap that takes a child's state like any other
// but, as one of refusedKind, only ever fails: so that Await, which is inlined
// into step functions, need not ask whether there was memory.
func (w *Worker) refused(k *kind) *header {
	const word = unsafe.Sizeof(uintptr(0))
	w.refusedFrame = make([]uintptr, (k.size+word-1)/word)
	return (*header)(unsafe.Pointer(unsafe.SliceData(w.refusedFrame)))
}

// refusedKind is the kind of frames made by refused. It is defined by hand, since
// its frames are of any size.
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
	}
	panicNotRunning("Await")
}

// mustRun panics unless h is the frame of the step function that runs. method is
// what it was used for. Await and the step loop have their own checks.
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

func panicNotRunning(method string) {
	panic("coro: " + method + " on a frame whose task is not running: use a frame only in its own step function")
}
