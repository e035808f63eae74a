package coro

import (
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Call is a task that has not been launched: a kind, and the state and held part that it begins
// with. It is good for one launch, and belongs to one goroutine until then. R is the type of
// the result.
type Call[R any] struct{ c *callFor[R] }

// With returns a call of k with the given state. The call is good for one launch.
func (k *Kind[S, R]) With(state S) Call[R] {
	if k == nil {
		panic("coro: With on a nil Kind: make one with Define")
	}
	c := k.calls.Get().(*callWith[S, R])
	c.state = state
	c.claimable = true
	return Call[R]{&c.callFor}
}

// Launchable is a [Call] of any result type.
type Launchable interface{ launchable() *call }

func (c Call[R]) launchable() *call {
	if c.c == nil {
		panic("coro: the zero Call cannot be launched: make one with With")
	}
	return &c.c.call
}

// call is the part of a Call that does not depend on types. It belongs to the goroutine that
// has made it until it is launched. The launch copies the state into the frame, and then either
// recycles the call, or the call carries the environment of the tree until the root has ended.
// Later calls of its kind use it again.
type call struct {
	kind      *kind
	self      any  // the *callFor[R] that this is part of
	claimable bool // made by With and not launched

	// fill copies the state, and moves the held part, into a new frame. Its first argument is
	// the worker whose goroutine calls, or nil if none does.
	fill func(*Worker, *header)

	// resultAddress is the address of callFor.result, for Return.
	resultAddress uintptr

	// recycle puts the call back into kind.calls.
	recycle func()

	// ---- in use only while the call carries an environment

	scope               // of the tree: its env and, if that can end, its registry tree
	recipient recipient // gets the root's outcome; nil: errors go to env's handler
	trace     treeTrace // the tree, if that began while a trace was taken
	waited    bool      // Run waits on done; otherwise the call is pinned
	done      signal    // given when the root has ended; the caller of Run waits on it
	err       error     // the root's; written before done is given, read afterwards

	prev, next *call // in pinned; guarded by its lock
}

// callFor is a call with room for the result, of type R.
type callFor[R any] struct {
	call
	result R // zero unless a root's Return has stored into it
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
	c.recycle = func() { k.calls.Put(c) }
	return c
}

func (c *callFor[R]) init(k *kind) {
	c.kind = k
	c.self = c
	c.done.init()
	c.resultAddress = uintptr(unsafe.Pointer(&c.result))
}

// take returns the result and clears it, since it may hold Go pointers.
func (c *callFor[R]) take() R {
	var zero R
	result := c.result
	c.result = zero
	return result
}

// claim is the first thing that a launch does. It panics if c has been launched: then c may be
// another call by now, so nothing of it may be changed.
func (c *call) claim() {
	if !c.claimable {
		panic("coro: a Call is good for one launch: make another one with With")
	}
	c.claimable = false
}

// release ends the use of a call that carries an environment, and recycles it. No frame of the
// tree is left.
func (c *call) release() {
	if !c.waited {
		pinned.remove(c)
	}
	c.tree.close()
	c.trace.end()
	if c.env.scope != nil {
		c.closeContext()
	}
	c.env = Environment{}
	c.err = nil
	c.recipient = nil
	c.waited = false
	c.recycle()
}

// AwaitCall is [Await] for a call, of a kind with a held part or without, and with options:
// [Timeout], [Deadline], [Shield], [Context] and [Allocator], which are in force for the child
// and what it awaits. It costs a little more than Await, and with options some more, but
// allocates nothing on the Go heap in the steady state.
func AwaitCall[S, R, CR any](f *Frame[S, R], at int, call Call[CR], result *CR, opts ...ChildOption) Step {
	c := call.launchable()
	c.claim()
	h := f.awaitCall(at, c, unsafe.Pointer(result), unsafe.Sizeof(f.State), opts)
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

// pinned is the calls that carry an environment to which only frames refer: it keeps them from
// the garbage collector. Any goroutine uses it.
var pinned pinnedCalls

// pinnedCalls is a doubly linked list of calls.
type pinnedCalls struct {
	mu   sync.Mutex
	list *call // the first; guarded by mu, as are the links
}

func (p *pinnedCalls) add(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.next = p.list
	if c.next != nil {
		c.next.prev = c
	}
	p.list = c
}

func (p *pinnedCalls) remove(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		p.list = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}
