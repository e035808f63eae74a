package arena

import (
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// AllocateZeroed is [Arena.Allocate] for a frame whose bytes are zero.
func (a *Arena) AllocateZeroed(size uintptr) unsafe.Pointer {
	return a.zeroed(a.Allocate(size), size)
}

// AllocateZeroed is [Cache.Allocate] for a frame whose bytes are zero. Only the
// owner may call it.
func (c *Cache) AllocateZeroed(size uintptr) unsafe.Pointer {
	return c.arena.zeroed(c.Allocate(size), size)
}

// zeroed clears the frame at p, which is new, if the system has not done so: only
// fresh mappings are known to be zero.
func (a *Arena) zeroed(p unsafe.Pointer, size uintptr) unsafe.Pointer {
	if p == nil || size > bins.MaxSize && !slab.FromHeap && a.checker == nil {
		return p
	}
	clear(unsafe.Slice((*byte)(p), size))
	return p
}
