//go:build !race && !framearena_nopin

package arena

import (
	"sync/atomic"
	_ "unsafe" // for go:linkname
)

// localCaches finds the cache of the P that the calling goroutine runs on. Any goroutine
// may use it.
//
// Why one goroutine owns a cache, with plain loads and stores. procPin raises a count in
// the goroutine's thread, and while that is not 0 the scheduler does not preempt the
// goroutine. By the rule in local.go it does not block either. So it stays on its P from
// pin to unpin. A P runs one goroutine at a time, and entry i of the table is used by
// goroutines that are pinned to P i only. So the times for which goroutines own c follow
// one another. When the P goes from one goroutine to the next, on the same thread or
// another, the scheduler's own synchronisation orders them. sync.Pool is built on the same
// argument.
//
// Trims, statistics and surveys of other goroutines touch the public parts of c only, or
// load words of its lists as bins/list.go allows it.
type localCaches struct {
	// table holds the cache of each P, by the P's number. The holder of the arena's mu
	// replaces it; anyone reads it.
	table atomic.Pointer[[]*Cache]
}

func (l *localCaches) init() { l.table.Store(new([]*Cache)) }

// pin pins the goroutine to its P and returns the P's number.
func (l *localCaches) pin() int { return procPin() }

// at returns the cache of the P with number id, which the caller is pinned to, or nil if
// that P has none yet.
func (l *localCaches) at(id int) *Cache {
	t := *l.table.Load()
	if uint(id) < uint(len(t)) {
		return t[id]
	}
	return nil
}

// unpin ends the pinning.
func (l *localCaches) unpin(*Cache) { procUnpin() }

// The runtime keeps these two functions for packages that link to them by name; see the
// comments at runtime.procPin.

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
