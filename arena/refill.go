package arena

import (
	"math"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// refill returns a frame of class k from the private list, or else from a batch of the
// cache's own public stack, or else from a batch of another cache. It returns nil if it
// found none. It neither blocks nor allocates. Only the owner may call it.
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

// refillFromAny is refill for callers that could not carve frames: it looks at all other
// caches, however many there are.
func (c *Cache) refillFromAny(k bins.Class) unsafe.Pointer {
	if p := c.refill(k); p != nil {
		return p
	}
	return c.useBatch(k, c.search(k, math.MaxInt))
}

// useBatch moves the frames of b to the private list, which is empty, and returns one of
// them. It returns nil if b is nil.
func (c *Cache) useBatch(k bins.Class, b *bins.Batch) unsafe.Pointer {
	if b == nil {
		return nil
	}
	if b.Cold() {
		c.arena.markWarm(k, b)
	}
	c.lists[k].Fill(b)
	c.addSpare(b)
	return c.lists[k].Pop()
}

// deposit moves the frames of b, which the caller owns, to the private list if that is
// empty, and otherwise pushes b to the public stack.
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
