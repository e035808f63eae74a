package fuzz

import (
	"slices"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
)

// What reducing may take. A program that needs longer is printed longer than it has to
// be.
const (
	maxReduceRuns = 4000
	maxReduceTime = 3 * time.Second
)

// reduction looks for the shortest program that breaks an invariant.
type reduction struct {
	c         *config
	t         testing.TB
	new       func(testing.TB) arena.FrameAllocator
	invariant Invariant
	best      Program
	violation *violation // of best
	runs      int
	deadline  time.Time
}

// reduce returns the shortest program found that breaks the same invariant as p, which
// did after so many operations, and how it does that; nil if p does not do it again.
func (c *config) reduce(t testing.TB, new func(testing.TB) arena.FrameAllocator, p Program, v *violation, done int) (Program, *violation) {
	r := reduction{c: c, t: t, new: new, invariant: v.invariant, deadline: time.Now().Add(c.patience)}
	if !r.try(p[:done]) {
		return p, nil
	}
	for changed := true; changed; {
		changed = r.leaveOut()
		changed = r.simplify() || changed
	}
	// Once more, for a message that has the numbers of what is printed.
	r.runs = 0 // the first run has no deadline
	r.try(r.best.renumber())
	return r.best.renumber(), r.violation
}

// try runs a program, and makes it the best one if it breaks the invariant.
func (r *reduction) try(p Program) bool {
	if r.runs >= maxReduceRuns || r.runs > 0 && time.Now().After(r.deadline) {
		return false
	}
	r.runs++
	o := r.c.execute(r.t, r.new, p)
	if o.violation == nil || o.violation.invariant != r.invariant {
		return false
	}
	r.best, r.violation = slices.Clone(p[:o.done]), o.violation
	return true
}

// leaveOut leaves out as many operations as it can: a half at a time, then a quarter,
// and so on (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input",
// 2002). It reports whether it left out any.
func (r *reduction) leaveOut() (any bool) {
	for n := len(r.best); n > 0; {
		n = min(n, len(r.best))
		found := false
		for from := len(r.best) - n; ; from -= n {
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

// simplify replaces each operation by a simpler one that does as well. It reports
// whether it replaced any.
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
	for i := 0; i < len(r.best); i++ {
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
