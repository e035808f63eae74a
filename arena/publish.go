package arena

import (
	"github.com/framearena/framearena/bins"
)

// Publish moves all frames of the private lists to the public stacks, where other caches
// find them. An owner calls it before it goes idle. Only the owner may call it.
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

// publishHalf moves a batch of frames from the private list to the public stack: half of a
// full list. It reports false, and does nothing, if there is no empty batch. It neither
// blocks nor allocates. Only the owner may call it.
func (c *Cache) publishHalf(k bins.Class) bool {
	b := c.takeSpare()
	if b == nil {
		return false
	}
	c.lists[k].Drain(b, k.BatchLen())
	c.public[k].Push(b)
	return true
}

// publishLocal moves all private frames of one local cache, that of the calling P, to its
// public stacks. It locks and allocates only while it is not pinned, so a goroutine that
// changes its P on the way publishes from several caches.
func (a *Arena) publishLocal() {
	for k := range bins.Class(bins.Classes) {
		for {
			c := a.acquireLocal()
			empty := c.lists[k].Len() == 0
			published := !empty && c.publishHalf(k)
			a.local.unpin(c)
			if empty {
				break
			}
			if !published {
				a.addEmpties() // allocates, so it is called without a local cache
			}
		}
	}
}
