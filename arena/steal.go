package arena

import (
	"github.com/framearena/framearena/bins"
)

const (
	// maxVictims bounds how many other caches a dry cache looks into before it
	// carves new frames: a search that finds nothing is a cache miss a victim.
	maxVictims = 16

	// maxLooks bounds how often it looks, while others take from its victims, and
	// maxWaits how often its owner then lets others run and begins again: a taker
	// that the system has stopped keeps a stack for milliseconds.
	maxLooks = 4
	maxWaits = 100
)

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
