package arena

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// Cache is a set of free lists that belongs to one goroutine at a time: what a thread's
// free lists are in languages with thread-locals. Only the owner may call its methods. To
// hand a Cache to another goroutine takes the same synchronisation as any other variable. A
// frame may be freed into another cache of the arena than it was allocated from, or into
// the arena itself.
//
// If the owner's goroutine ends without Close, another one may take the cache over, or
// close it. If nobody does, the free frames that it has not published, about 126 of each
// class at most, are not used again before the arena is closed. Its live frames may be
// freed by others as ever.
//
// The zero Cache is closed; see [Arena.OpenCache]. A Cache must not be copied.
type Cache struct {
	// ---- hot: the owner's fast paths touch nothing else

	// lists are the private lists, by class. Only the owner changes them. The last one is
	// always closed; it stands for sizes without a class, see PlaceOf.
	lists [bins.Classes + 1]bins.List

	// ---- cold, and the owner's

	arena *Arena // the one in which the cache is open, or was last; nil before the first time

	// spares are empty batches, linked by next. They are few: a cache that takes in more
	// batches than it publishes gives the surplus to the arena's empties.
	spares  *bins.Batch
	nspares int

	// contended says that the last search found nothing while other goroutines were taking
	// from stacks that it looked at. See steal.go.
	contended bool

	// next is where the next search through the other caches begins. Each search moves it
	// on, so that the searches of many caches do not all begin at the same one.
	next uint32

	isOpen bool

	_ [128]byte // other goroutines write what follows

	// busy is 1 while a goroutine uses the cache. The user changes it with a
	// compare-and-swap from 0 and a store of 0. In builds without pinning it is the lock of
	// a local cache (local_locked.go). In checked mode it shows that two goroutines use a
	// cache at once (enter).
	busy atomic.Uint32

	// takers is how many goroutines are taking batches from public. openIn is the arena
	// whose goroutines may do that; nil while the cache is closed. Takers add to takers;
	// the owner writes openIn when it opens and closes the cache. steal.go says why Close
	// needs no lock against takers.
	takers atomic.Int32
	openIn atomic.Pointer[Arena]

	_ [128 - 8 - unsafe.Sizeof(uintptr(0))]byte

	// public are the batches that the owner has published, by class. The owner pushes; any
	// goroutine of the arena takes. Trims push to the shared cache's.
	public [bins.Classes]bins.Stack
}

// Allocate returns memory for a frame of size bytes, or nil, as [Arena.Allocate] does. Only
// the owner may call it.
//
// Cost of the fast path: 3 loads, 1 store, 2 branches. It is nosplit, because a check of
// the goroutine's stack is a notable part of so few instructions: docs/internals/allocator.md.
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

// Deallocate takes back a frame of the cache's arena, as [Arena.Deallocate] does. A nil p is
// ignored. Only the owner may call it.
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

// Place is the position of a class's private list in a Cache, in bytes. A caller that knows
// the class long before it allocates computes the Place once, with [PlaceOf]. The calls of
// [Cache.TryAllocateAt] and [Cache.TryDeallocateAt] then compute and check no index.
type Place uintptr

// PlaceOf returns the place of class k. If k is not a class, it returns the place of a list
// that is always empty and always full, so that the Try methods fail.
func PlaceOf(k bins.Class) Place {
	return Place(uintptr(min(k, bins.Classes)) * unsafe.Sizeof(bins.List{}))
}

// at returns the list at a place. The place comes from PlaceOf, so it is that of a list.
func (c *Cache) at(place Place) *bins.List {
	return (*bins.List)(unsafe.Add(unsafe.Pointer(&c.lists), place))
}

// TryAllocateAt returns a frame of the place's class from the private list, or nil if that
// is empty; the caller then calls [Cache.Allocate]. Only the owner may call it. The
// compiler inlines TryAllocateAt, but not Allocate, which has a slow path.
func (c *Cache) TryAllocateAt(place Place) unsafe.Pointer { return c.at(place).Pop() }

// TryDeallocateAt takes back a frame of the place's class. It reports false, and does
// nothing, if the private list has no room or p is the frame that was freed last; the
// caller then calls [Cache.Deallocate]. p must not be nil: only Deallocate ignores that. Only
// the owner may call it.
func (c *Cache) TryDeallocateAt(p unsafe.Pointer, place Place) bool { return c.at(place).Push(p) }

// allocateSlow is Allocate for the cases that the fast path leaves: an empty list, checked
// mode, sizes without a class, and a closed cache or arena.
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

// allocateClass returns a frame of class k, or nil if there is none and none can be made.
// The steps are those at the top of arena.go.
func (c *Cache) allocateClass(k bins.Class) unsafe.Pointer {
	for waits := 0; ; waits++ {
		if p := c.refill(k); p != nil {
			return p
		}
		if c.contended && waits < maxWaits {
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

// deallocateSlow is Deallocate for the cases that the fast path leaves.
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

// deallocateClass publishes frames of class k until there is room for p, and takes p.
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

// freedTwice panics about a frame that is freed right after it was freed. To find that
// costs the fast path one comparison with a word that it has loaded anyway; see
// bins.List.Push.
func freedTwice(p unsafe.Pointer, k bins.Class) {
	panic(fmt.Sprintf("arena: double free: the frame of %d bytes at %p was freed just before: free each frame once", k.Size(), p))
}

// enter and leave enclose each use of a cache in checked mode. enter panics if another
// goroutine is inside.
func (c *Cache) enter() {
	if !c.busy.CompareAndSwap(0, 1) {
		panic("arena: two goroutines use a Cache at once: give each its own, or use the Arena")
	}
}

func (c *Cache) leave() { c.busy.Store(0) }
