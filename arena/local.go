package arena

import "runtime"

// Local caches: the caches behind Arena.Allocate and Arena.Deallocate.
//
// Go has no thread-locals. An arena has a cache for each P instead, and a goroutine borrows
// one for the time of a fast path:
//
//	id := local.pin()
//	c := local.at(id)   // nil if that cache does not exist yet
//	…                   // between at and unpin the goroutine owns c
//	local.unpin(c)      // also if c is nil
//
// pin and at are two calls, so that the compiler inlines both. There are two
// implementations. local_pinned.go pins the goroutine to its P, so that c is that P's.
// local_locked.go is for the race detector and for builds with the tag framearena_nopin: c
// is any cache that no other goroutine uses, found by trying a lock. In both, at most one
// goroutine owns c at a time, and each owner sees what the owners before it wrote; the
// files say why.
//
// The rule. Between pin and unpin a goroutine takes no lock, allocates nothing on the Go
// heap, does not block and does not wait in a loop. A pinned goroutine cannot be preempted:
// whatever it waits for, the P and the next stop of the world wait with it. That is why the
// slow paths unpin before they carve frames or add empty batches, and look for a cache
// again afterwards, which may be another one.
//
// The table. localCaches.table points to a slice that never changes. The holder of Arena.mu
// replaces it by a longer one (growLocal), when a goroutine runs on a P that has no entry:
// at first, and after GOMAXPROCS was raised. An older table is a prefix of a newer one and
// an entry stays the same for good, so a goroutine that loads an old table either finds the
// right cache or none, and then asks growLocal, which holds the lock. The store of the
// pointer publishes the caches. When GOMAXPROCS is lowered, the caches of the Ps that are
// gone stay in Arena.caches: what they have published is found by others, and what they
// hold privately waits for its P to come back.
//
// TestStress shows it, with and without framearena_nopin, and TestGOMAXPROCSChangesUnderLoad.

// acquireLocal returns a cache that the calling goroutine owns until unpin. It makes the
// local caches if there are none yet. The rule above holds until unpin.
func (a *Arena) acquireLocal() *Cache {
	for {
		if c := a.local.at(a.local.pin()); c != nil {
			return c
		}
		a.local.unpin(nil)
		a.growLocal()
	}
}

// growLocal opens local caches until there is one for each P. It panics if the arena is
// closed. The caller is not pinned.
func (a *Arena) growLocal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mustBeOpen("Allocate or Deallocate")
	old := *a.local.table.Load()
	caches := append([]*Cache(nil), old...)
	for len(caches) < runtime.GOMAXPROCS(0) {
		c := newCache(a)
		a.addCache(c)
		caches = append(caches, c)
	}
	a.local.table.Store(&caches)
}
