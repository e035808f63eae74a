package coro

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Call is a task that has not been launched: a kind, and the state and held part that it begins
// with. It is good for one launch, and belongs to one goroutine until then. R is the type of
// the result.
type Call[R any] struct {
	c  *callFor[R]
	id uint64 // of the use of c that this Call is for
}

// With returns a call of k with the given state. The call is good for one launch.
func (k *Kind[S, R]) With(state S) Call[R] {
	if k == nil {
		panic("coro: With on a nil Kind: make one with Define")
	}
	c := k.calls.Get().(*callWith[S, R])
	c.state = state
	return Call[R]{&c.callFor, c.id.Load()}
}

// Launchable is a [Call] of any result type.
type Launchable interface{ claim() *call }

// claim is the first thing that a launch does. It panics if the call has been launched: then c may be
// another call by now, so nothing of it may be changed.
func (c Call[R]) claim() *call {
	if c.c == nil {
		panic("coro: the zero Call cannot be launched: make one with With")
	}
	if !c.c.id.CompareAndSwap(c.id, c.id+1) {
		panic("coro: a Call is good for one launch: make another one with With")
	}
	return &c.c.call
}

// call is the part of a Call that does not depend on types. It belongs to the goroutine that has
// made it until it is launched. The launch copies the state into the frame and recycles the call,
// unless Run waits for the root's end: then it keeps the result. Later calls of its kind use it
// again.
type call struct {
	kind *kind
	self any // the *callFor[R] that this is part of

	// id counts the launches. Each Call has a number, and its launch changes it to the next one,
	// by compare-and-swap: so one launch succeeds, also if a Call is used again when c has become
	// another.
	id atomic.Uint64

	// fill copies the state, and moves the held part, into a new frame. Its first argument is
	// the worker whose goroutine calls, or nil if none does.
	fill func(*Worker, *header)

	// recycle puts the call back into kind.calls.
	recycle func()

	kept Kept // see Call.Kept

	compiled compiledArgs

	// done is given when the root has ended, and err is its error then. Run waits for it. env is the
	// environment of the tree meanwhile.
	done signal
	err  error
	env  *sharedEnvironment
}

// callFor is a call with room for the result, of type R.
type callFor[R any] struct {
	call
	result R // zero unless a root's Return has stored into it; callOf depends on its place
}

// callOf returns the call that has the result at the given address.
func callOf(result uintptr) *call {
	l := link[call](result - unsafe.Sizeof(call{}))
	return l.get()
}

// callWith is a callFor with the state that the root begins with.
type callWith[S, R any] struct {
	callFor[R]
	state S
}

func newCall[S, R any](k *kind) *callWith[S, R] {
	c := new(callWith[S, R])
	c.init(k)
	c.fill = func(_ *Worker, h *header) { (*Frame[S, R])(unsafe.Pointer(h)).State = c.state }
	c.recycle = func() {
		c.clearKept()
		k.calls.Put(c)
	}
	return c
}

func (c *callFor[R]) init(k *kind) {
	c.kind = k
	c.self = c
	c.done.init()
	if unsafe.Offsetof(c.result) != unsafe.Sizeof(call{}) {
		panic("coro: a result is not where callOf looks for its call")
	}
}

// clearKept clears what the maker of the call has kept, for which there is no more use.
func (c *call) clearKept() {
	if c.kept != nil {
		c.kept.Clear()
	}
}

// take returns the result and clears it, since it may hold Go pointers.
func (c *callFor[R]) take() R {
	var zero R
	result := c.result
	c.result = zero
	return result
}

// AwaitCall is [Await] for a call, of a kind with a held part or without, and with options:
// [Timeout], [Deadline], [Shield], [Context] and [Allocator], which are in force for the child
// and what it awaits. It costs a little more than Await, and with options some more, but
// allocates nothing on the Go heap in the steady state.
func AwaitCall[CR any](f AnyFrame, at int, call Call[CR], result *CR, opts ...ChildOption) Step {
	p := f.anyFrame()
	c := call.claim()
	h := p.awaitCall(at, c, unsafe.Pointer(result), p.stateSize(), opts)
	c.recycle()
	return Step{next: h, op: opAwait}
}

// awaitCall makes the frame of a child of h from a claimed call, which the caller recycles.
func (h *header) awaitCall(at int, call *call, result unsafe.Pointer, stateSize uintptr, opts []ChildOption) *header {
	if len(opts) == 0 {
		c := h.await(at, call.kind, result, stateSize)
		if c.layout&flagRefused == 0 {
			call.fill(h.worker.get(), c)
		}
		return c
	}
	o := childOptions(opts)
	// The await is checked first: a panic must leave no scope behind.
	c := h.awaitFrom(o.allocator, at, call.kind, result, stateSize)
	if c.layout&flagRefused != 0 {
		return c
	}
	w := h.worker.get()
	w.openChildScope(c, &o)
	call.fill(w, c)
	return c
}

// awaitFrom is await with a frame from the allocator m. If m is nil, it is await.
func (h *header) awaitFrom(m arena.FrameAllocator, at int, k *kind, result unsafe.Pointer, stateSize uintptr) *header {
	if m == nil {
		return h.await(at, k, result, stateSize)
	}
	w := h.mustBeAbleToAwait(k, result, stateSize)
	h.resumeAt(at)
	return h.makeChild(w, (*header)(m.Allocate(k.size)), k, result, flagCustom|h.layout&flagCounted)
}
