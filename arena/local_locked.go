//go:build race || framearena_nopin

package arena

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

// localCaches finds a cache that nobody else is using. It is the portable
// counterpart of pinning a P, and the one for the race detector, which knows
// nothing of Ps.
type localCaches struct {
	// table is replaced as a whole by the holder of the arena's mu.
	table atomic.Pointer[[]*Cache]
}

func (l *localCaches) init() { l.table.Store(new([]*Cache)) }

// place returns a number from which at begins to look.
func (l *localCaches) place() int { return int(rand.Uint32() >> 1) }

// at returns a cache that is the caller's until release, or nil if there are no
// caches yet. Either way, release ends it.
func (l *localCaches) at(place int) *Cache {
	t := *l.table.Load()
	if len(t) == 0 {
		return nil
	}
	for i := uint(place); ; i++ {
		c := t[i%uint(len(t))]
		// busy is 1 while somebody uses the cache. The compare-and-swap acquires
		// what the last user's store in release published.
		if c.busy.CompareAndSwap(0, 1) {
			return c
		}
		if i%uint(len(t)) == 0 {
			runtime.Gosched()
		}
	}
}

func (l *localCaches) release(c *Cache) {
	if c != nil {
		c.busy.Store(0)
	}
}
