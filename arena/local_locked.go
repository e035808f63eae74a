//go:build race || framearena_nopin

package arena

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

// localCaches finds a cache that no other goroutine is using. It is the counterpart of
// pinning for builds that cannot pin, or whose race detector does not know that pinning
// orders anything. Any goroutine may use it.
//
// Why one goroutine owns a cache: Cache.busy is a lock that is only tried. at returns c
// after its compare-and-swap changed busy from 0 to 1, and no other can succeed until unpin
// stores 0. That compare-and-swap observes the store of the last owner's unpin, so the new
// owner sees everything that the last one wrote to c.
type localCaches struct {
	// table holds the caches. The holder of the arena's mu replaces it; anyone reads it.
	table atomic.Pointer[[]*Cache]
}

func (l *localCaches) init() { l.table.Store(new([]*Cache)) }

// pin returns a random number, at which the search of at begins.
func (l *localCaches) pin() int { return int(rand.Uint32() >> 1) }

// at returns a cache that is the caller's until unpin, or nil if there are no caches yet.
// Either way the caller calls unpin.
func (l *localCaches) at(id int) *Cache {
	t := *l.table.Load()
	if len(t) == 0 {
		return nil
	}
	for i := uint(id); ; i++ {
		c := t[i%uint(len(t))]
		if c.busy.CompareAndSwap(0, 1) {
			return c
		}
		if i%uint(len(t)) == 0 {
			runtime.Gosched()
		}
	}
}

// unpin releases c, if it is not nil.
func (l *localCaches) unpin(c *Cache) {
	if c != nil {
		c.busy.Store(0)
	}
}
