package slots

import (
	"reflect"
	"unsafe"
)

// Untyped is [Of] for values of a type that is known at run time alone, so that its user need not be
// generic.
type Untyped struct{ store }

// Init makes s ready for slots of the given type, which is Slot[T] for some T.
func (s *Untyped) Init(slot reflect.Type) {
	s.init(func() *node { return newBlockOf(slot) }, slot.Size())
}

// Take is as that of Of. It returns the address of a Slot[T].
func (s *Untyped) Take(own *Local) unsafe.Pointer { return unsafe.Pointer(s.take(own)) }

// Put is as that of Of.
func (s *Untyped) Put(own *Local, slot unsafe.Pointer) { s.put(own, (*node)(slot)) }

// Use is as that of Of.
func (s *Untyped) Use() Use { return s.use() }

// newBlockOf is newBlock.
func newBlockOf(slot reflect.Type) *node {
	n := blockLen(slot.Size())
	block := reflect.MakeSlice(reflect.SliceOf(slot), n, n).UnsafePointer()
	at := func(i int) *node { return (*node)(unsafe.Add(block, uintptr(i)*slot.Size())) }
	for i := range n - 1 {
		at(i).next.Set(at(i + 1))
	}
	return at(0)
}

// As returns s as what it is, if its slots are of type Slot[T].
func As[T any](s *Untyped) *Of[T] { return (*Of[T])(unsafe.Pointer(s)) }
