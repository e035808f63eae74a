package arena

import "unsafe"

// FrameAllocator gives and takes back the memory of frames. Everything in this
// package that hands out frames satisfies it, and so may a user's own type.
//
// Allocate returns memory for a frame of size bytes, or nil when it has none to
// give: it neither panics nor blocks for memory. The memory is aligned to at
// least 16 bytes and its contents are undefined. It stays where it is and is
// not handed out again until Deallocate gets it back, with the same size.
//
// The collector does not look into frames: memory from an allocator must not
// hold the only reference to anything on the Go heap.
//
// Whether an allocator may be used by several goroutines at once is for its type
// to say. An allocator given to a task tree is used by every goroutine that runs
// tasks of the tree.
type FrameAllocator interface {
	Allocate(size uintptr) unsafe.Pointer
	Deallocate(p unsafe.Pointer, size uintptr)
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
