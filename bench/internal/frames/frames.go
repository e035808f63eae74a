// Package frames has the disciplines of allocators: memory of 128 bytes, for one activity.
package frames

import (
	"unsafe"
)

// size is that of each piece of memory, the smallest frame.
const size = 128

// block is how many frames go from one goroutine to another at a time.
const block = 32

// allocator is an allocator as one goroutine sees it. Whoever allocates writes a number
// into each frame, and whoever frees reads it: so memory is touched, as it would be, and
// it comes to light if somebody else has it too.
type allocator struct {
	// pair allocates a frame and frees it, n times, with the numbers below n. It returns
	// their sum.
	pair func(n int) (sum uint64)

	// get allocates a frame for each element of frames, with the numbers from on.
	get func(frames []unsafe.Pointer, from uint64)

	// put frees frames and returns the sum of their numbers.
	put func(frames []unsafe.Pointer) (sum uint64)

	// close releases what the allocator has. It may be nil.
	close func() error
}

// source is where allocators come from.
type source interface {
	// open returns an allocator for one more goroutine.
	open() allocator

	// close is called when all allocators are closed.
	close() error
}

// shared is a source of allocators that any goroutine may use.
type shared struct{ allocator }

func (s shared) open() allocator { return s.allocator }
func (s shared) close() error    { return nil }

// number returns the number in a frame.
func number(p unsafe.Pointer) *uint64 { return (*uint64)(p) }

// below returns the sum of the numbers below n.
func below(n int) uint64 { return uint64(n) * uint64(n-1) / 2 }
