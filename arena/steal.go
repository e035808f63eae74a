package arena

import "github.com/framearena/framearena/bins"

// Taking batches from other caches, and why a cache can be closed meanwhile.
//
// Any goroutine may take from the public stacks of any cache of its arena. A stack alone is
// safe for that (bins/stack.go). Two things remain: a cache may be closed, and then opened
// in another arena, while somebody takes from it; and a stack looks empty while somebody
// has all of it to take one batch.
//
// Closing. A taker for arena a and the owner of the cache c do
//
//	taker                               owner
//	T1  c.takers.Add(1)                 C1  c.openIn.Store(nil)
//	T2  c.openIn.Load() == a?           C2  wait until c.takers.Load() == 0
//	T3  take; put back the rest         C3  move all of c.public to the shared cache
//	T4  c.takers.Add(-1)                C4  (later) c.openIn.Store(b)
//
// All of these are atomic, so they have one order.
//
//   - If T2 comes before C1, then T1 does too. C2 then sees the taker until T4, so T3 is
//     over before C3: what it puts back is moved with the rest.
//   - If T2 comes after C1 and before C4, the taker sees nil and leaves the stacks alone.
//   - If T2 comes after C4, the cache is open again, in arena b. If b is not a, the taker
//     leaves the stacks alone: it has found c in an old Arena.caches. If b is a, the taker
//     may take; the next Close waits for it as above.
//
// So nothing is put back into a closed cache, where it would be lost, and no frame gets
// from one arena into another. A taker neither blocks nor allocates between T1 and T4, so
// C2 waits a short time, except when the system stops the taker's thread.
//
// Looking again. A search that finds nothing makes its caller carve new frames. If that
// happened each time a stack looks empty for a moment, a program that circulates frames
// would grow with the number of such moments. A taker raises takers before it touches a
// stack and lowers it after it has put the rest back. So a searcher that finds a stack
// empty loads takers. If that is not 0, the search is contended: it looks again, up to
// maxLooks times, and then its caller lets other goroutines run, up to maxWaits times. This
// is no guarantee, and need not be one: a taker may finish between the two loads, the owner
// of a cache takes from its own stack without being counted, and a taker that the system
// has stopped may be gone for longer. Each miss costs at most the carving of frames that
// Trim gives back.
//
// TestCloseWaitsForTakers, TestReopenedCacheBelongsToOneArena and
// TestCachesCloseWhileOthersTake show the first, TestCirculationDoesNotGrow and
// TestFramesOfAClosingCacheAreInSomebodysHands the second.

const (
	// maxVictims bounds how many other caches a search looks at before frames are carved.
	// Each that has nothing costs a cache miss.
	maxVictims = 16

	// maxLooks bounds how often a search is repeated while others take from the caches that
	// it looks at. maxWaits bounds how often the caller of a contended search lets others
	// run and begins again: a taker that the system has stopped may have a stack for
	// milliseconds.
	maxLooks = 4
	maxWaits = 100
)

// search takes a batch of class k from the shared cache, where closed caches and trims
// leave their frames, or from the first of up to most other caches that has one. It returns
// nil if it found none, and sets c.contended. Each search begins at another cache. Only the
// owner of c may call it.
func (c *Cache) search(k bins.Class, most int) *bins.Batch {
	caches := *c.arena.caches.Load()
	c.next++
	for range maxLooks {
		b, contended := c.arena.shared.steal(c.arena, k)
		if b != nil {
			return b
		}
		for i := range min(len(caches), most) {
			victim := caches[(uint(c.next)+uint(i))%uint(len(caches))]
			b, busy := victim.steal(c.arena, k)
			if b != nil {
				return b
			}
			contended = contended || busy
		}
		if c.contended = contended; !contended {
			break
		}
	}
	return nil
}

// steal is take for a cache that is probably empty: it looks before it takes. If it returns
// no batch, busy says whether another goroutine was taking from c.
func (c *Cache) steal(a *Arena, k bins.Class) (b *bins.Batch, busy bool) {
	if c.public[k].Empty() {
		return nil, c.takers.Load() != 0
	}
	return c.take(a, k), true
}

// take removes a batch of class k from the public stack of c, for any goroutine of arena a.
// It returns nil if there is none, or if c is not open in a.
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
