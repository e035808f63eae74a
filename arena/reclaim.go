package arena

import (
	"math"
	"time"

	"github.com/framearena/framearena/slab"
)

// reclaim releases slabs whose frames are all free, because a budget is used up or
// the system refuses, and reports whether there are any now that were not when
// slabsReleased was seen. In checked mode the caller holds the checker's mu.
func (a *Arena) reclaim(seen uint64) bool {
	a.trimming.Lock()
	defer a.trimming.Unlock()
	if a.slabsReleased.Load() != seen {
		return true
	}
	// A search that found nothing is not repeated before there is another slab's
	// worth of free frames, or a hundred times as long as it took has passed: a
	// program at its limit must not pay for one with every request.
	free := a.publicBytes()
	a.fruitless = min(a.fruitless, free)
	begin := time.Now()
	if free-a.fruitless < slab.Size && begin.Before(a.noSearchBefore) {
		return false
	}
	t := trim{arena: a, excess: math.MaxUint}
	t.run()
	if a.slabsReleased.Load() == seen {
		a.fruitless = a.publicBytes()
		a.noSearchBefore = begin.Add(100 * time.Since(begin))
		return false
	}
	return true
}

// searchAnyway makes the next reclaim search.
func (a *Arena) searchAnyway() {
	a.trimming.Lock()
	defer a.trimming.Unlock()
	a.noSearchBefore = time.Time{}
}
