package coro

import (
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// kind is what the step loop knows of a kind. It is never changed after Define
// and never freed.
type kind struct {
	// step is the kind's step function. Its parameter was a *Frame[S, R]; the
	// loop calls it through this type, with the same pointer.
	step  func(*header) Step
	place arena.Place // of the frame's class in a cache
	class bins.Class  // of the frame; bins.Classes or more if it is large
	size  uintptr     // of the frame, in bytes
	name  string

	// What elision needs to know, as layouts: need is the room that a frame takes
	// behind another, and room what a frame from the arena has behind itself.
	// behind is where that begins, in bytes from the frame's address.
	need, room uint32
	behind     uintptr
	capacity   uintptr // of the memory that a frame from the arena gets, in bytes

	// resultPointer says where results hold a Go pointer; empty if they do not.
	resultPointer string

	hasCleanup bool // see HasCleanup

	// groupOffset is where in a frame the Group in its state lies, in bytes; 0 if there
	// is none.
	groupOffset uintptr

	// held is the *HeldKind that this is part of; nil if its tasks have no held
	// part.
	held anyHeldKind

	defined position

	// counts is nil until a task is counted. Who counts first makes it; it is never
	// changed again.
	counts atomic.Pointer[kindCounts]

	// calls are *call values of this kind, for reuse.
	calls sync.Pool
}

// Kind is what tasks of one sort share: a name, a step function and the layout
// of their frames. S is the state, R the result. A Kind is made by [Define], once,
// usually for a package-level variable, and may be used by all goroutines.
type Kind[S, R any] struct{ kind }

// Define makes a kind of tasks. The step function is called to begin a task and
// again each time that what it waited for has happened; see [Frame.At].
//
// S must not contain anything that the collector would have to follow: pointers,
// slices, strings, maps, channels, functions, interfaces. Define panics with the
// path of the first such field. What needs them goes into the held part that kinds
// made by [DefineHeld] have.
//
// The name is for people: errors and [Kinds] show it with the position of the
// call of Define. Kinds may share a name, but two package-level variables of one
// package may not: Define panics, because one is nearly always a copy that was to
// be changed.
//
// A step function that awaits its own kind would make a package-level variable
// refer to itself, which Go does not allow: it takes the kind from [Frame.Kind].
func Define[S, R any](name string, step func(f *Frame[S, R]) Step, opts ...KindOption) *Kind[S, R] {
	if step == nil {
		panic("coro: task " + quote(name) + ": Define needs a step function")
	}
	mustBePointerFree(name, "state", reflect.TypeFor[S]())
	k := &Kind[S, R]{kind{
		// A *Frame[S, R] and the *header at its start are the same address and
		// are passed the same way, so the function may be called as one that
		// takes a *header. A closure that converts would cost a second indirect
		// call a step.
		step:          *(*func(*header) Step)(unsafe.Pointer(&step)),
		size:          unsafe.Sizeof(Frame[S, R]{}),
		name:          name,
		resultPointer: pointerPath("result", reflect.TypeFor[R]()),
		defined:       callerPosition(1),
		groupOffset:   groupOffset(name, reflect.TypeFor[S](), unsafe.Offsetof(Frame[S, R]{}.State)),
	}}
	k.layOut()
	for _, o := range opts {
		o(&k.kind)
	}
	k.calls.New = func() any { return newCall[S, R](&k.kind) }
	kinds.add(&k.kind)
	return k
}

// Name returns the name given to Define.
func (k *Kind[S, R]) Name() string { return k.name }

// FrameSize returns the size of a task's frame, in bytes: a header of 48 bytes
// and the state. The arena rounds it up to a power of two of at least 128.
func (k *Kind[S, R]) FrameSize() uintptr { return k.size }

// layOut sets what follows from size.
func (k *kind) layOut() {
	k.class = bins.ClassOf(k.size)
	k.place = arena.PlaceOf(k.class)
	k.behind = roundToUnits(k.size)
	k.need = neverElided
	if units := k.behind / elisionUnit; units < maxRoom {
		k.need = uint32(units) << roomShift
	}
	k.capacity = k.size
	if k.class < bins.Classes {
		k.capacity = k.class.Size()
	}
	k.room = roomBehind(k, k.capacity)
}
