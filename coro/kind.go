package coro

import (
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// kind is the part of a Kind, HeldKind or SeqKind that does not depend on types: what the step
// loop needs. Those embed it, and so its exported methods are theirs. Define
// writes it; afterwards any goroutine reads it. It is never freed. Only counts and calls
// change, and guard themselves.
type kind struct {
	// step is the kind's step function. Its parameter is a *Frame[S, R]; the loop calls it
	// through this type, with the same address.
	step  func(*header) Step
	place arena.Place // of the free list of the frame's class, in a cache
	class bins.Class  // of the frame; bins.Classes or more if the frame is large
	size  uintptr     // of the frame, in bytes
	name  string

	// For elision; see header.go. need and room are layouts, with no flags: need is the room
	// that a frame takes behind another, room the room behind a frame from the arena. behind is
	// where the room begins, in bytes from the frame's address.
	need, room uint32
	behind     uintptr
	capacity   uintptr // of the memory that a frame from the arena gets, in bytes

	// resultPointer is the path to a Go pointer in results, for error texts. It is empty if
	// results hold none.
	resultPointer string

	hasCleanup bool // the step function has a case for Cleanup; see HasCleanup
	compiled   bool // the step function was compiled from a Go function; see Compiled

	// groupOffset is where in a frame the Group in its state lies, in bytes. It is 0 if the
	// state has none.
	groupOffset uintptr

	// held is nil if the tasks have no held part.
	held *heldParts

	defined position

	// counts is nil until a task of the kind is counted. The goroutine that counts first sets
	// it, by compare-and-swap, and nobody changes it again. Any goroutine loads it.
	counts atomic.Pointer[kindCounts]

	calls sync.Pool // *callWith or *heldCall values of this kind, for reuse
}

// Kind is what tasks of one sort share: a name, a step function and the layout of their frames.
// S is the state, R the result. A Kind is made by [Define], once, usually for a package-level
// variable. Any goroutine may use it, at any time.
type Kind[S, R any] struct{ kind }

// Define makes a kind of tasks. The step function is called when a task begins, and again each
// time that what the task waited for has happened; see [Frame.At].
//
// S must not contain anything that the garbage collector would have to follow: pointers,
// slices, strings, maps, channels, functions, interfaces. Define panics with the path of the
// first such field. What needs them goes into the held part, which tasks of kinds made by
// [DefineHeld] have.
//
// The name is for people: errors and [Kinds] show it, with the position of the call of Define.
// Kinds may share a name. But two package-level variables of one package may not: Define
// panics, because one of them is nearly always a copy that somebody forgot to change.
//
// A step function that awaits its own kind gets the kind from [Frame.Kind]. Go does not allow a
// package-level variable that refers to itself.
func Define[S, R any](name string, step func(f *Frame[S, R]) Step, opts ...KindOption) *Kind[S, R] {
	if step == nil {
		panic("coro: task " + quote(name) + ": Define needs a step function")
	}
	mustBePointerFree(name, "state", reflect.TypeFor[S]())
	k := &Kind[S, R]{kind{
		// A *Frame[S, R] and the *header at its beginning are the same address and
		// are passed in the same way, so the function may be called as one that
		// takes a *header. A closure that converts would cost each step a second
		// indirect call.
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

// FrameSize returns the size of a task's frame, in bytes: a header of 48 bytes, or 32 where
// words have 4 bytes, the state and, if tasks have a held part, a word that refers to it. The
// arena rounds the size up to a power of two of at least 128.
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
