package arena

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// Bounded is a FrameAllocator that passes calls on to another as long as a budget
// in bytes lasts: one for each tenant, in front of an allocator that the tenants
// share, keeps one of them from using up what is everyone's. Any number of
// goroutines may use it if they may use the other.
//
// What counts is what a frame really takes from an arena: its size rounded up to
// that of its class, a power of two of at least 128 B, or, over 64 KiB, to whole
// pages. A Bounded owns nothing: a frame belongs to the other allocator, but must
// be freed through the Bounded that it was allocated from, or the budget is lost.
type Bounded struct {
	next FrameAllocator // never changes

	// Whoever allocates or frees writes what is between the two paddings, so it
	// has cache lines of its own: tenants do not slow each other.
	_ [128]byte

	// used is what the live frames take, and the requests that next has not
	// answered yet. Only take raises it, by a compare-and-swap of a sum that it
	// compared with limit, so of all that ask for the last bytes one gets them.
	// Only give lowers it, once the bytes are back with next: at no moment does
	// next have more of them out than used says.
	//
	// Nothing is published through used or any of the others: frames pass between
	// goroutines through next. So each atomic is right by itself, and none needs
	// an order with another.
	used  atomic.Uintptr
	limit atomic.Uintptr // written by SetMaxBytes

	// For statistics alone: written by whoever allocates and frees.
	peak        atomic.Uintptr
	live        atomic.Int64
	refused     atomic.Uint64
	nextRefused atomic.Uint64

	_ [128]byte
}

// NewBounded returns a Bounded that lets at most maxBytes bytes be in use in
// next; with 0 it refuses everything. It panics if next is nil.
func NewBounded(next FrameAllocator, maxBytes uintptr) *Bounded {
	if next == nil {
		panic("arena: NewBounded without an allocator: pass the one that the budget is for")
	}
	b := &Bounded{next: next}
	b.limit.Store(maxBytes)
	return b
}

// BoundedStats are the figures of a [Bounded].
type BoundedStats struct {
	MaxBytes    uintptr // the budget
	Bytes       uintptr // what the live frames take of it, rounded as Bounded says
	PeakBytes   uintptr // the most that Bytes ever was
	Live        int64   // live frames
	Refused     uint64  // requests that the budget had no room for
	NextRefused uint64  // requests that it had room for and the other allocator refused
}

// Allocate returns memory for a frame of size bytes as the other allocator gives
// it, aligned as that aligns it. It returns nil if the frame would exceed the
// budget, and then does not ask the other allocator, or if that refuses.
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

// Deallocate gives a frame back to the other allocator, and then its bytes to the
// budget. size is the size that was asked for, or another of the same class. It
// panics if more is freed than was allocated through b.
func (b *Bounded) Deallocate(p unsafe.Pointer, size uintptr) {
	n, ok := footprint(size)
	if !ok || b.live.Load() <= 0 || n > b.used.Load() {
		panic(fmt.Sprintf("arena: Bounded.Deallocate of %p with size %d, which is more than is live: "+
			"a frame is freed through the Bounded that it was allocated from, once and with its size", p, size))
	}
	b.next.Deallocate(p, size)
	b.live.Add(-1)
	b.used.Add(-n)
}

// take adds n to used, unless that exceeds the limit, and returns the sum.
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

// SetMaxBytes changes the budget. If less than what is in use is left of it,
// Allocate refuses until enough frames are freed. A call of Allocate that runs at
// the same time goes by either budget.
func (b *Bounded) SetMaxBytes(maxBytes uintptr) { b.limit.Store(maxBytes) }

// Stats returns the figures. Each is exact while nobody allocates or frees;
// otherwise Bytes and PeakBytes may include requests that the other allocator is
// about to refuse.
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

// footprint returns what a frame of size bytes takes from an arena, or false if
// that is more than can be said.
func footprint(size uintptr) (uintptr, bool) {
	if k := bins.ClassOf(max(size, 1)); k < bins.Classes {
		return k.Size(), true
	}
	n := roundToPages(size)
	return n, n >= size
}
