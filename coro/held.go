package coro

import (
	"reflect"
	"unsafe"

	"github.com/framearena/framearena/internal/slots"
)

// HeldKind is a kind whose tasks have a held part beside their state: a struct H of any types,
// for what needs the Go heap, such as connections, buffers, strings, errors and functions. S is
// the state, R the result. A HeldKind is made by [DefineHeld], once, usually for a
// package-level variable. Any goroutine may use it, at any time.
//
// A task's held part lies in a slot on the Go heap, which no other task uses while this one
// lives. Slots are recycled: a kind has about as many as the most of its tasks that have lived at the
// same time, until [TrimHeap] gives free ones back.
type HeldKind[S, H, R any] struct {
	kind
	parts heldParts
}

// heldFrame is the frame of a task with a held part. Await, Yield, Return and all else that
// works on frames knows only the Frame.
type heldFrame[S, H, R any] struct {
	frame Frame[S, R]
	slot  link[slots.Slot[H]]
}

// DefineHeld makes a kind of tasks that have a held part. It is like [Define], except for the
// second parameter of the step function: the address of the held part. The held part begins as
// the value given to With, GoHeld or AwaitHeld, and keeps its value from step to step. When the
// task has ended, in whatever way, it is cleared, before the task that awaits this one resumes.
// The step function must not keep its address after it has returned.
//
// If this task awaits others whose results hold Go pointers, those results go to fields of the
// held part.
func DefineHeld[S, H, R any](name string, step func(f *Frame[S, R], held *H) Step, opts ...KindOption) *HeldKind[S, H, R] {
	if step == nil {
		panic("coro: task " + quote(name) + ": DefineHeld needs a step function")
	}
	mustBePointerFree(name, "state", reflect.TypeFor[S]())
	k := &HeldKind[S, H, R]{kind: kind{
		step: func(h *header) Step {
			f := (*heldFrame[S, H, R])(unsafe.Pointer(h))
			return step(&f.frame, &f.slot.get().Value)
		},
		size:          unsafe.Sizeof(heldFrame[S, H, R]{}),
		name:          name,
		defined:       callerPosition(1),
		groupOffset:   groupOffset(name, reflect.TypeFor[S](), unsafe.Offsetof(Frame[S, R]{}.State)),
		resultPointer: pointerPath("result", reflect.TypeFor[R]()),
	}}
	k.layOut()
	for _, o := range opts {
		o(&k.kind)
	}
	k.held = &k.parts
	initParts[H](&k.parts, k, unsafe.Offsetof(heldFrame[S, H, R]{}.slot))
	k.calls.New = func() any { return newHeldCall(k) }
	kinds.add(&k.kind)
	return k
}

// HeldKindOf returns the kind of a task with a held part, for a task that awaits others of its
// own kind. Its arguments are those of the step function.
func HeldKindOf[S, H, R any](f *Frame[S, R], held *H) *HeldKind[S, H, R] {
	if p := f.header.kind.get().held; p != nil {
		if k, ok := p.kind.(*HeldKind[S, H, R]); ok {
			return k
		}
	}
	panic("coro: task " + quote(f.header.kind.get().name) + ": HeldKindOf needs the frame and the held part that the step function was given")
}

// With returns a call of k with the given state and held part. The call is good for one launch.
func (k *HeldKind[S, H, R]) With(state S, held H) Call[R] {
	if k == nil {
		panic("coro: With on a nil HeldKind: make one with DefineHeld")
	}
	c := k.calls.Get().(*heldCall[S, H, R])
	c.state = state
	c.held = held
	return Call[R]{&c.callFor, c.id.Load()}
}

// heldCall is a call with a held part. The held part is the zero H before With and after the
// launch.
type heldCall[S, H, R any] struct {
	callWith[S, R]
	held H
}

func newHeldCall[S, H, R any](k *HeldKind[S, H, R]) *heldCall[S, H, R] {
	c := new(heldCall[S, H, R])
	c.init(&k.kind)
	clear := func() {
		var zero H
		c.held = zero
	}
	c.fill = func(w *Worker, h *header) {
		(*Frame[S, R])(unsafe.Pointer(h)).State = c.state
		k.hold(w, h, &c.held)
		clear()
	}
	c.recycle = func() {
		clear() // if there was no launch
		c.clearKept()
		k.calls.Put(c)
	}
	return c
}

// AwaitHeld is [Await] for children with a held part, which begins as held. The awaiting task
// may have a held part or not.
func AwaitHeld[S, R, CS, CH, CR any](f *Frame[S, R], at int, k *HeldKind[CS, CH, CR], args CS, held CH, result *CR) Step {
	if k == nil {
		panic("coro: task " + quote(f.header.kind.get().name) + ": AwaitHeld of a nil HeldKind: make one with DefineHeld")
	}
	return awaitHeld(&f.header, at, k, args, held, result)
}

// awaitHeld is AwaitHeld by a task of any kind.
func awaitHeld[CS, CH, CR any](p *header, at int, k *HeldKind[CS, CH, CR], args CS, held CH, result *CR) Step {
	h := p.await(at, &k.kind, unsafe.Pointer(result), p.stateSize())
	(*Frame[CS, CR])(unsafe.Pointer(h)).State = args
	if h.layout&flagRefused == 0 { // a child that only fails needs no held part
		k.hold(h.worker.get(), h, &held)
	}
	return Step{next: h, op: opAwait}
}

// hold makes a copy of the given held part that of h, a new frame. w is the worker whose goroutine calls,
// or nil if none does.
func (k *HeldKind[S, H, R]) hold(w *Worker, h *header, held *H) {
	*(*H)(k.parts.hold(w, h)) = *held
}
