package main

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// counting is a FrameAllocator that passes calls on to another, and counts. A task tree
// calls it from whatever goroutines run its tasks, so it counts atomically.
type counting struct {
	next        arena.FrameAllocator
	allocations atomic.Int64 // frames that were handed out; it never falls
	live        atomic.Int64 // of these, those that are not back
}

func newCounting(next arena.FrameAllocator) *counting { return &counting{next: next} }

// Allocate returns a frame of the other allocator or, if that has none, nil.
func (c *counting) Allocate(size uintptr) unsafe.Pointer {
	p := c.next.Allocate(size)
	if p != nil {
		c.allocations.Add(1)
		c.live.Add(1)
	}
	return p
}

// Deallocate takes a frame back, of the size that was asked for.
func (c *counting) Deallocate(p unsafe.Pointer, size uintptr) {
	c.live.Add(-1)
	c.next.Deallocate(p, size)
}
