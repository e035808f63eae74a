package coro

import (
	"unsafe"
)

// holds reports whether p lies in h's state, of the given size.
func (h *header) stateHolds(p unsafe.Pointer, stateSize uintptr) bool {
	return uintptr(p)-uintptr(unsafe.Pointer(h))-headerSize < stateSize
}

// holdsApart reports whether p lies in h's held part.
func (h *header) heldPartHolds(p unsafe.Pointer) bool {
	return h.layout&flagHeld != 0 && h.kind.get().held.holds(h, p)
}

// mayKeep reports whether p lies in h's state or held part.
func (h *header) frameHolds(p unsafe.Pointer) bool {
	return h.stateHolds(p, h.kind.get().size-headerSize) || h.heldPartHolds(p)
}

// mayTake panics unless the result of a child of kind k may go to result.
func (h *header) mustHoldResult(k *kind, result unsafe.Pointer, stateSize uintptr) {
	if result != nil && !h.stateHolds(result, stateSize) && !h.heldPartHolds(result) {
		panicMisplacedResult(h, k)
	}
}

func panicMisplacedResult(h *header, k *kind) {
	start := "coro: task " + quote(h.kind.get().name) + ": the result of " + quote(k.name) + " must go to a field of "
	switch {
	case k.resultPointer == "":
		panic(start + "the awaiting frame's State or held part (or to nil): another address may be gone when the child returns")
	case h.layout&flagHeld == 0:
		panic(start + "a held part (or to nil), since its " + k.resultPointer + " holds a Go pointer: make the awaiting kind with DefineHeld")
	default:
		panic(start + "the awaiting task's held part (or to nil), since its " + k.resultPointer + " holds a Go pointer")
	}
}

func (c *Chan[T]) panicMisplacedValue(h *header) {
	const end = " (or to nil): another address may be gone when a value comes"
	start := "coro: task " + quote(h.kind.get().name) + ": what Recv receives must go to a field of "
	if c.pointer == "" {
		panic(start + "the frame's State or held part" + end)
	}
	panic(start + "the task's held part (or to nil), since its " + c.pointer + " holds a Go pointer")
}
