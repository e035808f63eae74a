package coro

import (
	"reflect"
	"unsafe"

	"github.com/framearena/framearena/internal/slots"
)

// heldParts is the held parts of a kind's tasks, whose type H it does not know: what it knows are sizes,
// offsets and two functions. So kinds of different types share this code.
//
// A task's held part lies in a slot on the Go heap, and the task's frame has a word that refers to it. Its
// task alone uses the slot until it is released.
type heldParts struct {
	slots   slots.Untyped
	slotAt  uintptr // where the word is that refers to the slot, in bytes from the frame's address
	valueAt uintptr // where the held part is, in bytes from the slot's address
	typ     reflect.Type

	// move copies the value at from to to, unless that is nil, and clears from.
	move func(to, from unsafe.Pointer)

	// locks is where the locks of waitables are in the held part, as offsets. Not changed.
	locks []uintptr

	// kind is the *HeldKind or *CompiledKind that this is part of.
	kind any

	// releaseMore is called in place of clear, which it calls, if there is more to release than
	// memory. It is nil for most kinds.
	releaseMore func(w *Worker, h *header)
}

// initParts makes p ready for held parts of type H.
func initParts[H any](p *heldParts, kind any, slotAt uintptr) {
	p.init(kind, reflect.TypeFor[slots.Slot[H]](), slotAt)
	move := moveValue[H]
	p.move = *(*func(to, from unsafe.Pointer))(unsafe.Pointer(&move)) // pointers are passed in the same way
}

func moveValue[H any](to, from *H) {
	if to != nil {
		*to = *from
	}
	var zero H
	*from = zero
}

func (p *heldParts) init(kind any, slot reflect.Type, slotAt uintptr) {
	value, _ := slot.FieldByName("Value")
	p.typ = value.Type
	p.valueAt = value.Offset
	p.slotAt = slotAt
	p.kind = kind
	p.locks = locksIn(p.typ, 0, nil)
	p.slots.Init(slot)
}

// slot returns the word of h's frame that refers to its slot.
func (p *heldParts) slot(h *header) *link[byte] {
	return (*link[byte])(unsafe.Add(unsafe.Pointer(h), p.slotAt))
}

// value returns the held part of h. It is nil if h has none: see CompiledKind.SpillBare.
func (p *heldParts) value(h *header) unsafe.Pointer {
	s := p.slot(h).get()
	if s == nil {
		return nil
	}
	return unsafe.Add(unsafe.Pointer(s), p.valueAt)
}

// hold gives h, a new frame, a held part, which is zero, and returns it. w is the worker whose goroutine
// calls, or nil if none does.
func (p *heldParts) hold(w *Worker, h *header) unsafe.Pointer {
	s := p.slots.Take(w.freeSlots())
	p.slot(h).set((*byte)(s))
	h.layout |= flagHeld
	return unsafe.Add(s, p.valueAt)
}

// release releases the held part of h. w is the worker whose goroutine calls, or nil if none does.
func (p *heldParts) release(w *Worker, h *header) {
	if p.releaseMore != nil {
		p.releaseMore(w, h)
		return
	}
	p.clear(w, h)
}

// clear clears the held part of h and frees its slot.
func (p *heldParts) clear(w *Worker, h *header) {
	v := p.value(h)
	if len(p.locks) > 0 {
		retireAll(v, p.locks)
	}
	p.free(w, v)
}

// free clears a held part and frees its slot.
func (p *heldParts) free(w *Worker, v unsafe.Pointer) {
	p.move(nil, v)
	p.slots.Put(w.freeSlots(), unsafe.Add(v, -int(p.valueAt)))
}

// holds reports whether a lies in the held part of h.
func (p *heldParts) holds(h *header, a unsafe.Pointer) bool {
	return uintptr(a)-uintptr(p.value(h)) < p.typ.Size()
}

// use returns the memory of the Go heap that the slots have.
func (p *heldParts) use() slots.Use { return p.slots.Use() }

// relocate gives h another slot, with the same value, and returns how far the held part has moved, and
// where it was. For tests; see suspension_move.go.
func (p *heldParts) relocate(w *Worker, h *header) (by, from, size uintptr) {
	old := p.value(h)
	v := p.hold(w, h)
	p.move(v, old)
	p.free(w, old)
	return uintptr(v) - uintptr(old), uintptr(old), p.typ.Size()
}

// retireAll takes the waitables whose locks are at the offsets out of the set of their executor: it must
// not meet them while, or after, their memory is cleared.
func retireAll(held unsafe.Pointer, locks []uintptr) {
	for _, at := range locks {
		(*lock)(unsafe.Add(held, at)).retire()
	}
}

// locksIn appends the offsets of the locks in a value of type t, which is at the offset at.
func locksIn(t reflect.Type, at uintptr, locks []uintptr) []uintptr {
	switch {
	case t == reflect.TypeFor[lock]():
		return append(locks, at)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			locks = locksIn(f.Type, at+f.Offset, locks)
		}
	case t.Kind() == reflect.Array && len(locksIn(t.Elem(), 0, nil)) > 0:
		for i := range t.Len() {
			locks = locksIn(t.Elem(), at+uintptr(i)*t.Elem().Size(), locks)
		}
	}
	return locks
}
