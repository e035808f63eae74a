package main

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// counting is a FrameAllocator that passes calls on to another one, and counts the frames.
// The tasks of a tree call it on any goroutine, so the counters are atomic. They are
// independent of each other and order nothing.
type counting struct {
	next        arena.FrameAllocator
	allocations atomic.Int64 // frames that were handed out
	live        atomic.Int64 // frames that were handed out and not given back
}

func newCounting(next arena.FrameAllocator) *counting { return &counting{next: next} }

// Allocate returns a frame of the other allocator, or nil if that one refuses.
func (c *counting) Allocate(size uintptr) unsafe.Pointer {
	p := c.next.Allocate(size)
	if p != nil {
		c.allocations.Add(1)
		c.live.Add(1)
	}
	return p
}

// Deallocate takes a frame back. size is the size that was asked for. A nil p is ignored.
func (c *counting) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	c.live.Add(-1)
	c.next.Deallocate(p, size)
}
