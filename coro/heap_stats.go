package coro

import (
	"cmp"
	"slices"

	"github.com/framearena/framearena/internal/slots"
)

// HeapStats is the memory of the Go heap that the tasks of all executors together have, beside the
// frames, which lie in arenas. All of it is in slots, which are used again and again: the numbers
// have the slots in use and the free ones.
type HeapStats struct {
	// Held is the slots of held parts, and HeldByKind the same for each kind that has some, the one
	// with the most memory first. A slot has the held part and one word; what the held part refers
	// to is not counted.
	Held       HeapUse
	HeldByKind []HeldUse

	// Records is all other slots: for scopes with a deadline or a context, groups, timers and what
	// else a task has beside its frame.
	Records HeapUse
}

// HeapUse is a number of slots and their memory.
type HeapUse struct {
	Slots int
	Bytes uint64
}

// HeldUse is the slots for held parts of one kind.
type HeldUse struct {
	Kind KindInfo
	HeapUse
}

// HeapStatistics returns the memory of the Go heap that tasks have now. It takes a lock of each kind
// with held parts, which tasks take when no slot is free. Any goroutine may call it.
func HeapStatistics() HeapStats {
	var s HeapStats
	for _, k := range kinds.snapshot() {
		if k.held == nil {
			continue
		}
		if use := HeapUse(k.held.use()); use.Slots > 0 {
			s.Held.Slots += use.Slots
			s.Held.Bytes += use.Bytes
			s.HeldByKind = append(s.HeldByKind, HeldUse{k.Info(), use})
		}
	}
	slices.SortStableFunc(s.HeldByKind, func(a, b HeldUse) int { return cmp.Compare(b.Bytes, a.Bytes) })
	all := slots.UseOfAll() // after the others, so that it is not less than they
	s.Records = HeapUse{all.Slots - s.Held.Slots, all.Bytes - s.Held.Bytes}
	return s
}

// TrimHeap gives memory of free slots back to the Go heap, after a burst: of held parts, scopes,
// groups and what else [HeapStatistics] counts, of all executors. Slots are kept in blocks of up
// to 64, and a block goes back when none of it is in use. Up to 64 free slots of each sort stay
// with each worker that is not idle. [arena.Arena.Trim] does the same for frames. Any goroutine
// may call it; it takes locks that tasks take when no slot is free.
func TrimHeap() { slots.TrimAll() }
