package arena

import (
	"runtime"

	"github.com/framearena/framearena/bins"
)

// NewCache returns an open cache: free lists that belong to one goroutine at a time. It is
// the fastest way to allocate, and what each worker of an executor owns. The owner calls
// [Cache.Close] when it is done. NewCache panics if the arena is closed.
//
// A cache takes about 12 KiB on the Go heap. A program that opens and closes caches often
// reuses them with [Arena.OpenCache].
func (a *Arena) NewCache() *Cache {
	c := new(Cache)
	a.openCache(c, "NewCache")
	return c
}

// OpenCache opens c, which is a zero Cache or a closed one, of this arena or another. So a
// Cache may be a field of the caller's own type, which saves an indirection at each use,
// and may be used again. The calling goroutine owns c. OpenCache panics if the arena is
// closed, or if c is nil or open.
func (a *Arena) OpenCache(c *Cache) {
	if c == nil {
		panic("arena: OpenCache of nil: pass the address of a Cache, or call NewCache")
	}
	a.openCache(c, "OpenCache")
}

// openCache is OpenCache. A panic names the given method.
func (a *Arena) openCache(c *Cache, method string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mustBeOpen(method)
	if c.isOpen {
		panic("arena: OpenCache of a Cache that is open: close it first")
	}
	c.arena = a
	a.addCache(c)
}

// addCache opens c and adds it to a.caches, so that others find what it publishes. The
// caller holds a.mu.
func (a *Arena) addCache(c *Cache) {
	c.open()
	old := *a.caches.Load()
	caches := append(old[:len(old):len(old)], c)
	a.caches.Store(&caches)
}

// newCache returns a cache of a that others may take from, and whose lists are closed.
func newCache(a *Arena) *Cache {
	c := &Cache{arena: a}
	c.openIn.Store(a)
	return c
}

// open opens c, whose lists are empty. In checked mode they get no room, so that each
// operation takes the slow path, which is where the checks are.
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

// Close publishes all frames of the cache and closes it. Closing again does nothing. Any
// other use afterwards panics, until [Arena.OpenCache]. It may be called after the arena
// was closed. Only the owner may call it.
func (c *Cache) Close() {
	a := c.arena
	if !c.isOpen {
		return
	}
	if a.closed.Load() {
		c.isOpen = false
		c.openIn.Store(nil)
		return
	}
	c.Publish()
	// From here until the frames are the shared cache's, nobody finds them. steal.go says
	// why the wait is enough. A search that finds nothing meanwhile must not conclude that
	// there is nothing: the count of the shared cache, at which every search looks, says
	// that frames are on their way.
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

// drop empties and closes all lists, because the arena is being closed. The caller holds
// a.mu, and no other goroutine uses the arena.
func (c *Cache) drop() {
	for k := range bins.Class(bins.Classes) {
		for c.lists[k].Len() > 0 {
			c.lists[k].Pop()
		}
		c.lists[k].Open(0)
		c.public[k].TakeAll()
	}
	c.spares, c.nspares = nil, 0
}

// mustBeOpen panics if the cache or its arena is closed.
func (c *Cache) mustBeOpen(method string) {
	if c.arena != nil {
		c.arena.mustBeOpen(method)
	}
	if !c.isOpen {
		panic("arena: " + method + " on a closed Cache: open it first, and do not use it after Close")
	}
}
