package arena

import (
	"math"
	"time"

	"github.com/framearena/framearena/slab"
)

// Reclaiming at the limit.
//
// A request that finds no free frame of its class, and gets no memory because the budget is
// used up or the system refuses, may still be served: slabs of other classes whose frames
// are all free can be released. The requester does
//
//	seen := slabsReleased
//	try to carve or map; return if that succeeds
//	try again if reclaim(seen), otherwise give up
//
// Why no released slab is missed. slabsReleased is raised after the slab's bytes are back
// in the budget and its memory in the store. The requester loads it before it tries. If a
// slab is released after that load, the count differs from seen when reclaim compares, and
// the requester tries again. If it was released before that load, the try could have had
// its memory. A count that is read too early costs one more try.
//
// Why this ends. Each further try needs a slab that was released since the last. Others may
// take that slab first, but then they were served.
//
// TestRefusedRequestReleasesSlabsOfOtherClasses and TestLargeAndSmallFramesCompete show it.

// reclaimBackoff bounds the time that a program at its limit spends in searches that find
// nothing. It belongs to the holder of Arena.trimming.
type reclaimBackoff struct {
	// freeBytes is publicBytes of the last search that found nothing, or the least value
	// since.
	freeBytes uintptr

	// until is when the next search may begin, if there are not many more free bytes.
	until time.Time
}

// reclaim releases slabs whose frames are all free. It reports whether any slab was
// released since slabsReleased was seen, by this call or by others. In checked mode the
// caller holds the checker's mu.
func (a *Arena) reclaim(seen uint64) bool {
	a.trimming.Lock()
	defer a.trimming.Unlock()
	if a.slabsReleased.Load() != seen {
		return true
	}
	// After a search that found nothing, the next one waits until there is another slab's
	// worth of free frames, or until a hundred times as long as the search took has passed:
	// a program at its limit must not pay for a search with every request.
	free := a.publicBytes()
	a.backoff.freeBytes = min(a.backoff.freeBytes, free)
	begin := time.Now()
	if free-a.backoff.freeBytes < slab.Size && begin.Before(a.backoff.until) {
		return false
	}
	t := trim{arena: a, excess: math.MaxUint}
	t.run()
	if a.slabsReleased.Load() == seen {
		a.backoff.freeBytes = a.publicBytes()
		a.backoff.until = begin.Add(100 * time.Since(begin))
		return false
	}
	return true
}

// resetBackoff makes the next reclaim search.
func (a *Arena) resetBackoff() {
	a.trimming.Lock()
	defer a.trimming.Unlock()
	a.backoff.until = time.Time{}
}
