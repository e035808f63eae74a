// Package frames has the disciplines of allocators: most allocate memory of 128 bytes.
package frames

import (
	"unsafe"
)

// size is the size of a piece of memory: that of the smallest frame.
const size = 128

// block is how many frames one goroutine hands to another at a time.
const block = 32

// allocator is an allocator as one goroutine sees it. The allocating goroutine writes a number
// into each frame, and the freeing one reads it. So the memory is touched, as in a program, and
// the sums are wrong if two users have the same frame.
type allocator struct {
	// pair allocates a frame and frees it, n times, with the numbers below n. It returns
	// their sum.
	pair func(n int) (sum uint64)

	// get allocates a frame for each element of frames, and numbers them, beginning with from.
	get func(frames []unsafe.Pointer, from uint64)

	// put frees frames and returns the sum of their numbers.
	put func(frames []unsafe.Pointer) (sum uint64)

	// close releases the allocator's resources. It may be nil.
	close func() error
}

// source opens allocators of one sort.
type source interface {
	// open returns an allocator for one more goroutine.
	open() allocator

	// close is called after all allocators have been closed.
	close() error
}

// shared is the source of an allocator that any goroutine may use.
type shared struct{ allocator }

func (s shared) open() allocator { return s.allocator }
func (s shared) close() error    { return nil }

// number returns the number in a frame.
func number(p unsafe.Pointer) *uint64 { return (*uint64)(p) }

// below returns the sum of the numbers below n.
func below(n int) uint64 { return uint64(n) * uint64(n-1) / 2 }
