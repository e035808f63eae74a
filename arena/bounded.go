package arena

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// Bounded is a FrameAllocator that passes calls on to another one within a budget in bytes.
// With one Bounded for each tenant, in front of an allocator that the tenants share, no
// tenant can use up all memory. Several goroutines may use it at once if they may use the
// other allocator.
//
// A frame counts with the bytes that it takes from an arena: its size rounded up to the
// size of its class, a power of two of at least 128 B, or, over 64 KiB, to whole pages. A
// frame must be freed through the Bounded that it was allocated from; otherwise its bytes
// stay counted.
type Bounded struct {
	next FrameAllocator // never changes

	// Every Allocate and Deallocate writes the words between the two paddings. The paddings
	// give them cache lines of their own, so that tenants do not slow each other.
	_ [128]byte

	// used is the bytes of the live frames, and of requests that next has not answered yet.
	// At every moment
	//
	//	bytes of live frames of next that were allocated through b ≤ used
	//
	// Only take raises it, before next is asked: by a compare-and-swap to a sum that it has
	// compared with limit. So of several goroutines that compete for the last bytes one
	// gets them. Deallocate lowers it after next has the frame back, and Allocate after
	// next has refused. used may be above limit after SetMaxBytes has lowered that.
	//
	// Nothing is published through used or the other words: frames pass between goroutines
	// through next. So no order between two of them is needed.
	//
	// TestBoundedLastBytesGoToOne and TestBoundedUnderConcurrency show it.
	used  atomic.Uintptr
	limit atomic.Uintptr // written by SetMaxBytes, read by take

	// Figures. Allocate and Deallocate write them, Stats reads them. Deallocate also reads
	// live, to find misuse.
	peak        atomic.Uintptr
	live        atomic.Int64
	refused     atomic.Uint64
	nextRefused atomic.Uint64

	_ [128]byte
}

// NewBounded returns a Bounded in front of next with a budget of maxBytes bytes. With 0 it
// refuses every request. It panics if next is nil.
func NewBounded(next FrameAllocator, maxBytes uintptr) *Bounded {
	if isNone(next) {
		panic("arena: NewBounded without an allocator: pass the one that the budget is for")
	}
	b := &Bounded{next: next}
	b.limit.Store(maxBytes)
	return b
}

// BoundedStats are the figures of a [Bounded].
type BoundedStats struct {
	MaxBytes    uintptr // the budget
	Bytes       uintptr // bytes of the live frames, rounded as Bounded says
	PeakBytes   uintptr // the most that Bytes ever was
	Live        int64   // live frames
	Refused     uint64  // requests that exceeded the budget
	NextRefused uint64  // requests within the budget that the other allocator refused
}

// Allocate returns a frame of size bytes from the other allocator, aligned as that aligns
// it. It returns nil if the frame would exceed the budget, without asking the other
// allocator, or if the other allocator refuses.
func (b *Bounded) Allocate(size uintptr) unsafe.Pointer {
	n, ok := footprint(size)
	if !ok {
		b.refused.Add(1)
		return nil
	}
	sum, ok := b.take(n)
	if !ok {
		b.refused.Add(1)
		return nil
	}
	p := b.next.Allocate(size)
	if p == nil {
		b.used.Add(-n)
		b.nextRefused.Add(1)
		return nil
	}
	b.live.Add(1)
	for {
		peak := b.peak.Load()
		if sum <= peak || b.peak.CompareAndSwap(peak, sum) {
			return p
		}
	}
}

// Deallocate frees a frame to the other allocator, and then its bytes to the budget. size
// is the size that Allocate was called with, or, if the other allocator permits it, another
// of the same class. A nil p is ignored. It panics if more is freed than is live.
func (b *Bounded) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	n, ok := footprint(size)
	if !ok || b.live.Load() <= 0 || n > b.used.Load() {
		panic(fmt.Sprintf("arena: Bounded.Deallocate of %p with size %d, which is more than is live: "+
			"a frame is freed through the Bounded that it was allocated from, once and with its size", p, size))
	}
	b.next.Deallocate(p, size)
	b.live.Add(-1)
	b.used.Add(-n)
}

// take adds n to used and returns the sum. It reports false, and does nothing, if the sum
// exceeds the limit.
func (b *Bounded) take(n uintptr) (sum uintptr, ok bool) {
	for {
		used, limit := b.used.Load(), b.limit.Load()
		if n > limit || used > limit-n {
			return 0, false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return used + n, true
		}
	}
}

// SetMaxBytes changes the budget. If more than maxBytes bytes are in use, Allocate refuses
// until enough frames are freed. An Allocate that runs at the same time uses the old or the
// new budget. Any goroutine may call it.
func (b *Bounded) SetMaxBytes(maxBytes uintptr) { b.limit.Store(maxBytes) }

// Stats returns the figures. They are exact while no goroutine allocates or frees.
// Otherwise Bytes and PeakBytes may include requests that the other allocator is about to
// refuse. Any goroutine may call it.
func (b *Bounded) Stats() BoundedStats {
	return BoundedStats{
		MaxBytes:    b.limit.Load(),
		Bytes:       b.used.Load(),
		PeakBytes:   b.peak.Load(),
		Live:        b.live.Load(),
		Refused:     b.refused.Load(),
		NextRefused: b.nextRefused.Load(),
	}
}

// footprint returns the bytes that a frame of size bytes takes from an arena, or false if
// their number overflows.
func footprint(size uintptr) (uintptr, bool) {
	if k := bins.ClassOf(max(size, 1)); k < bins.Classes {
		return k.Size(), true
	}
	n := roundToPages(size)
	return n, n >= size
}
