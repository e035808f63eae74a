package coro

import (
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// kind is the part of a kind that does not depend on its types. Kind, HeldKind and SeqKind
// embed it; its exported methods are theirs. All goroutines may read it: but for counts and
// calls, it does not change after Define. It is never freed, since frames refer to it by
// links.
type kind struct {
	// step is the kind's step function. Its parameter was a *Frame[S, R]; the step loop
	// calls it through this type, with the same pointer.
	step  func(*header) Step
	place arena.Place // of the frame's class in a cache
	class bins.Class  // of the frame; bins.Classes or more if it is large
	size  uintptr     // of the frame, in bytes
	name  string

	// What elision needs, in the form of layouts: need is the room that a frame takes behind
	// another, and room is what a frame from the arena has behind itself. behind is where
	// that begins, in bytes from the frame's address.
	need, room uint32
	behind     uintptr
	capacity   uintptr // of the memory that a frame from the arena gets, in bytes

	// resultPointer says where results hold a Go pointer; it is empty if they do not.
	resultPointer string

	cleanup bool // see HasCleanup

	// groupOffset is the offset in a frame of the Group in its state, in bytes; 0 if there
	// is none.
	groupOffset uintptr

	// held is the *HeldKind that this is part of, or what has taken its place; nil if the
	// tasks have no held part.
	held holder

	defined position

	// counts is nil until a task is counted. A goroutine that counts and finds nil makes
	// it, by compare-and-swap from nil, so there is only one; it does not change after that.
	counts atomic.Pointer[kindCounts]

	// calls has calls of this kind for reuse, as *callWith or *heldCall.
	calls sync.Pool
}

// Kind is what tasks of one sort share: a name, a step function and the layout
// of their frames. S is the state, R the result. A Kind is made by [Define], once,
// usually for a package-level variable, and may be used by all goroutines.
type Kind[S, R any] struct{ kind }

// Define makes a kind of tasks. The step function is called to begin a task, and again each
// time that what the task waited for has happened; see [Frame.At].
//
// S must not contain anything that the collector would have to follow: pointers, slices,
// strings, maps, channels, functions, interfaces. Define panics with the path of the first
// such field. Variables of such types go into the held part that kinds made by [DefineHeld]
// have.
//
// The name is for people: errors and [Kinds] show it with the position of the call of Define.
// Kinds may share a name, but those of two package-level variables of one package may not:
// Define panics, because one is nearly always a copy whose name was to be changed.
//
// A step function that awaits its own kind would make a package-level variable refer to
// itself, which Go does not allow: it takes the kind from [Frame.Kind].
func Define[S, R any](name string, step func(f *Frame[S, R]) Step, opts ...KindOption) *Kind[S, R] {
	if step == nil {
		panic("coro: task " + quote(name) + ": Define needs a step function")
	}
	mustBePointerFree(name, "state", reflect.TypeFor[S]())
	k := &Kind[S, R]{kind{
		// A *Frame[S, R] and the *header at its start are the same address and are passed
		// the same way. So the function may be called as one that takes a *header. A
		// closure that converts would cost a second indirect call a step.
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

// Name returns the name that the kind was defined with.
func (k *kind) Name() string { return k.name }

// FrameSize returns the size of a task's frame, in bytes: a header of 48 bytes, the state and,
// if tasks have a held part, a word that refers to it. The arena rounds the size up to a power
// of two of at least 128.
func (k *kind) FrameSize() uintptr { return k.size }

// layOut sets the fields that follow from size.
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
