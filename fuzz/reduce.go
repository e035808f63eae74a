package fuzz

import (
	"slices"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
)

// These bound a reduction. When one of them is reached, the printed program is longer than
// necessary.
const (
	maxReduceRuns = 4000
	maxReduceTime = 3 * time.Second

	// maxReduceOperations bounds the operations of all programs that are tried.
	maxReduceOperations = 10_000_000
)

// reduction searches for a shorter program that breaks the same invariant. It belongs to
// one goroutine.
type reduction struct {
	c         *config
	t         testing.TB
	new       func(testing.TB) arena.FrameAllocator
	invariant Invariant
	best      Program    // the shortest so far
	violation *violation // of best
	runs      int        // so far
	done      int        // operations of all programs so far
	deadline  time.Time
}

// reduce searches for a shorter program that breaks the same invariant as p, which has
// broken it after done operations. It returns the shortest one and its violation. If p does
// not break the invariant again, reduce returns p and nil.
func (c *config) reduce(t testing.TB, new func(testing.TB) arena.FrameAllocator, p Program, v *violation, done int) (Program, *violation) {
	r := reduction{c: c, t: t, new: new, invariant: v.invariant, deadline: time.Now().Add(c.reduceTime)}
	if !r.try(p[:done]) {
		return p, nil
	}
	for changed := true; changed; {
		changed = r.leaveOut()
		changed = r.simplify() || changed
	}
	// Run it once more, so that the message has the same numbers as the printed program.
	r.runs = 0 // try ignores the deadline in the first run
	r.try(r.best.renumber())
	return r.best.renumber(), r.violation
}

// over reports whether a bound is reached. The first run is within all bounds.
func (r *reduction) over() bool {
	return r.runs >= maxReduceRuns || r.runs > 0 && (r.done >= maxReduceOperations || time.Now().After(r.deadline))
}

// try runs p. If p breaks the invariant, it becomes r.best, without the operations behind
// the one that breaks it. try reports whether it did.
func (r *reduction) try(p Program) bool {
	if r.over() {
		return false
	}
	r.runs++
	o := r.c.execute(r.t, r.new, p)
	r.done += o.done
	if o.violation == nil || o.violation.invariant != r.invariant {
		return false
	}
	r.best, r.violation = slices.Clone(p[:o.done]), o.violation
	return true
}

// leaveOut removes operations: first all of them, then a half at a time, a quarter, and so
// on to single ones (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing
// input", 2002). It reports whether it removed any.
func (r *reduction) leaveOut() (any bool) {
	for n := len(r.best); n > 0 && !r.over(); {
		n = min(n, len(r.best))
		found := false
		for from := len(r.best) - n; !r.over(); from -= n {
			from = max(from, 0)
			to := min(from+n, len(r.best))
			if from < to {
				p := append(slices.Clone(r.best[:from]), r.best[to:]...)
				if r.try(p) {
					found, any = true, true
				}
			}
			if from == 0 {
				break
			}
		}
		if n == 1 && !found {
			break
		}
		n = max(n/2, 1)
	}
	return any
}

// simplify replaces operations by simpler ones, as long as the program breaks the invariant.
// It reports whether it replaced any.
func (r *reduction) simplify() (any bool) {
	replace := func(i int, change func(op *Op)) {
		if i >= len(r.best) {
			return
		}
		p := slices.Clone(r.best)
		change(&p[i])
		if p[i] != r.best[i] && r.try(p) {
			any = true
		}
	}
	for i := 0; i < len(r.best) && !r.over(); i++ {
		if op := r.best[i]; op.Do == Allocate || op.Do == Free || op.Do == FreeElsewhere {
			replace(i, func(op *Op) { op.Cache = 0 })
		}
		switch r.best[i].Do {
		case FreeElsewhere:
			replace(i, func(op *Op) { op.Do = Free })
		case Allocate:
			for _, size := range []uintptr{1, 16, 128} {
				if i < len(r.best) && size < r.best[i].Size {
					replace(i, func(op *Op) { op.Size = size })
				}
			}
		case Refuse:
			replace(i, func(op *Op) { op.Size = 0 })
		}
	}
	return any
}
