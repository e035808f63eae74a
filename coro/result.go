package coro

import (
	"unsafe"
)

// A step function gives addresses where something is to go when it has returned: the result
// of a child, a received value, the number of a chosen case. Such an address must lie in the
// state or the held part of the task itself, or be nil: both outlive what the task waits for.
// The address of a variable on the goroutine's stack, for example, does not. What holds Go
// pointers has its type in no state, so it goes to the held part.

// stateHolds reports whether p lies in h's state, which has the given size.
func (h *header) stateHolds(p unsafe.Pointer, stateSize uintptr) bool {
	return uintptr(p)-uintptr(unsafe.Pointer(h))-headerSize < stateSize
}

// heldPartHolds reports whether p lies in h's held part.
func (h *header) heldPartHolds(p unsafe.Pointer) bool {
	return h.layout&flagHeld != 0 && h.kind.get().held.holds(h, p)
}

// mayPlace reports whether something for the task of h may go to p. stateSize is the size of
// h's state. It is small enough to be inlined.
func (h *header) mayPlace(p unsafe.Pointer, stateSize uintptr) bool {
	return p == nil || h.stateHolds(p, stateSize) || h.heldPartHolds(p)
}

// stateSize returns the size of h's state or, if the task has a held part, that and the size
// of the word that refers to it. A call that knows the type of the state has the size as a
// constant.
func (h *header) stateSize() uintptr { return h.kind.get().size - headerSize }

// mustHoldResult panics unless the result of a child of kind k may go to result.
func (h *header) mustHoldResult(k *kind, result unsafe.Pointer, stateSize uintptr) {
	if !h.mayPlace(result, stateSize) {
		panicMisplacedResult(h, k)
	}
}

// What is misplaced is said in functions of their own, which are not inlined: Await, Recv and
// Select shall have small frames.

//go:noinline
func panicMisplacedResult(h *header, k *kind) {
	h.panicMisplaced(placed{"the result of " + quote(k.name), "awaiting ", k.resultPointer, "the child returns"})
}

//go:noinline
func panicMisplacedValue(h *header, pointer string) {
	h.panicMisplaced(placed{what: "what Recv receives", pointer: pointer, when: "a value comes"})
}

//go:noinline
func panicMisplacedChosen(h *header) {
	h.panicMisplaced(placed{what: "the chosen case of Select", when: "one is chosen"})
}

// placed says what cannot go to an address, for the text of a panic.
type placed struct {
	what    string // what was to go there
	whose   string // "awaiting " if the task awaits a child, otherwise empty
	pointer string // where its type holds a Go pointer; empty if it does not
	when    string // when another address may be gone
}

// panicMisplaced panics because mayPlace has said no.
func (h *header) panicMisplaced(v placed) {
	start := "coro: task " + quote(h.kind.get().name) + ": " + v.what + " must go to a field of "
	switch {
	case v.pointer == "":
		panic(start + "the " + v.whose + "frame's State or held part (or to nil): another address may be gone when " + v.when)
	case h.layout&flagHeld == 0 && v.whose != "":
		panic(start + "a held part (or to nil), since its " + v.pointer + " holds a Go pointer: make the " + v.whose + "kind with DefineHeld")
	default:
		panic(start + "the " + v.whose + "task's held part (or to nil), since its " + v.pointer + " holds a Go pointer")
	}
}
