// Package offheap has references that the garbage collector does not see, for memory outside
// of the Go heap.
package offheap

import "unsafe"

// A Link refers to a T that something else keeps alive and that does not move: memory outside
// of the Go heap, or an object on the Go heap; never a variable on a stack. Zero
// refers to nothing.
//
// It is an integer. The collector does not look into memory outside of its heap, so a
// pointer there would keep nothing alive. And a store of a pointer type runs the write
// barrier, which looks at the bytes that are replaced: in memory that is used again these may
// be the address of an object that is gone, and the collector would crash.
//
// A Link has no lock. Who may read and write it is said where it is declared.
type Link[T any] uintptr

// Get returns what l refers to, or nil. It loads the integer as the pointer that it was:
// vet and checkptr object to a conversion from uintptr, because they cannot tell this one
// from a mistake.
func (l *Link[T]) Get() *T { return *(**T)(unsafe.Pointer(l)) }

// Set makes l refer to p.
func (l *Link[T]) Set(p *T) { *l = Link[T](unsafe.Pointer(p)) }
