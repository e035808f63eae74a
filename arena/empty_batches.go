package arena

import (
	"runtime"

	"github.com/framearena/framearena/bins"
)

// Empty batches: where a cache that publishes gets a batch to put frames in.
//
// A cache keeps a few, its spares, and exchanges the rest with the arena's stack empties.
// All batches of an arena are in chunks, which keeps them reachable until Close, so that a
// batch stays a batch for everyone who has its address (bins/peek.go).
//
// Why the number of batches does not grow. A Take of one batch has the whole stack for a
// moment, so a goroutine that finds empties empty need not make more. nempties tells: it is
// raised before a push and lowered after a take, so at every moment
//
//	empty batches on the stack, or in a Take that puts them back ≤ nempties
//
// A goroutine that found the stack empty and then loads more than 0 only lets others run,
// and looks again. A goroutine that loads 0 has seen a moment at which no batch was there
// or about to be put back: more are needed.
//
// The wait ends: nempties is positive without a batch on the stack only while some
// goroutine is between its two steps, and none of them blocks there.
//
// TestCirculationDoesNotGrow and TestManyCachesOpenAndCloseAtOnce show it.

// takeEmpty returns an empty batch, which the caller owns, or nil if it found none. It
// neither blocks nor allocates. Any goroutine may call it.
func (a *Arena) takeEmpty() *bins.Batch {
	b := a.empties.Take()
	if b != nil {
		a.nempties.Add(-1)
	}
	return b
}

// addEmpty gives the empty batch b to the arena. It neither blocks nor allocates. Any
// goroutine that owns b may call it.
func (a *Arena) addEmpty(b *bins.Batch) {
	a.nempties.Add(1)
	a.empties.Push(b)
}

// emptyBatch returns an empty batch, which the caller owns. It may block and allocate, so
// the caller is not pinned.
func (a *Arena) emptyBatch() *bins.Batch {
	for {
		if b := a.takeEmpty(); b != nil {
			return b
		}
		a.addEmpties()
	}
}

// addEmpties makes empty batches, for a caller that found none and will look again: 8 KiB
// of them the first time, then 16, 32 and 64 KiB, and 64 KiB from then on. They lie on the
// Go heap, in blocks without pointers. If there are some after all, it only lets other
// goroutines run. It may block and allocates, so the caller is not pinned.
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

// addSpare keeps the empty batch b for the next publish, or gives it to the arena if the
// cache has enough. Only the owner of c, who also owns b, may call it.
func (c *Cache) addSpare(b *bins.Batch) {
	if c.nspares == maxSpares {
		c.arena.addEmpty(b)
		return
	}
	b.SetNext(c.spares)
	c.spares = b
	c.nspares++
}

// takeSpare returns an empty batch from the spares, or else from the arena, or nil if there
// is none. Only the owner may call it.
func (c *Cache) takeSpare() *bins.Batch {
	if c.spares == nil {
		return c.arena.takeEmpty()
	}
	b := c.spares
	c.spares = b.Next()
	c.nspares--
	return b
}
