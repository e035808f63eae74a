package coro_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// A chain however deep is run by one loop: the deepest step has as many calls
// below it on the goroutine's stack as the first.
func TestADeepChainDoesNotGrowTheStack(t *testing.T) {
	deepest := 1_000_000
	if testing.Short() || race.Enabled {
		deepest = 100_000
	}
	type link struct{ depth, result int }
	for _, fail := range []bool{false, true} {
		var callers [3]int // at the first step, in the deepest and at the last
		measure := func(i int) {
			var pcs [256]uintptr
			callers[i] = runtime.Callers(0, pcs[:])
		}
		chain := coro.Define("chain", func(f *coro.Frame[link, int]) coro.Step {
			s := &f.State
			switch {
			case s.depth == deepest:
				measure(1)
				if fail {
					return f.Fail(errLeaf)
				}
				return f.Return(1)
			case f.At() == 0:
				if s.depth == 0 {
					measure(0)
				}
				return coro.Await(f, 1, f.Kind(), link{depth: s.depth + 1}, &s.result)
			}
			if s.depth == 0 {
				measure(2)
			}
			if err := f.Err(); err != nil {
				return f.Fail(err)
			}
			return f.Return(s.result + 1)
		}, coro.NeverElided())
		a := newArena(t)
		ex := executor.NewInline(executor.WithArena(a))
		got, err := coro.Run(context.Background(), ex, chain.With(link{}))
		if fail {
			require.ErrorIs(t, err, errLeaf)
		} else {
			require.NoError(t, err)
			require.Equal(t, deepest+1, got)
		}
		require.NotZero(t, callers[0])
		require.Equal(t, [3]int{callers[0], callers[0], callers[0]}, callers)

		s := a.Stats()
		require.GreaterOrEqual(t, s.Total.Carved, uint64(deepest+1), "all frames were live at once")
		require.Zero(t, s.Total.Live)
		require.NoError(t, ex.Close())
	}
}

// Cancelling a deep chain is a loop too, and frees from the leaf to the root.
func TestCancelADeepChain(t *testing.T) {
	const deepest = 50_000
	chain := coro.Define("chain", func(f *coro.Frame[int, none]) coro.Step {
		if f.State == deepest {
			return coro.Yield(f, 0)
		}
		return coro.Await(f, 1, f.Kind(), f.State+1, nil)
	}, coro.NeverElided())
	var errs []error
	ex := newStepwise(t, func(err error) { errs = append(errs, err) })
	counting := arena.NewCounting(ex.arena)
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(counting))(chain.With(0)))
	require.NoError(t, coro.Go(ex, chain, 0))
	for range 3 {
		require.True(t, ex.runOne())
		require.True(t, ex.runOne())
	}
	require.Equal(t, 2*(deepest+1), liveIn(ex.arena))
	ex.cancelAll(errLeaf)
	require.Equal(t, []error{errLeaf, errLeaf}, errs)
	require.Zero(t, liveIn(ex.arena))
	require.Equal(t, uint64(deepest+1), counting.Stats().Deallocated)
}
