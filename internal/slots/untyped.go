package slots

import (
	"reflect"
	"unsafe"
)

// Untyped is [Of] for values of a type that is known at run time alone, so that its user need not be
// generic.
type Untyped struct{ store }

// Init makes s ready for slots of the given type, which is Slot[T] for some T.
func (s *Untyped) Init(slot reflect.Type) { s.init(slot) }

// Take is as that of Of. It returns the address of a Slot[T].
func (s *Untyped) Take(own *Local) unsafe.Pointer { return unsafe.Pointer(s.take(own)) }

// Put is as that of Of.
func (s *Untyped) Put(own *Local, slot unsafe.Pointer) { s.put(own, (*node)(slot)) }

// Use is as that of Of.
func (s *Untyped) Use() Use { return s.use() }

// As returns s as what it is, if its slots are of type Slot[T].
func As[T any](s *Untyped) *Of[T] { return (*Of[T])(unsafe.Pointer(s)) }
