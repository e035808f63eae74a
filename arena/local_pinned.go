//go:build !race && !framearena_nopin

package arena

import (
	"sync/atomic"
	_ "unsafe" // for go:linkname
)

// localCaches finds the cache of the P that the calling goroutine runs on. A
// pinned goroutine is not preempted, so between place and release it owns the
// cache as a worker owns its own.
type localCaches struct {
	// table holds a cache for each P, by the P's number. It is replaced as a
	// whole, by the holder of the arena's mu, and never changed in place; an
	// older table is a prefix of a newer one, so whichever a goroutine sees is
	// right for the entries that it has.
	table atomic.Pointer[[]*Cache]
}

func (l *localCaches) init() { l.table.Store(new([]*Cache)) }

// Taking a cache is two calls, place and at, so that the compiler inlines both
// where speed matters; release ends it, whatever at returned.

// place pins the goroutine to its P and returns the P's number.
func (l *localCaches) place() int { return procPin() }

// at returns the cache of the P with number id, which the caller is pinned to;
// nil if the P has none yet.
func (l *localCaches) at(id int) *Cache {
	t := *l.table.Load()
	if uint(id) < uint(len(t)) {
		return t[id]
	}
	return nil
}

func (l *localCaches) release(*Cache) { procUnpin() }

// The runtime keeps these two for packages that link to them by name (see the
// comments at runtime.procPin), and sync.Pool is built on them.

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
