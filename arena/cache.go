package arena

import (
	"fmt"
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

// enter and leave enclose each use of a cache in checked mode.
func (c *Cache) enter() {
	if !c.busy.CompareAndSwap(0, 1) {
		panic("arena: two goroutines use a Cache at once: give each its own, or use the Arena")
	}
}

func (c *Cache) leave() { c.busy.Store(0) }
