package arena

import "runtime"

// acquireLocal returns the cache for whatever goroutine runs, and makes the
// local caches if there are none yet. Until release, the caller must neither
// block nor allocate.
func (a *Arena) acquireLocal() *Cache {
	for {
		if c := a.local.at(a.local.place()); c != nil {
			return c
		}
		a.local.release(nil)
		a.growLocal()
	}
}

// growLocal opens local caches until there is one for each P.
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
