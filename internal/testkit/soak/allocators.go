package soak

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/fuzz"
	"github.com/framearena/framearena/internal/testkit/allocators"
)

// runAllocators is the allocators' load: package fuzz tests some of this module's allocators.
func (s *soaker) runAllocators(r *rand.Rand, round int) error {
	sorts := allocators.All()
	if plantedIn(BrokenAllocator, round) {
		sorts = []allocators.Allocator{miscounted}
	}
	for range s.share(10) {
		a, seed := sorts[r.IntN(len(sorts))], r.Uint64()
		goroutines, operations := 1+r.IntN(12), 2000+r.IntN(s.share(40_000))
		stress := a.Concurrent && r.IntN(4) > 0
		if s.stopped.Load() {
			return nil
		}
		if !stress {
			operations /= 4
		}
		if err := reported(func(t testing.TB) {
			if stress {
				fuzz.Stress(t, a.New, a.Promises, fuzz.Seed(seed), fuzz.Operations(operations), fuzz.Goroutines(goroutines))
			} else {
				fuzz.Check(t, a.New, a.Promises, fuzz.Seed(seed), fuzz.Operations(operations))
			}
		}); err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		s.tallies[loadAllocators].add(1, 0, operations)
	}
	return nil
}

// reporter is the testing.TB that package fuzz gets outside of tests. It belongs to one
// goroutine, which Fatal and Skip end.
type reporter struct {
	testing.TB // nil: no other methods are called
	failed     bool
	text       strings.Builder
}

func (r *reporter) Helper() {}
func (r *reporter) Fatal(args ...any) {
	fmt.Fprint(&r.text, args...)
	r.failed = true
	runtime.Goexit()
}
func (r *reporter) Skip(args ...any) { runtime.Goexit() }

// reported returns the failure that test reports, if there is one.
func reported(test func(testing.TB)) error {
	var r reporter
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(&r)
	}()
	<-done
	if r.failed {
		return errors.New(r.text.String())
	}
	return nil
}

// miscounted is an allocator whose count of live frames is wrong.
var miscounted = allocators.Allocator{
	Name: "planted",
	New:  func(testing.TB) arena.FrameAllocator { return new(arena.Heap) },
	Promises: fuzz.Promises{
		fuzz.LiveFrames(func(h *arena.Heap) int { return h.Live() + 1 }),
		fuzz.Concurrent(),
	},
	Concurrent: true,
}
