package arena

import (
	"github.com/framearena/framearena/bins"
)

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

// publishLocal publishes what the cache of the calling P holds.
func (a *Arena) publishLocal() {
	for k := range bins.Class(bins.Classes) {
		for {
			c := a.acquireLocal()
			empty := c.lists[k].Len() == 0
			published := !empty && c.publishHalf(k)
			a.local.release(c)
			if empty {
				break
			}
			if !published {
				a.addEmpties() // allocates, which must not happen while a P is pinned
			}
		}
	}
}
