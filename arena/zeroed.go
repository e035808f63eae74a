package arena

import (
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// AllocateZeroed is [Arena.Allocate] for a frame whose first size bytes are zero.
func (a *Arena) AllocateZeroed(size uintptr) unsafe.Pointer {
	return a.zeroed(a.Allocate(size), size)
}

// AllocateZeroed is [Cache.Allocate] for a frame whose first size bytes are zero. Only the
// owner may call it.
func (c *Cache) AllocateZeroed(size uintptr) unsafe.Pointer {
	return c.arena.zeroed(c.Allocate(size), size)
}

// zeroed clears the first size bytes of the new frame at p, and returns p, which may be
// nil. Fresh mappings are zero already.
func (a *Arena) zeroed(p unsafe.Pointer, size uintptr) unsafe.Pointer {
	if p == nil || size > bins.MaxSize && !slab.FromHeap && a.checker == nil {
		return p
	}
	clear(unsafe.Slice((*byte)(p), size))
	return p
}
