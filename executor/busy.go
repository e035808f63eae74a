package executor

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/framearena/framearena/coro"
)

// BusyKind is how long the workers of a pool were busy with tasks of one kind.
type BusyKind struct {
	// Kind is the kind of the task that a worker began to run, as it was taken from a queue. What
	// that task awaits, and the tasks that await it, run in the same chain and count for it.
	Kind coro.KindInfo

	// For is the time that the workers spent with such chains, added up. It is an estimate: the
	// pool looks about once in a millisecond what each worker runs, and counts the time since
	// it looked the last time for the kind that it finds. It is good for kinds that take a
	// considerable part of the time.
	For time.Duration
}

// sampleBusy counts the time since the last look at the workers for the kind that w runs now, if
// it runs one. The workers do nothing for it. The caller holds mu.
//
// The kind may be that of the task before, if w is just about to begin a task. That is a matter of
// nanoseconds, as rare for each kind as the kind's tasks are, and does no harm to an estimate.
func (m *monitor) sampleBusy(w *worker, d time.Duration) {
	if w.tick.load()&1 == 0 {
		return
	}
	kind := w.coro.Began()
	if kind == (coro.KindInfo{}) {
		return // its first task is about to begin
	}
	if m.busy == nil {
		m.busy = make(map[coro.KindInfo]time.Duration)
	}
	m.busy[kind] += d
}

// busyKinds returns what sampleBusy has counted, the busiest kind first. The caller holds mu.
func (m *monitor) busyKinds() []BusyKind {
	kinds := make([]BusyKind, 0, len(m.busy))
	for kind, d := range m.busy {
		kinds = append(kinds, BusyKind{kind, d})
	}
	slices.SortFunc(kinds, func(a, b BusyKind) int {
		return cmp.Or(cmp.Compare(b.For, a.For), strings.Compare(a.Kind.Name, b.Kind.Name), strings.Compare(a.Kind.File, b.Kind.File), cmp.Compare(a.Kind.Line, b.Kind.Line))
	})
	return kinds
}
