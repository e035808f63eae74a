package arena

import "unsafe"

// FrameAllocator allocates and frees the memory of frames. All allocators of this package
// implement it, and so may a user's own type.
//
// Allocate returns memory for a frame of size bytes, or nil if there is none: it neither
// panics nor waits for memory. The memory is aligned to at least 16 bytes, and its contents
// are undefined. It does not move. It belongs to the caller until Deallocate is called with
// its address and the same size; only then may it be handed out again.
//
// Deallocate of a nil p does nothing, whatever size is: a caller may pass on the answer of
// a refused Allocate. It changes no figure and does not reach an allocator below.
//
// The caller may hold a frame by an integer alone, as the links between tasks do. So an
// allocator on the Go heap keeps its live frames reachable itself.
//
// The collector does not look into frames: memory from an allocator must not hold the only
// reference to anything on the Go heap.
//
// Each type documents whether several goroutines may use it at once. The allocator of a
// task tree is used by every goroutine that runs tasks of the tree.
type FrameAllocator interface {
	Allocate(size uintptr) unsafe.Pointer
	Deallocate(p unsafe.Pointer, size uintptr)
}

// isNone reports whether next is no allocator: nil, or a nil pointer to one of this package's.
// The latter is not caught by a comparison with nil, and would be a nil dereference at the
// first request.
func isNone(next FrameAllocator) bool {
	switch next := next.(type) {
	case nil:
		return true
	case *Arena:
		return next == nil
	case *Cache:
		return next == nil
	case *Heap:
		return next == nil
	case *Counting:
		return next == nil
	case *Bounded:
		return next == nil
	case *Monotonic:
		return next == nil
	case *Trace:
		return next == nil
	}
	return false
}

var (
	_ FrameAllocator = (*Arena)(nil)
	_ FrameAllocator = (*Cache)(nil)
	_ FrameAllocator = (*Heap)(nil)
	_ FrameAllocator = (*Counting)(nil)
	_ FrameAllocator = (*Bounded)(nil)
	_ FrameAllocator = (*Monotonic)(nil)
	_ FrameAllocator = (*Trace)(nil)
)
