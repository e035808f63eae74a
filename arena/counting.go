package arena

import (
	"sync/atomic"
	"unsafe"
)

// Counting is a FrameAllocator that passes every call on to another and counts:
// put it in front of an allocator to see whether allocation is worth a thought
// at all. Any number of goroutines may use it if they may use the other.
type Counting struct {
	next FrameAllocator

	// The counters are independent of each other and publish nothing: each is
	// changed by atomic additions of whoever calls, and read for statistics.
	allocated, deallocated, refused atomic.Uint64
	bytes                           atomic.Int64
	peak                            atomic.Int64
}

// NewCounting returns a Counting in front of next.
func NewCounting(next FrameAllocator) *Counting { return &Counting{next: next} }

// CountingStats are the figures of a [Counting].
type CountingStats struct {
	Allocated   uint64 // frames handed out since NewCounting
	Deallocated uint64 // frames taken back
	Refused     uint64 // requests answered with nil
	Bytes       int64  // size of the live frames, as asked for
	PeakBytes   int64  // the most that Bytes ever was
}

// Allocate returns what the other allocator returns, and counts it.
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

// Deallocate counts the frame as freed and passes it on.
func (c *Counting) Deallocate(p unsafe.Pointer, size uintptr) {
	c.deallocated.Add(1)
	c.bytes.Add(-int64(size))
	c.next.Deallocate(p, size)
}

// Stats returns the counts. Each is exact; together they are of one moment only
// while nobody allocates.
func (c *Counting) Stats() CountingStats {
	return CountingStats{
		Allocated:   c.allocated.Load(),
		Deallocated: c.deallocated.Load(),
		Refused:     c.refused.Load(),
		Bytes:       c.bytes.Load(),
		PeakBytes:   c.peak.Load(),
	}
}
