package executor

import (
	"slices"
	"time"

	"github.com/framearena/framearena/coro"
)

// BlockedKind is what a pool remembers of the workers that were in one step for longer than the
// limit of [WithBlockedLimit], with tasks of one kind. It stays when the step has ended.
type BlockedKind struct {
	// Kind is the kind of the task that the worker began to run, as in [Blocked].
	Kind coro.KindInfo

	Times uint64    // how often a worker was found in such a step
	Now   int       // workers that are in such a step now
	Last  time.Time // when a worker was found in such a step the last time

	// Longest is the longest such step, and LongestBegan when it began. The step took a
	// little longer: the pool looks at each worker about once in a millisecond.
	Longest      time.Duration
	LongestBegan time.Time

	// Stack is the stack of the worker's goroutine in one of these steps, as in [Blocked],
	// and StackTaken when it was taken. It is taken for the first step of the kind, and again
	// when a step has taken twice as long as that one when its stack was taken, at most once
	// in a second for the whole pool.
	Stack      string
	StackTaken time.Time
}

// maxBlockedKinds is how many kinds a pool remembers. If there are more, it forgets the one that
// was found the longest ago.
const maxBlockedKinds = 16

// blockedRecord is a BlockedKind in the making, without Now. It is guarded by monitor.mu.
type blockedRecord struct {
	BlockedKind
	tried time.Duration // how long the step had taken when its stack was asked for last
}

// blockedHistory is the records of a pool, in no order. It is guarded by monitor.mu.
type blockedHistory []*blockedRecord

// of returns the record of a kind. If there is none, it makes one, in place of the oldest if
// there are too many. A worker that is still in a step of the kind that is forgotten may write
// to the old record, which nobody reads.
func (h *blockedHistory) of(kind coro.KindInfo) *blockedRecord {
	if r := h.find(kind); r != nil {
		return r
	}
	if len(*h) == maxBlockedKinds {
		oldest := 0
		for i, r := range *h {
			if r.Last.Before((*h)[oldest].Last) {
				oldest = i
			}
		}
		*h = slices.Delete(*h, oldest, oldest+1)
	}
	r := &blockedRecord{BlockedKind: BlockedKind{Kind: kind}}
	*h = append(*h, r)
	return r
}

// find returns the record of a kind, or nil.
func (h *blockedHistory) find(kind coro.KindInfo) *blockedRecord {
	for _, r := range *h {
		if r.Kind == kind {
			return r
		}
	}
	return nil
}

// noteBlocked records that w has been in one step, which began with this tick, for the time d. The
// caller holds mu.
func (m *monitor) noteBlocked(w *worker, tick uintptr, now time.Time, d time.Duration) {
	r := w.seen.blocked
	if r == nil {
		kind := w.coro.Began()
		if w.tick.load() != tick {
			return // the step has ended, and the kind may be that of the next task
		}
		r = m.history.of(kind)
		r.Times++
		w.seen.blocked = r
	}
	r.Last = now
	if d > r.Longest {
		r.Longest, r.LongestBegan = d, w.seen.since
	}
	if r.tried == 0 || d >= 2*r.tried {
		m.reporter.trace(m, r, w, tick, d)
	}
}

// blockedKinds returns the history, the kind that was found last first. The caller holds mu.
func (m *monitor) blockedKinds() []BlockedKind {
	kinds := make([]BlockedKind, 0, len(m.history))
	for _, r := range m.history {
		k := r.BlockedKind
		// Without the monotonic clock, so that a copy from JSON is the same.
		k.Last, k.LongestBegan, k.StackTaken = k.Last.Round(0), k.LongestBegan.Round(0), k.StackTaken.Round(0)
		for _, w := range m.pool.workers.list() {
			if w.seen.blocked == r && w.tick.load() == w.seen.tick {
				k.Now++
			}
		}
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b BlockedKind) int { return b.Last.Compare(a.Last) })
	return kinds
}
