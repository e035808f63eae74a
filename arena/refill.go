package arena

import (
	"math"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// refill returns a frame of class k from the private list or, if that is dry,
// from a batch of the own public stack or of another cache's; nil if there is
// none to be found. It neither blocks nor allocates.
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

// refillFromAny is refill when there are no frames to be carved: it looks at all
// other caches.
func (c *Cache) refillFromAny(k bins.Class) unsafe.Pointer {
	if p := c.refill(k); p != nil {
		return p
	}
	return c.useBatch(k, c.search(k, math.MaxInt))
}

// useBatch fills the private list, which is empty, with b, if there is one, and
// returns the first frame.
func (c *Cache) useBatch(k bins.Class, b *bins.Batch) unsafe.Pointer {
	if b == nil {
		return nil
	}
	if b.Cold() {
		c.arena.warmed(k, b)
	}
	c.lists[k].Fill(b)
	c.addSpare(b)
	return c.lists[k].Pop()
}

// deposit adds the frames of b, which is not on a stack, to the private list if
// that is empty, and to the public stack otherwise.
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
