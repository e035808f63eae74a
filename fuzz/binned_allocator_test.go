package fuzz

import (
	"fmt"
	"math/bits"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// binned is a small allocator with size classes, slabs, caches, trims and a budget. It has at
// most one fault: one wrong line, of a kind that real allocators have. Any goroutine may use
// it: mu guards everything.
type binned struct {
	fault fault

	mu     sync.Mutex
	slabs  map[uintptr]*binnedSlab // by address
	order  []*binnedSlab           // the same, oldest first
	spare  []*binnedSlab           // that serve no class
	open   [binnedClasses]*binnedSlab
	shared [binnedClasses][][]unsafe.Pointer
	lists  []*binnedCache // the first is own
	own    *binnedCache   // immutable
	large  map[unsafe.Pointer][]byte
	doomed []*binnedSlab // that the next trim wipes, with the fault trimLate
	last   unsafe.Pointer

	live    int
	used    uintptr // of the budget
	pending uintptr // of the budget, for a request that is being served
	refuses bool
	starved [binnedClasses]bool
}

type binnedSlab struct {
	memory []byte
	header int // where frames begin
	class  int
	carved int
	live   int
}

type binnedCache struct {
	of     *binned
	frames [binnedClasses][]unsafe.Pointer
}

const (
	binnedSlabSize = 64 << 10
	binnedHeader   = 64 // of a region, in its first slab
	binnedClasses  = 8  // 128 B to 16 KiB
	binnedRegion   = 4  // slabs that are taken at once, one behind the other
	binnedBudget   = 1 << 20
	binnedBatch    = 16
)

type fault int

const (
	faultless fault = iota
	handsOutTwice
	offByOneClass
	misaligned
	slabEnd
	lostBatch
	staleAccount
	lateLink
	wrongClass
	leakingRefusal
	stickyRefusal
	panickingRefusal
	refusalReuses
	trimLive
	trimLate
	zeroForgotten
	zeroShort
	trimKeepsOpen
	wraps
	cacheKeeps
	budgetByOne
	carvedTwice
	noRoomForOne
)

func newBinned(f fault) func(testing.TB) arena.FrameAllocator {
	return func(testing.TB) arena.FrameAllocator {
		b := &binned{fault: f, slabs: make(map[uintptr]*binnedSlab), large: make(map[unsafe.Pointer][]byte)}
		b.own = &binnedCache{of: b}
		b.lists = []*binnedCache{b.own}
		return b
	}
}

// newFaultless returns a binned without a fault.
func newFaultless(t testing.TB) arena.FrameAllocator { return newBinned(faultless)(t) }

var binnedPromises = Promises{binnedBasics, Recycles(128<<(binnedClasses-1), 0)}

var binnedBasics = Promises{
	Zeroed(),
	Budget(binnedBudget, binnedCost),
	LiveFrames(func(b *binned) int { return b.live }),
	LiveBytes(func(b *binned) uintptr { return b.used }, binnedCost),
	Refusals(func(b *binned, on bool) { b.refuses = on }),
	Trims((*binned).trim),
	Caches(func(b *binned) (arena.FrameAllocator, func()) { c := b.openCache(); return c, c.close }),
	Validates((*binned).validate),
	Concurrent(),
}

func binnedClass(size uintptr) int { return bits.Len64(uint64(max(size, 1)-1) >> 7) }

func binnedCost(size uintptr) uintptr {
	if k := binnedClass(size); k < binnedClasses {
		return 128 << k
	}
	return (size + 4095) &^ 4095
}

func (b *binned) Allocate(size uintptr) unsafe.Pointer           { return b.own.Allocate(size) }
func (b *binned) Deallocate(p unsafe.Pointer, size uintptr)      { b.own.Deallocate(p, size) }
func (c *binnedCache) Deallocate(p unsafe.Pointer, size uintptr) { c.of.deallocate(c, p, size) }
func (c *binnedCache) Allocate(size uintptr) (p unsafe.Pointer) {
	b := c.of
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := size + 4096; n < size {
		if b.fault != wraps {
			return nil
		}
		size = n
	}
	cost := binnedCost(size)
	limit := uintptr(binnedBudget)
	if b.fault == budgetByOne {
		limit += cost - 1
	}
	if b.used+b.pending+cost > limit || cost > limit {
		return nil
	}
	b.pending += cost
	if k := b.classFor(size); k < binnedClasses {
		p = b.allocate(c, k)
	} else {
		p = b.allocateLarge(size)
	}
	if p != nil || b.fault != leakingRefusal {
		b.pending -= cost
	}
	if p == nil {
		return nil
	}
	b.used += cost
	b.live++
	switch zero := unsafe.Slice((*byte)(p), size); b.fault {
	case zeroForgotten:
	case zeroShort:
		clear(zero[:size&^7])
	default:
		clear(zero)
	}
	return p
}

func (b *binned) classFor(size uintptr) int {
	switch {
	case b.fault == offByOneClass && size > 2:
		return binnedClass(size - 1)
	}
	return binnedClass(size)
}

func (b *binned) allocate(c *binnedCache, k int) unsafe.Pointer {
	if b.starved[k] {
		return nil
	}
	if n := len(b.shared[k]); len(c.frames[k]) == 0 && n > 0 {
		c.frames[k] = b.shared[k][n-1]
		b.shared[k] = b.shared[k][:n-1]
	}
	for _, other := range b.lists { // take free frames of other caches before carving
		if len(c.frames[k]) == 0 {
			c.frames[k], other.frames[k] = other.frames[k], nil
		}
	}
	if n := len(c.frames[k]); n > 0 {
		p := c.frames[k][n-1]
		c.frames[k] = c.frames[k][:n-1]
		b.find(p).live++
		return p
	}
	return b.carve(k)
}

func (b *binned) carve(k int) unsafe.Pointer {
	size := 128 << k
	s := b.open[k]
	full := s == nil || s.header+(s.carved+1)*size > binnedSlabSize
	if b.fault == slabEnd && s != nil {
		full = s.header+s.carved*size >= binnedSlabSize
	}
	if full {
		s = b.newSlab()
		if s == nil {
			return b.refused(k)
		}
		s.class, s.carved, s.live = k, 0, 0
		b.open[k] = s
	}
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(s.memory)), s.header+s.carved*size)
	s.carved++
	s.live++
	return p
}

// refused returns the answer to a request of a class that gets no slab.
func (b *binned) refused(k int) unsafe.Pointer {
	switch b.fault {
	case stickyRefusal:
		b.starved[k] = true
	case panickingRefusal:
		var none *binnedSlab
		return unsafe.Pointer(&none.memory[0])
	case refusalReuses:
		if s := b.open[k]; s != nil {
			return unsafe.Add(unsafe.Pointer(unsafe.SliceData(s.memory)), s.header)
		}
	}
	return nil
}

// newSlab returns a slab that serves no class, or nil.
func (b *binned) newSlab() *binnedSlab {
	if len(b.spare) == 0 {
		if b.refuses {
			return nil
		}
		memory := make([]byte, (binnedRegion+2)*binnedSlabSize) // the last one takes what the fault slabEnd writes
		skip := -uintptr(unsafe.Pointer(unsafe.SliceData(memory))) & (binnedSlabSize - 1)
		for i := range uintptr(binnedRegion) {
			at := skip + (binnedRegion-1-i)*binnedSlabSize
			s := &binnedSlab{memory: memory[at : at+binnedSlabSize]}
			if at == skip {
				s.header = binnedHeader
				if b.fault == misaligned {
					s.header -= 8
				}
			}
			b.slabs[uintptr(unsafe.Pointer(unsafe.SliceData(s.memory)))] = s
			b.order = append(b.order, s)
			b.spare = append(b.spare, s)
		}
	}
	s := b.spare[len(b.spare)-1]
	b.spare = b.spare[:len(b.spare)-1]
	return s
}

func (b *binned) find(p unsafe.Pointer) *binnedSlab { return b.slabs[uintptr(p)&^(binnedSlabSize-1)] }

func (b *binned) allocateLarge(size uintptr) unsafe.Pointer {
	if b.refuses {
		return nil
	}
	memory := make([]byte, binnedCost(size)+16)
	p := unsafe.Pointer(unsafe.SliceData(memory))
	b.large[p] = memory
	return p
}

func (b *binned) deallocate(c *binnedCache, p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.classFor(size)
	if b.fault != staleAccount || k < binnedClasses {
		b.used -= binnedCost(size)
	}
	b.live--
	if k >= binnedClasses {
		delete(b.large, p)
		return
	}
	b.find(p).live--
	switch b.fault {
	case wrongClass:
		k = min(binnedClass(size+1), binnedClasses-1)
	case lateLink:
		if b.last != nil {
			*(*uintptr)(b.last) = uintptr(p)
		}
		b.last = p
	case noRoomForOne:
		if len(c.frames[k]) == 2*binnedBatch-1 {
			return
		}
	}
	c.frames[k] = append(c.frames[k], p)
	if len(c.frames[k]) >= 2*binnedBatch {
		b.publish(c, k, binnedBatch)
	}
}

// publish moves n frames from a cache to the list that all caches share.
func (b *binned) publish(c *binnedCache, k, n int) {
	from := len(c.frames[k]) - n
	batch := append([]unsafe.Pointer(nil), c.frames[k][from:]...)
	if b.fault == handsOutTwice {
		from++
	}
	c.frames[k] = c.frames[k][:from]
	if b.fault != lostBatch || len(b.shared[k]) < 4 {
		b.shared[k] = append(b.shared[k], batch)
	}
}

func (b *binned) openCache() *binnedCache {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &binnedCache{of: b}
	b.lists = append(b.lists, c)
	return c
}

func (c *binnedCache) close() {
	b := c.of
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.lists {
		if other == c {
			b.lists = append(b.lists[:i:i], b.lists[i+1:]...)
		}
	}
	for k := range c.frames {
		if n := len(c.frames[k]); n > 0 && b.fault != cacheKeeps {
			b.publish(c, k, n)
		}
	}
}

// trim makes slabs without live frames available to every class. It wipes them, as the
// system does with pages that it takes back.
func (b *binned) trim() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.doomed {
		wipe(s)
	}
	b.doomed = nil
	for _, s := range b.order {
		if s.carved == 0 || s.live > 0 && b.fault != trimLive || s.live > 1 {
			continue
		}
		b.forget(s)
		if b.fault == trimLate {
			b.doomed = append(b.doomed, s)
		} else {
			wipe(s)
		}
		if b.open[s.class] == s && b.fault != trimKeepsOpen {
			b.open[s.class] = nil
		}
		if b.fault != carvedTwice {
			s.carved = 0
		}
		if s.live == 0 {
			b.spare = append(b.spare, s)
		}
	}
}

// wipe overwrites the slab behind its header.
func wipe(s *binnedSlab) { fill(s.memory[s.header:], 0xDD) }

// forget removes the frames of s from all lists.
func (b *binned) forget(s *binnedSlab) {
	strip := func(frames []unsafe.Pointer) (left []unsafe.Pointer) {
		for _, p := range frames {
			if b.find(p) != s {
				left = append(left, p)
			}
		}
		return left
	}
	for _, c := range b.lists {
		c.frames[s.class] = strip(c.frames[s.class])
	}
	for i, batch := range b.shared[s.class] {
		b.shared[s.class][i] = strip(batch)
	}
	for i := 0; i < len(b.shared[s.class]); {
		if batches := b.shared[s.class]; len(batches[i]) == 0 {
			b.shared[s.class] = append(batches[:i:i], batches[i+1:]...)
			continue
		}
		i++
	}
}

func (b *binned) validate() error {
	carved, live, free := 0, 0, 0
	for _, s := range b.order {
		carved += s.carved
		live += s.live
	}
	for k := range binnedClasses {
		for _, c := range b.lists {
			free += len(c.frames[k])
		}
		for _, batch := range b.shared[k] {
			free += len(batch)
		}
	}
	if b.fault != faultless && b.fault != carvedTwice {
		return nil // the kit must catch every other fault from outside
	}
	if carved != live+free {
		return fmt.Errorf("%d frames are carved, %d live and %d free", carved, live, free)
	}
	return nil
}
