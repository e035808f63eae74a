package arena

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// Cache is a thread's free lists, where Go has no threads to hang them on: it
// belongs to one goroutine at a time, and handing it to another needs the same
// care as handing over any other variable. A frame may be freed into another
// cache of the arena than it was allocated from.
//
// If the owner's goroutine dies without Close, whoever knows that may go on with the cache,
// or close it. Of one that nobody closes, the free frames that were not published, some 126
// of each class at most, are not used again before the arena is closed; live frames may be
// freed by others as ever.
type Cache struct {
	// lists are the private part, touched by the owner alone. The last is always
	// closed: it is for what has no class.
	lists [bins.Classes + 1]bins.List

	// ---- cold for the owner

	arena *Arena

	// spares are empty batches, linked; the owner's. There are few: what a cache
	// empties more than it fills goes to the arena's empties.
	spares  *bins.Batch
	nspares int

	// missed says that the last search, which found nothing, gave up while others
	// had stacks in hand. The owner's.
	missed bool

	// next is where the next search through the other caches starts. The
	// owner's; moved on by each search, so that no cache is everyone's first
	// victim.
	next uint32

	isOpen bool

	_ [128]byte // what follows is written by others

	// busy is 1 while a goroutine uses the cache: as a local one, in builds
	// without pinning (see local_locked.go), and in checked mode, where it shows
	// when two goroutines use a cache at once.
	busy atomic.Uint32

	// takers is how many goroutines are taking batches that the owner published,
	// and openIn the arena whose caches may: none while the cache is closed. A taker
	// raises takers, looks at openIn, takes what it wants and puts back the rest, and
	// lowers takers. Close takes openIn away and waits for the takers, or what one
	// of them puts back later would be lost, or be in another arena.
	takers atomic.Int32
	openIn atomic.Pointer[Arena]

	_ [128 - 8 - unsafe.Sizeof(uintptr(0))]byte

	// public are the batches that the owner published. Only the owner pushes;
	// anyone takes.
	public [bins.Classes]bins.Stack
}

const (
	// maxSpares bounds the empty batches that a cache keeps to itself.
	maxSpares = 4

	// maxVictims bounds how many other caches a dry cache looks into before it
	// carves new frames: a search that finds nothing is a cache miss a victim.
	maxVictims = 16

	// maxLooks bounds how often it looks, while others take from its victims, and
	// maxWaits how often its owner then lets others run and begins again: a taker
	// that the system has stopped keeps a stack for milliseconds.
	maxLooks = 4
	maxWaits = 100
)

func newCache(a *Arena) *Cache {
	c := &Cache{arena: a}
	c.openIn.Store(a)
	return c
}

// open opens c. Its lists are empty, and without room in checked mode, so that
// each operation goes the slow way, which is where the checks are.
func (c *Cache) open() {
	if c.arena.checker == nil {
		c.openLists()
	}
	c.isOpen = true
	c.openIn.Store(c.arena)
}

// openLists gives the lists room. The caller owns c, and its lists are empty.
func (c *Cache) openLists() {
	for k := range bins.Class(bins.Classes) {
		c.lists[k].Open(min(2*k.BatchLen(), bins.ListCap))
	}
}

// Allocate returns memory for a frame of size bytes, or nil, like
// [Arena.Allocate]. Only the owner may call it.
//
// Cost of the fast path: 3 loads, 1 store, 2 branches, and no look at the size of
// the goroutine's stack, which would be a tenth more.
//
//go:nosplit
func (c *Cache) Allocate(size uintptr) unsafe.Pointer {
	if k := bins.ClassOf(size); k < bins.Classes {
		if p := c.lists[k].Pop(); p != nil {
			return p
		}
	}
	return c.allocateSlow(size)
}

// Deallocate takes back a frame of the cache's arena, like [Arena.Deallocate].
// Only the owner may call it.
//
// Cost of the fast path: 2 loads, 2 stores, 3 branches.
//
//go:nosplit
func (c *Cache) Deallocate(p unsafe.Pointer, size uintptr) {
	if k := bins.ClassOf(size); k < bins.Classes && p != nil {
		if c.lists[k].Push(p) {
			return
		}
	}
	c.deallocateSlow(p, size)
}

// Place is where a class's private list lies in a cache: for callers who know the
// class long before they allocate, and want no index to be computed and checked each
// time.
type Place uintptr

// PlaceOf returns the place of class k. Where k is no class, it is that of a list that
// is always dry and always full.
func PlaceOf(k bins.Class) Place {
	return Place(uintptr(min(k, bins.Classes)) * unsafe.Sizeof(bins.List{}))
}

// at returns the list at a place. PlaceOf made it, so it is one of the lists.
func (c *Cache) at(place Place) *bins.List {
	return (*bins.List)(unsafe.Add(unsafe.Pointer(&c.lists), place))
}

// TryAllocateAt returns a frame of the place's class from the private list, or nil if
// that is dry; then [Cache.Allocate] is next to try. Together they are Allocate for a
// caller who wants the fast path inlined: the compiler inlines a function with a slow
// path only if the fast one is next to nothing.
func (c *Cache) TryAllocateAt(place Place) unsafe.Pointer { return c.at(place).Pop() }

// TryDeallocateAt takes back a frame of the place's class, and reports whether the
// private list had room; if not, [Cache.Deallocate] is next to try.
func (c *Cache) TryDeallocateAt(p unsafe.Pointer, place Place) bool { return c.at(place).Push(p) }

func (c *Cache) allocateSlow(size uintptr) unsafe.Pointer {
	c.mustBeOpen("Allocate")
	a := c.arena
	var p unsafe.Pointer
	if k := bins.ClassOf(max(size, 1)); a.checker != nil {
		c.enter()
		defer c.leave()
		p = a.checker.allocate(size)
	} else if k < bins.Classes {
		p = c.allocateClass(k)
	} else {
		p = a.allocateLarge(size)
	}
	if p == nil {
		a.refusals.Add(1)
	}
	return p
}

// allocateClass returns a frame of class k from wherever there is one, or nil.
func (c *Cache) allocateClass(k bins.Class) unsafe.Pointer {
	for waits := 0; ; waits++ {
		if p := c.refill(k); p != nil {
			return p
		}
		if c.missed && waits < maxWaits {
			runtime.Gosched()
			continue
		}
		seen := c.arena.slabsReleased.Load()
		if b := c.arena.carve(k); b != nil {
			p := b.Remove()
			c.deposit(k, b)
			return p
		}
		if !c.arena.reclaim(seen) {
			return c.refillFromAny(k)
		}
	}
}

func (c *Cache) deallocateSlow(p unsafe.Pointer, size uintptr) {
	c.mustBeOpen("Deallocate")
	if p == nil {
		return
	}
	if c.arena.checker != nil {
		c.enter()
		defer c.leave()
		c.arena.checker.deallocate(p, size)
		return
	}
	if k := bins.ClassOf(max(size, 1)); k < bins.Classes {
		c.deallocateClass(p, k)
	} else {
		c.arena.deallocateLarge(p, size)
	}
}

// deallocateClass makes room for a frame of class k and takes it.
func (c *Cache) deallocateClass(p unsafe.Pointer, k bins.Class) {
	if c.lists[k].Top() == p {
		freedTwice(p, k)
	}
	for !c.lists[k].Push(p) {
		if !c.publishHalf(k) {
			c.arena.addEmpties()
		}
	}
}

// freedTwice reports a frame that is freed right after it was freed. Finding one
// costs the fast path next to nothing: a list refuses to push the frame that it
// was pushed last where it has to look at it anyway.
func freedTwice(p unsafe.Pointer, k bins.Class) {
	panic(fmt.Sprintf("arena: double free: the frame of %d bytes at %p was freed just before: free each frame once", k.Size(), p))
}

// refill returns a frame of class k from the private list or, if that is dry,
// from a batch of the own public stack or of another cache's; nil if there is
// none to be found. It neither blocks nor allocates.
func (c *Cache) refill(k bins.Class) unsafe.Pointer {
	if p := c.lists[k].Pop(); p != nil {
		return p
	}
	b := c.public[k].Take()
	if b == nil {
		b = c.search(k, maxVictims)
	}
	return c.useBatch(k, b)
}

// refillFromAny is refill when there are no frames to be carved: it looks at all
// other caches.
func (c *Cache) refillFromAny(k bins.Class) unsafe.Pointer {
	if p := c.refill(k); p != nil {
		return p
	}
	return c.useBatch(k, c.search(k, math.MaxInt))
}

// useBatch fills the private list, which is empty, with b, if there is one, and
// returns the first frame.
func (c *Cache) useBatch(k bins.Class, b *bins.Batch) unsafe.Pointer {
	if b == nil {
		return nil
	}
	if b.Cold() {
		c.arena.warmed(k, b)
	}
	c.lists[k].Fill(b)
	c.addSpare(b)
	return c.lists[k].Pop()
}

// search takes a batch of class k from the first of so many other caches that has
// some. It begins with the shared one, where closed caches and trims leave theirs,
// and continues at a different place each time.
//
// A cache may look empty because another taker has its stack in hand, for some
// nanoseconds. Then it is worth another look: carving frames instead would make
// them more with every such moment.
func (c *Cache) search(k bins.Class, most int) *bins.Batch {
	caches := *c.arena.caches.Load()
	c.next++
	for range maxLooks {
		b, inHand := c.arena.shared.steal(c.arena, k)
		if b != nil {
			return b
		}
		for i := range min(len(caches), most) {
			victim := caches[(uint(c.next)+uint(i))%uint(len(caches))]
			b, busy := victim.steal(c.arena, k)
			if b != nil {
				return b
			}
			inHand = inHand || busy
		}
		if c.missed = inHand; !inHand {
			break
		}
	}
	return nil
}

// steal is take for a cache that is probably empty, and also reports whether
// somebody else was taking from it.
func (c *Cache) steal(a *Arena, k bins.Class) (b *bins.Batch, busy bool) {
	if c.public[k].Empty() {
		return nil, c.takers.Load() != 0
	}
	return c.take(a, k), true
}

// take removes a batch of class k from what the owner of c published, for somebody
// else of arena a. It returns nil if there is none, or c is no cache of a any more.
func (c *Cache) take(a *Arena, k bins.Class) (b *bins.Batch) {
	c.takers.Add(1)
	if c.openIn.Load() == a {
		b = c.public[k].Take()
	}
	c.takers.Add(-1)
	return b
}

// takeAll is take for all batches.
func (c *Cache) takeAll(a *Arena, k bins.Class) (chain *bins.Batch) {
	c.takers.Add(1)
	if c.openIn.Load() == a {
		chain = c.public[k].TakeAll()
	}
	c.takers.Add(-1)
	return chain
}

// deposit adds the frames of b, which is not on a stack, to the private list if
// that is empty, and to the public stack otherwise.
func (c *Cache) deposit(k bins.Class, b *bins.Batch) {
	switch {
	case b.Len() == 0:
		c.addSpare(b)
	case c.lists[k].Len() == 0:
		c.lists[k].Fill(b)
		c.addSpare(b)
	default:
		c.public[k].Push(b)
	}
}

// publishHalf moves a batch of the private list's frames to the public stack. It
// reports false, and does nothing, if there is no empty batch to put them in. It
// neither blocks nor allocates.
func (c *Cache) publishHalf(k bins.Class) bool {
	b := c.takeSpare()
	if b == nil {
		return false
	}
	c.lists[k].Drain(b, k.BatchLen())
	c.public[k].Push(b)
	return true
}

// addSpare keeps the empty batch b for the next publish, or gives it to those
// who publish more than this cache does.
func (c *Cache) addSpare(b *bins.Batch) {
	if c.nspares == maxSpares {
		c.arena.addEmpty(b)
		return
	}
	b.SetNext(c.spares)
	c.spares = b
	c.nspares++
}

func (c *Cache) takeSpare() *bins.Batch {
	if c.spares == nil {
		return c.arena.takeEmpty()
	}
	b := c.spares
	c.spares = b.Next()
	c.nspares--
	return b
}

// Publish moves every frame that the cache holds to where other caches find it.
// An owner that goes idle calls it.
func (c *Cache) Publish() {
	c.mustBeOpen("Publish")
	for k := range bins.Class(bins.Classes) {
		for c.lists[k].Len() > 0 {
			if !c.publishHalf(k) {
				c.arena.addEmpties()
			}
		}
	}
}

// Close publishes all that the cache holds and ends its use. Closing again does
// nothing; any other use afterwards panics.
func (c *Cache) Close() {
	a := c.arena
	if !c.isOpen {
		return
	}
	if a.gone.Load() {
		c.isOpen = false
		c.openIn.Store(nil)
		return
	}
	c.Publish()
	// Until what c published is the shared cache's, nobody finds it. Who looks there is
	// told that it is in somebody's hands, also when c is not among its victims or
	// its stacks are empty already.
	a.shared.takers.Add(1)
	defer a.shared.takers.Add(-1)
	c.openIn.Store(nil)
	for c.takers.Load() != 0 {
		runtime.Gosched()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.removeCache(c)
	for c.spares != nil {
		a.addEmpty(c.takeSpare())
	}
	for k := range bins.Class(bins.Classes) {
		a.shared.public[k].PushAll(c.public[k].TakeAll())
		c.lists[k].Open(0)
	}
	c.isOpen = false
}

// removeCache takes c out of a.caches. The caller holds a.mu.
func (a *Arena) removeCache(c *Cache) {
	old := *a.caches.Load()
	caches := make([]*Cache, 0, len(old))
	for _, other := range old {
		if other != c {
			caches = append(caches, other)
		}
	}
	a.caches.Store(&caches)
}

// forget drops all frames, at the end of the arena.
func (c *Cache) forget() {
	for k := range bins.Class(bins.Classes) {
		for c.lists[k].Len() > 0 {
			c.lists[k].Pop()
		}
		c.lists[k].Open(0)
		c.public[k].TakeAll()
	}
	c.spares, c.nspares = nil, 0
}

func (c *Cache) mustBeOpen(method string) {
	if c.arena != nil {
		c.arena.mustBeOpen(method)
	}
	if !c.isOpen {
		panic("arena: " + method + " on a closed Cache: open it first, and do not use it after Close")
	}
}

// enter and leave enclose each use of a cache in checked mode.
func (c *Cache) enter() {
	if !c.busy.CompareAndSwap(0, 1) {
		panic("arena: two goroutines use a Cache at once: give each its own, or use the Arena")
	}
}

func (c *Cache) leave() { c.busy.Store(0) }
