package arena

import (
	"runtime"

	"github.com/framearena/framearena/bins"
)

// takeEmpty returns a batch without frames, which is the caller's, or nil if there
// is none to be found at the moment.
func (a *Arena) takeEmpty() *bins.Batch {
	b := a.empties.Take()
	if b != nil {
		a.nempties.Add(-1)
	}
	return b
}

// addEmpty takes a batch without frames.
func (a *Arena) addEmpty(b *bins.Batch) {
	a.nempties.Add(1)
	a.empties.Push(b)
}

// emptyBatch returns a batch without frames, which is the caller's. It may
// allocate.
func (a *Arena) emptyBatch() *bins.Batch {
	for {
		if b := a.takeEmpty(); b != nil {
			return b
		}
		a.addEmpties()
	}
}

// addEmpties adds to the arena's empties, for a caller who found none: 8 KiB the
// first time, and as much as there are already, up to 64 KiB, from then on. They
// lie on the Go heap, in blocks that the collector need not look into.
//
// If there are some, which another goroutine has taken all for a moment, it only
// lets that go on, so that the number of batches does not grow with the number of
// such moments.
func (a *Arena) addEmpties() {
	if a.nempties.Load() > 0 {
		runtime.Gosched()
		return
	}
	a.mu.Lock()
	n := 16 << min(len(a.chunks), 3)
	chunk := make([]bins.Batch, n)
	a.chunks = append(a.chunks, chunk)
	a.mu.Unlock()
	for i := range chunk {
		a.addEmpty(&chunk[i])
	}
}

// maxSpares bounds the empty batches that a cache keeps to itself.
const maxSpares = 4

// addSpare keeps the empty batch b for the next publish, or gives it to those
// who publish more than this cache does.
func (c *Cache) addSpare(b *bins.Batch) {
	if c.nspares == maxSpares {
		c.arena.addEmpty(b)
		return
	}
	b.SetNext(c.spares)
	c.spares = b
	c.nspares++
}

func (c *Cache) takeSpare() *bins.Batch {
	if c.spares == nil {
		return c.arena.takeEmpty()
	}
	b := c.spares
	c.spares = b.Next()
	c.nspares--
	return b
}
