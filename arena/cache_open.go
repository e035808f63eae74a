package arena

import (
	"runtime"

	"github.com/framearena/framearena/bins"
)

// NewCache returns a cache: free lists that belong to one goroutine at a time.
// It is the fastest way to allocate, and what a worker thread of an executor
// owns. Close it when its owner is done. NewCache panics if the arena is closed.
//
// A cache takes about 12 KiB on the Go heap. Who opens and closes caches often
// reuses them with [Arena.OpenCache].
func (a *Arena) NewCache() *Cache {
	c := new(Cache)
	a.openCache(c, "NewCache")
	return c
}

// OpenCache opens a Cache that is part of something of the caller's, which is one
// step less for each use than to refer to one, or that was closed and is to be used
// again. It must not be copied or moved. OpenCache panics if the arena is closed, or
// c is open.
func (a *Arena) OpenCache(c *Cache) { a.openCache(c, "OpenCache") }

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

// addCache opens c and lets others find what it publishes. The caller holds a.mu.
func (a *Arena) addCache(c *Cache) {
	c.open()
	old := *a.caches.Load()
	caches := append(old[:len(old):len(old)], c)
	a.caches.Store(&caches)
}

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
