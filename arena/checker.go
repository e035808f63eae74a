package arena

import (
	"sync"
	"unsafe"

	"github.com/cespare/xxhash/v2"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/refusal"
)

// checker is checked mode. All operations of the arena and its caches pass through it, and
// it keeps a record of each frame beside the slabs. Any goroutine may call allocate and
// deallocate; the callers of all other methods hold mu.
type checker struct {
	arena *Arena

	// mu guards everything here and the records of all slabs. It is locked before the
	// arena's trimming.
	mu sync.Mutex

	// cache holds the free frames that are not in quarantine. Its lists are open; those of
	// all other caches are closed, so that their operations come here.
	cache *Cache

	large      map[uintptr]*record // frames over 64 KiB, by address: live ones, and recently freed ones
	largeFreed []uintptr           // the addresses of the latter, oldest first

	quarantine      fifo[quarantinedFrame] // freed frames that are not used again yet, oldest first
	quarantineBytes uintptr                // their size
	quarantineLimit uintptr                // never changes

	sites siteTable
}

const (
	// guardSize is the least number of guard bytes behind the size that was asked for.
	guardSize = 16

	defaultQuarantine = 1 << 20

	// maxLargeFreed bounds the records of freed large frames.
	maxLargeFreed = 1024
)

// newChecker returns the checker of a, which is being made.
func newChecker(a *Arena, quarantine uintptr) *checker {
	if quarantine == 0 {
		quarantine = defaultQuarantine
	}
	ch := &checker{arena: a, quarantineLimit: quarantine, large: make(map[uintptr]*record)}
	ch.cache = newCache(a)
	ch.cache.openLists()
	ch.cache.isOpen = true
	caches := append(*a.caches.Load(), ch.cache)
	a.caches.Store(&caches)
	return ch
}

// allocate is Allocate in checked mode. It returns nil if there is no memory.
func (ch *checker) allocate(size uintptr) unsafe.Pointer {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	padded := size + guardSize
	if padded < size || refusal.Refused(size) {
		return nil
	}
	k := bins.ClassOf(padded)
	if k >= bins.Classes {
		return ch.allocateLarge(size, padded)
	}
	p := ch.cache.allocateClass(k)
	if p == nil && ch.publish() {
		p = ch.cache.allocateClass(k)
	}
	if p == nil {
		return nil
	}
	r := ch.record(p)
	ch.mustBeUntouchedFrame(p, k, r)
	ch.handOut(p, k.Size(), size, r)
	return p
}

// allocateLarge is allocate for frames that, padded, are over 64 KiB.
func (ch *checker) allocateLarge(size, padded uintptr) unsafe.Pointer {
	p := ch.arena.allocateLarge(padded)
	if p == nil && ch.publish() {
		p = ch.arena.allocateLarge(padded)
	}
	if p == nil {
		return nil
	}
	r := new(record)
	ch.large[uintptr(p)] = r
	ch.handOut(p, roundToPages(padded), size, r)
	return p
}

// handOut makes the frame at p, of capacity bytes, a live frame of size bytes: it sets its
// record and fills its memory.
func (ch *checker) handOut(p unsafe.Pointer, capacity, size uintptr, r *record) {
	*r = record{state: frameLive, size: size, allocated: ch.sites.caller()}
	memory := unsafe.Slice((*byte)(p), capacity)
	fill(memory[:size], freshByte)
	fill(memory[size:], guardByte)
}

// deallocate is Deallocate in checked mode. p is not nil.
func (ch *checker) deallocate(p unsafe.Pointer, size uintptr) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	r := ch.record(p)
	if r == nil {
		// The slabs are searched first, because one may lie by now where a large frame was.
		ch.deallocateLarge(p, size)
		return
	}
	k := ch.arena.store.Find(p).Desc.class
	ch.mustBeIntact(p, k.Size(), size, r)
	memory := unsafe.Slice((*byte)(p), k.Size())
	fill(memory, freedByte)
	r.state, r.freed, r.sum = frameFreed, ch.sites.caller(), xxhash.Sum64(memory)

	ch.quarantine.push(quarantinedFrame{uintptr(p), k})
	ch.quarantineBytes += k.Size()
	ch.arena.quarantined[k].Add(1)
	for ch.quarantineBytes > ch.quarantineLimit {
		ch.release()
	}
}

// deallocateLarge is deallocate for a p at which no frame of a slab begins.
func (ch *checker) deallocateLarge(p unsafe.Pointer, size uintptr) {
	r := ch.large[uintptr(p)]
	if r == nil {
		ch.reportForeign(p, size)
	}
	capacity := roundToPages(r.size + guardSize)
	ch.mustBeIntact(p, capacity, size, r)
	r.state, r.freed = frameFreed, ch.sites.caller()
	ch.forgetLarge(p)
	ch.arena.deallocateLarge(p, capacity)
}

// forgetLarge adds p to the freed large frames, and drops the record of the oldest if there
// are too many.
func (ch *checker) forgetLarge(p unsafe.Pointer) {
	ch.largeFreed = append(ch.largeFreed, uintptr(p))
	if len(ch.largeFreed) <= maxLargeFreed {
		return
	}
	oldest := ch.largeFreed[0]
	ch.largeFreed = append(ch.largeFreed[:0], ch.largeFreed[1:]...)
	// The address may belong to a new live frame.
	if r := ch.large[oldest]; r != nil && r.state == frameFreed {
		delete(ch.large, oldest)
	}
}
