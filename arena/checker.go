package arena

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/cespare/xxhash/v2"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/refusal"
	"github.com/framearena/framearena/slab"
)

// checker is checked mode: it stands between the arena's callers and its lists, and
// keeps a record of each frame beside the slabs. There is one lock for everything.
type checker struct {
	arena *Arena

	// mu guards everything here, and the records of all slabs. It comes before
	// the arena's trimming.
	mu sync.Mutex

	// cache holds the free frames, as a cache with open lists; the others' are
	// closed.
	cache *Cache

	large      map[uintptr]*record // frames over 64 KiB, the freed ones of the recent past too
	largeFreed []uintptr           // those, oldest first

	quarantine      fifo[quarantinedFrame]
	quarantineBytes uintptr
	quarantineLimit uintptr

	sites siteTable
}

type quarantinedFrame struct {
	address uintptr
	class   bins.Class
}

// record is what is known of a frame.
type record struct {
	state     frameState
	size      uintptr // as asked for
	allocated site    // where it was last
	freed     site
	sum       uint64 // fingerprint of the frame's contents since it was freed
}

type frameState uint8

const (
	frameNew   frameState = iota // never handed out
	frameLive                    // somebody's
	frameFreed                   // in quarantine or in a list, and poisoned
)

// What memory is filled with. As words, none is an address that the collector
// could take for one of the Go heap's.
const (
	freshByte = 0xD1 // handed out, not written yet
	guardByte = 0xDE // behind the size that was asked for
	freedByte = 0xDB
)

const (
	// guardSize is how many bytes at least lie behind the size that was asked for.
	guardSize = 16

	defaultQuarantine = 1 << 20

	// maxLargeFreed is how many freed large frames are remembered.
	maxLargeFreed = 1024
)

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

// allocate is Allocate in checked mode.
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
	ch.begin(p, k.Size(), size, r)
	return p
}

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
	ch.begin(p, roundToPages(padded), size, r)
	return p
}

// begin makes the frame at p, of capacity bytes, one of size bytes that somebody
// has.
func (ch *checker) begin(p unsafe.Pointer, capacity, size uintptr, r *record) {
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
		// Only then: where a large frame was there may be a slab by now.
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

// deallocateLarge is deallocate for a p where no frame of a slab begins.
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

// forgetLarge bounds what is remembered of large frames that were freed; p was last.
func (ch *checker) forgetLarge(p unsafe.Pointer) {
	ch.largeFreed = append(ch.largeFreed, uintptr(p))
	if len(ch.largeFreed) <= maxLargeFreed {
		return
	}
	oldest := ch.largeFreed[0]
	ch.largeFreed = append(ch.largeFreed[:0], ch.largeFreed[1:]...)
	// The address may be that of another frame by now.
	if r := ch.large[oldest]; r != nil && r.state == frameFreed {
		delete(ch.large, oldest)
	}
}

// release lets the oldest frame out of quarantine, and reports whether there was
// one.
func (ch *checker) release() bool {
	f, ok := ch.quarantine.pop()
	if !ok {
		return false
	}
	ch.quarantineBytes -= f.class.Size()
	ch.arena.quarantined[f.class].Add(-1)
	ch.cache.deallocateClass(pointer(&f.address), f.class)
	return true
}

// publish ends all quarantine and publishes every free frame, and reports whether
// any was in quarantine. The caller holds mu.
func (ch *checker) publish() bool {
	any := false
	for ch.release() {
		any = true
	}
	ch.cache.Publish()
	ch.arena.searchAnyway()
	return any
}

// record returns the record of the frame that begins at p, or nil if none does.
func (ch *checker) record(p unsafe.Pointer) *record {
	s := ch.arena.store.Find(p)
	if s == nil || s.Desc.records == nil {
		return nil
	}
	size := s.Desc.class.Size()
	offset := uintptr(p) - uintptr(s.Base())
	if offset%size != 0 {
		return nil
	}
	return &s.Desc.records[offset/size]
}

// mustBeIntact panics if the frame at p, of capacity bytes, is not one that somebody
// has, with that size, and with nothing written beyond it.
func (ch *checker) mustBeIntact(p unsafe.Pointer, capacity, size uintptr, r *record) {
	switch {
	case r.state == frameNew:
		ch.reportForeign(p, size)
	case r.state == frameFreed:
		ch.report("double free", "free each frame once", p, r)
	case r.size != size:
		ch.report(fmt.Sprintf("wrong size: freed with size %d", size), "free a frame with the size that it was asked for", p, r)
	}
	memory := unsafe.Slice((*byte)(p), capacity)
	if at := firstOther(memory[size:], guardByte); at >= 0 {
		ch.report(fmt.Sprintf("overrun: byte %d is %#02x", int(size)+at, memory[int(size)+at]),
			"write no further than the size that was asked for", p, r)
	}
}

// mustBeUntouchedFrame panics if the free frame at p was written to after it was
// freed.
func (ch *checker) mustBeUntouchedFrame(p unsafe.Pointer, k bins.Class, r *record) {
	if r.state != frameFreed {
		return
	}
	memory := unsafe.Slice((*byte)(p), k.Size())
	if xxhash.Sum64(memory) == r.sum {
		return
	}
	what := "write after free"
	if at := firstOther(memory, freedByte); at >= 0 {
		what = fmt.Sprintf("write after free: byte %d is %#02x", at, memory[at])
	}
	ch.report(what, "do not use a frame once it is freed", p, r)
}

// mustBeUntouched panics if a free frame of the slab was written to.
func (ch *checker) mustBeUntouched(s *slab.Slab[slabUse]) {
	k := s.Desc.class
	for i := range s.Desc.records {
		ch.mustBeUntouchedFrame(unsafe.Add(s.Base(), uintptr(i)*k.Size()), k, &s.Desc.records[i])
	}
}

// mustAllBeUntouched panics if any free frame was written to. The caller holds mu.
func (ch *checker) mustAllBeUntouched() {
	for s := range ch.arena.store.Slabs {
		ch.mustBeUntouched(s)
	}
}

func fill(memory []byte, with byte) {
	for i := range memory {
		memory[i] = with
	}
}

// firstOther returns the index of the first byte that is not the given one, or -1.
func firstOther(memory []byte, than byte) int {
	for i, b := range memory {
		if b != than {
			return i
		}
	}
	return -1
}

// fifo is a queue that reuses its memory.
type fifo[T any] struct {
	items []T
	first int
}

func (q *fifo[T]) push(item T) {
	if q.first > 64 && q.first > len(q.items)/2 {
		q.items = append(q.items[:0], q.items[q.first:]...)
		q.first = 0
	}
	q.items = append(q.items, item)
}

func (q *fifo[T]) pop() (item T, ok bool) {
	if q.first == len(q.items) {
		return item, false
	}
	item = q.items[q.first]
	q.first++
	return item, true
}
