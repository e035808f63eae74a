package coro

import (
	"context"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// In the tree of the caller, a child of kind awaitOnKind stands for the call. It has a Handle of
// the call that no other task or goroutine has, and that is reused. The child waits for the end
// of the Handle. If its tree is cancelled, it cancels the Handle and waits again, uncancellably:
// as if it were in no scope, so that only the closer of its executor finds it. Its step function
// looks at the Handle each time it continues, so it does not matter who has woken it.
//
// If the child's executor is closed, the child ends before the call. Then release cancels the
// Handle and does not reuse it: the end of the call changes a Handle that no task has.

// AwaitOn runs a call on another executor. When the call has ended there, AwaitOn resumes f's task
// at the resume point at, on f's own executor. The result goes to *result, which must lie in
// f's state or held part, or nowhere if result is nil; f.Err gives the error, which is
// that of ex if ex is closed.
//
// f does not continue before the call has ended. If f's tree is cancelled, the call is
// cancelled with the same cause, and f continues when the call has ended. If the tree has been
// cancelled before, the call is not launched. The context of the call has the values of f's.
// The call's frames come from ex's arena or, if f's tree has an [Allocator], from that.
//
// If f's executor is closed meanwhile, f's tree ends at once, as always. The call is cancelled
// and ends by itself, later. An Allocator of the tree must stay open until then, that is, at
// most until ex is closed.
//
// In the steady state AwaitOn allocates nothing on the Go heap, except where f is in a scope,
// such as that of a [Timeout]: the call needs a context then.
func AwaitOn[CR any](f AnyFrame, at int, ex Executor, call Call[CR], result *CR) Step {
	p := f.anyFrame()
	if ex == nil {
		panic("coro: task " + quote(p.kind.get().name) + ": AwaitOn needs an Executor")
	}
	c := call.claim()
	k := kindByResult[CR](&awaitOnKinds, defineAwaitOnKind[CR])
	h := p.await(at, &k.kind, unsafe.Pointer(result), p.stateSize())
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

	handle    *Handle[R] // of the call, from its launch until the child has seen its end
	cancelled bool       // handle has been cancelled
}

// awaitOnKind is the kind of the child.
type awaitOnKind[R any] struct {
	*HeldKind[struct{}, awaitOnHeld[R], R]
	handles sync.Pool // of *Handle[R]
}

var awaitOnKinds kindsByResult

func defineAwaitOnKind[R any]() *awaitOnKind[R] {
	k := new(awaitOnKind[R])
	k.handles.New = func() any { return new(Handle[R]) }
	k.HeldKind = DefineHeld("coro.AwaitOn", k.run)
	k.parts.releaseMore = k.release
	return k
}

// run is the child's step function.
func (k *awaitOnKind[R]) run(f *Frame[struct{}, R], held *awaitOnHeld[R]) Step {
	if f.At() == 0 {
		if err := k.launch(&f.header, held); err != nil {
			return f.Fail(err)
		}
	}
	h := held.handle
	if err := f.Err(); err != nil && !held.cancelled {
		held.cancelled = true
		end := f.header.env.end() // the call's context ends with the same error as f's
		if end.cause != err {
			end = canceledWith(err)
		}
		h.handle.cancel(end)
	}
	ended, err := h.outcome()
	if !ended {
		return h.waitFor(f, 1, held.cancelled)
	}
	held.handle = nil
	var zero R
	result := h.result
	h.result = zero
	if h.reuse() {
		k.handles.Put(h)
	}
	if err != nil {
		return f.Fail(err)
	}
	return f.Return(result)
}

// launch launches the call for the task of f.
func (k *awaitOnKind[R]) launch(f *header, held *awaitOnHeld[R]) error {
	if err := f.env.cause(); err != nil {
		return err
	}
	env := f.env.get()
	o := options{allocator: env.ownAllocator(), ctx: env.ctx}
	if s := f.env.scope(); s != nil && s.handleOf() == nil {
		o.ctx = s.context() // with its deadline, and its shield
	}
	h := k.handles.Get().(*Handle[R])
	c := held.call
	held.call, held.handle = nil, h
	launch := launching{handle: &h.handle, result: uintptr(unsafe.Pointer(&h.result)), within: env.runtime}
	if err := c.launch(held.ex, &o, launch); err != nil {
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

// release releases the held part. If the child still has a handle, the child's executor is
// closed and the call has not ended: see the head of this file.
func (k *awaitOnKind[R]) release(w *Worker, h *header) {
	held := (*awaitOnHeld[R])(k.parts.value(h))
	if held.call != nil { // it was not launched
		held.call.recycle()
	}
	handle := held.handle
	cause := error(context.Canceled)
	if x := h.env.get().runtime; x.closed.Load() {
		cause = x.err
	}
	k.parts.clear(w, h)
	if handle != nil {
		handle.Cancel(cause)
	}
}

// uncancellableEnd is a handleEnd for a task that waits although its tree has been cancelled.
type uncancellableEnd handleEnd

func (e *uncancellableEnd) park(_ *Worker, h *header) parking {
	return (*handleEnd)(e).parkIn(nil, h)
}
