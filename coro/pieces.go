package coro

// Memory for what is smaller than a frame: the timer of a task whose frame has no room for it.
//
// A piece is a part of a chunk, and a chunk is a frame of the executor's arena. So pieces count
// towards the arena's limit, the collector does not see them, and what is left after a burst goes
// back to the arena: a chunk is freed with its last piece. All pieces of a chunk have the same
// size. A chunk is aligned to its size, so the address of a piece leads to its chunk.
//
// For each chunk:
//
//	used + pieces in its free list = carved ≤ capacity
//	it is in pieces.open if and only if used < capacity
//	used > 0, except while allocate and free hold mu

import (
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/interleave"
)

const (
	chunkSize     = 2048 // bytes; a class of the arena
	maxPieceUnits = 4    // the size of the largest pieces, in units of elisionUnit
)

// pieces is the pieces of one executor. Any goroutine may use it, with any of its locks held.
type pieces struct {
	mu interleave.Mutex // guards open and all chunks; only the arena's locks are taken within

	// open is, by the size of the pieces in units, the chunks that have a free piece, linked.
	open [maxPieceUnits + 1]link[chunk]
}

// chunk is the head of a chunk. pieces.mu guards it.
type chunk struct {
	next, prev link[chunk] // in pieces.open
	free       link[piece] // pieces that were freed, linked
	units      uint16      // the size of a piece
	capacity   uint16      // how many pieces there is room for
	carved     uint16      // how many pieces were in use at the same time
	used       uint16      // how many pieces are in use
}

// piece is the beginning of a piece that was freed.
type piece struct{ next link[piece] }

// Pieces are aligned to units, and a chunk's head takes no more than 2.
var (
	_ [2*elisionUnit - unsafe.Sizeof(chunk{})]struct{}
	_ [-(chunkHead % elisionUnit)]struct{}
)

const chunkHead = 2 * elisionUnit

// allocate returns memory of so many units, aligned to a unit, or nil if a has none.
func (p *pieces) allocate(a *arena.Arena, units uint32) unsafe.Pointer {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.open[units].get()
	if c == nil {
		if c = (*chunk)(a.Allocate(chunkSize)); c == nil {
			return nil
		}
		*c = chunk{units: uint16(units), capacity: uint16((chunkSize - chunkHead) / (uintptr(units) * elisionUnit))}
		p.push(c)
	}
	n := c.free.get()
	if n != nil {
		c.free = n.next
	} else {
		n = (*piece)(unsafe.Add(unsafe.Pointer(c), chunkHead+uintptr(c.carved)*uintptr(units)*elisionUnit))
		c.carved++
	}
	if c.used++; c.used == c.capacity {
		p.remove(c)
	}
	return unsafe.Pointer(n)
}

// deallocate takes back what allocate has returned, with the same a.
func (p *pieces) deallocate(a *arena.Arena, at unsafe.Pointer) {
	c := (*chunk)(unsafe.Pointer(uintptr(at) &^ (chunkSize - 1)))
	n := (*piece)(at)
	p.mu.Lock()
	defer p.mu.Unlock()
	n.next = c.free
	c.free.set(n)
	if c.used == c.capacity {
		p.push(c)
	}
	if c.used--; c.used == 0 {
		p.remove(c)
		a.Deallocate(unsafe.Pointer(c), chunkSize)
	}
}

// push adds c to open.
func (p *pieces) push(c *chunk) {
	first := &p.open[c.units]
	c.prev, c.next = 0, *first
	if next := c.next.get(); next != nil {
		next.prev.set(c)
	}
	first.set(c)
}

// remove takes c out of open.
func (p *pieces) remove(c *chunk) {
	if prev := c.prev.get(); prev != nil {
		prev.next = c.next
	} else {
		p.open[c.units] = c.next
	}
	if next := c.next.get(); next != nil {
		next.prev = c.prev
	}
}
