package coro

import (
	"context"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// AwaitOn runs a call on another executor and, when it has ended there, goes on in f at
// the resume point at, on f's own executor. The result goes to *result, which must lie in
// f's state or held part, or nowhere if result is nil; f.Err gives the error, which is
// that of ex if ex is closed.
//
// f does not go on before the call has ended. If f's tree is cancelled, the call is
// cancelled with the same cause, and f goes on when that has ended it; if the tree has
// been cancelled before, the call is not launched. The context of the call has the values
// of f's. Its frames come from ex's arena or, if f's tree has an [Allocator], from that.
//
// If f's executor is closed meanwhile, f's tree ends at once, as always; the call is
// cancelled, and ends by itself, later. An Allocator of the tree must stay open until then:
// until ex is closed, to be sure.
//
// In the steady state AwaitOn allocates nothing on the Go heap, except that a [Timeout],
// and whatever else makes f a part of a tree, needs a context for what it contains.
func AwaitOn[S, R, CR any](f *Frame[S, R], at int, ex Executor, call Call[CR], result *CR) Step {
	if ex == nil {
		panic("coro: task " + quote(f.kind.get().name) + ": AwaitOn needs an Executor")
	}
	c := call.launchable()
	c.claim()
	k := kindByResult[CR](&awaitOnKinds, defineAwaitOnKind[CR])
	h := f.await(at, &k.kind, unsafe.Pointer(result), unsafe.Sizeof(f.State))
	if h.layout&flagRefused == 0 {
		k.hold(h.worker.get(), h, &awaitOnHeld[CR]{ex: ex, call: c})
	} else {
		c.recycle()
	}
	return Step{next: h, op: opAwait}
}

// awaitOnHeld is the held part of the child that stands for the call in f's tree.
type awaitOnHeld[R any] struct {
	ex   Executor
	call *call // until it is launched

	// handle is that of the call, and nobody else's, from its launch until its end.
	handle    *Handle[R]
	cancelled bool
}

// awaitOnKind is the kind of the child.
type awaitOnKind[R any] struct {
	*HeldKind[struct{}, awaitOnHeld[R], R]
	handles sync.Pool // of *Handle[R]
}

var awaitOnKinds kindsByResult

func defineAwaitOnKind[R any]() *awaitOnKind[R] {
	k := new(awaitOnKind[R])
	k.handles.New = func() any { return &Handle[R]{end: new(handleCompletion), inner: true} }
	k.HeldKind = DefineHeld("coro.AwaitOn", k.run)
	k.HeldKind.held = k
	return k
}

// run is the child's step function.
func (k *awaitOnKind[R]) run(f *Frame[struct{}, R], held *awaitOnHeld[R]) Step {
	if f.At() == 0 {
		if err := k.launch(f.env.get(), held); err != nil {
			return f.Fail(err)
		}
	}
	h := held.handle
	if err := f.Err(); err != nil && !held.cancelled {
		held.cancelled = true
		h.Cancel(err)
	}
	if !h.end.lockedHasEnded() {
		if held.cancelled {
			return f.waitFor(1, (*uncancellable)(h.end))
		}
		return f.waitFor(1, h.end)
	}
	held.handle = nil
	var zero R
	result, err := h.result, h.err
	h.result, h.err = zero, nil
	k.handles.Put(h)
	if err != nil {
		return f.Fail(err)
	}
	return f.Return(result)
}

// launch launches the call for a task with the environment env.
func (k *awaitOnKind[R]) launch(env *Environment, held *awaitOnHeld[R]) error {
	if err := env.cause(); err != nil {
		return err
	}
	o := options{allocator: env.ownAllocator(), ctx: env.ctx}
	if env.scope != nil && env.scope.base != nil {
		o.ctx = env.context() // with its deadline, and its shield
	}
	h := k.handles.Get().(*Handle[R])
	c := held.call
	held.call, held.handle = nil, h
	if err := h.launch(held.ex, c, &o, env.runtime); err != nil {
		held.handle = nil
		k.handles.Put(h)
		return err
	}
	return nil
}

// ownAllocator returns the allocator that the tree was given, nil if it was given none.
func (e *Environment) ownAllocator() arena.FrameAllocator {
	if e.runtime.oneChain && e.allocator == arena.FrameAllocator(seqArena()) {
		return nil
	}
	return e.allocator
}

// release is also how it is known that a child is gone before the call has ended: its
// executor was closed. Then the call ends by itself, and its Handle is not used again.
func (k *awaitOnKind[R]) release(w *Worker, h *header) {
	held := &(*heldFrame[struct{}, awaitOnHeld[R], R])(unsafe.Pointer(h)).slot.get().Value
	if held.call != nil { // it has not begun
		held.call.recycle()
	}
	handle := held.handle
	cause := error(context.Canceled)
	if x := h.env.get().runtime; x.closed.Load() {
		cause = x.err
	}
	k.HeldKind.release(w, h)
	if handle != nil {
		handle.Cancel(cause)
	}
}

// regardless is a handleState for a task that waits until the end although its tree has been
// cancelled. Only its executor's end is sooner, so it registers there.
type uncancellable handleCompletion

func (r *uncancellable) park(_ *Worker, h *header) parking {
	return (*handleCompletion)(r).parkIn(&h.env.get().runtime.registry, h)
}
