//go:build framearena_explore

package interleave

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Fault says which operations are done wrong, and how.
type Fault struct {
	// In is the function that has the operation, as in "bins.(*Stack).Push". It is empty for
	// an operation in a function literal, which Line identifies.
	In string

	// Under, if it is not empty, is a function that has called In.
	Under string

	// Op, if it is not empty, is the sort of operation: "lock", "send", "add". Operations of
	// other sorts are done right.
	Op string

	// Line, if it is not empty, is a part of the line of code.
	Line string

	// Does is what happens instead. Operations that cannot have this effect are done right.
	Does Effect

	at   string // the result of site.where; only Mutate sets it
	kind opKind // of the operation there; only Mutate sets it
}

// Effect is what happens in place of an operation.
type Effect uint8

const (
	Right    Effect = iota
	Torn            // a read-modify-write operation is a load and a store
	Unfenced        // a swap of an integer is a load and a store that only releases
	Skipped         // a lock does not lock; a send, a receive, a store, a compare-and-swap, an add and an or do nothing
	Blind           // a load gives zero
	Failing         // a compare-and-swap fails
)

func (e Effect) String() string {
	return [...]string{"right", "torn", "unfenced", "skipped", "blind", "failing"}[e]
}

func (f Fault) String() string { return fmt.Sprintf("%s%s: %s %v", f.In, f.at, f.Op, f.Does) }

// effects has the effect of the fault on each sort of operation at a site.
type effects [opReceive + 1]Effect

// effect returns the effect of the fault on an operation of this kind at s.
func (r *Run) effect(s *site, kind opKind) Effect {
	f := r.x.options.fault
	if f == nil || !f.Does.has(kind) {
		return Right
	}
	e, ok := r.x.effects[s]
	if !ok {
		if f.at == s.where() || f.at == "" && (f.In == s.function() || f.In == "" && f.Line != "") && (f.Under == "" || s.within(f.Under)) && strings.Contains(s.text(), f.Line) {
			for k := range e {
				if f.Op == "" || f.Op == opNames[k] {
					e[k] = f.Does
				}
			}
		}
		r.x.effects[s] = e
	}
	return e[kind]
}

// has reports whether operations of this kind can have the effect.
func (e Effect) has(kind opKind) bool {
	switch e {
	case Torn:
		return kind == opSwap || kind == opCAS || kind == opAdd || kind == opOr
	case Unfenced:
		return kind == opSwap
	case Skipped:
		return kind == opLock || kind == opSend || kind == opTrySend || kind == opReceive || kind == opStore || kind == opCAS || kind == opAdd || kind == opOr
	case Blind:
		return kind == opLoad
	case Failing:
		return kind == opCAS
	}
	return false
}

// mutants returns all faults with the effects Torn, Unfenced and Skipped, for each place where
// an exploration of the model does an operation.
func mutants(model func(*Run), opts []Option) (all []Fault) {
	seen := make(map[string]bool)
	x := newExplorer(opts)
	x.sited = true
	x.visit = func(r *Run) {
		for _, s := range r.trace {
			for _, does := range []Effect{Torn, Unfenced, Skipped} {
				if s.op.site == nil || !does.has(s.op.kind) {
					continue
				}
				if _, integer := s.value.(change[uintptr]); does == Unfenced && !integer {
					continue
				}
				if s.op.kind == opLock {
					if f := (Fault{In: s.op.site.function(), kind: s.op.kind, Does: does}); !seen[f.String()] {
						seen[f.String()] = true
						all = append(all, f)
					}
					continue
				}
				if f := (Fault{at: s.op.site.where(), kind: s.op.kind, Does: does}); !seen[f.String()] {
					seen[f.String()] = true
					all = append(all, f)
				}
			}
		}
	}
	x.explore(model)
	return all
}

// Mutate explores the model with each operation in turn done wrong, with all effects but Blind
// and Failing. Each time the model must fail, except with the faults in harmless. The key of one
// is like "executor.(*deque).pop: swap torn", its value the reason why it does no harm. It is
// an error if a fault in harmless makes the model fail, or does not occur.
func Mutate(t testing.TB, model func(*Run), harmless map[string]string, opts ...Option) {
	t.Helper()
	needless := maps.Clone(harmless)
	caught := 0
	for _, f := range mutants(model, opts) {
		r := Explore(model, append(slices.Clip(opts), Break(f))...)
		function, _, _ := strings.Cut(f.at+f.In, " ")
		name := function + ": " + opNames[f.kind] + " " + f.Does.String()
		switch {
		case r.Failure != nil && !r.Failure.unfinished:
			caught++
		case harmless[name] == "":
			t.Errorf("a fault was not noticed: %s, at %s (%v)", name, f.at, r)
		default:
			delete(needless, name)
		}
	}
	for name := range needless {
		t.Errorf("said to be harmless, but noticed or never done: %s", name)
	}
	t.Logf("%d faults were noticed, of %d sorts it is known that they do no harm", caught, len(harmless))
}
