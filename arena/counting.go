package arena

import (
	"sync/atomic"
	"unsafe"
)

// Counting is a FrameAllocator that passes every call on to another one, and counts. It
// shows how much a program allocates. Several goroutines may use it at once if they may use
// the other allocator.
type Counting struct {
	next FrameAllocator // never changes

	// The counters are independent of each other and publish nothing. Callers of Allocate
	// and Deallocate change them with atomic additions, and peak with a compare-and-swap to
	// a larger value; Stats reads them.
	allocated, deallocated, refused atomic.Uint64
	bytes                           atomic.Int64
	peak                            atomic.Int64
}

// NewCounting returns a Counting in front of next. It panics if next is nil.
func NewCounting(next FrameAllocator) *Counting {
	if isNone(next) {
		panic("arena: NewCounting without an allocator: pass the one whose calls are counted")
	}
	return &Counting{next: next}
}

// CountingStats are the figures of a [Counting].
type CountingStats struct {
	Allocated   uint64 // frames handed out since NewCounting
	Deallocated uint64 // frames taken back
	Refused     uint64 // requests answered with nil
	Bytes       int64  // size of the live frames, as it was asked for
	PeakBytes   int64  // the most that Bytes ever was
}

// Allocate returns the result of the other allocator's Allocate, and counts it.
func (c *Counting) Allocate(size uintptr) unsafe.Pointer {
	p := c.next.Allocate(size)
	if p == nil {
		c.refused.Add(1)
		return nil
	}
	c.allocated.Add(1)
	now := c.bytes.Add(int64(size))
	for {
		peak := c.peak.Load()
		if now <= peak || c.peak.CompareAndSwap(peak, now) {
			return p
		}
	}
}

// Deallocate counts the frame as freed and frees it to the other allocator. A nil p is
// ignored, and not counted.
func (c *Counting) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	c.deallocated.Add(1)
	c.bytes.Add(-int64(size))
	c.next.Deallocate(p, size)
}

// Stats returns the counts. Each is exact. They are of the same moment only if no other
// goroutine allocates or frees.
func (c *Counting) Stats() CountingStats {
	return CountingStats{
		Allocated:   c.allocated.Load(),
		Deallocated: c.deallocated.Load(),
		Refused:     c.refused.Load(),
		Bytes:       c.bytes.Load(),
		PeakBytes:   c.peak.Load(),
	}
}
