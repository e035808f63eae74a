package arena_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/stretchr/testify/require"
)

type treeState struct {
	Depth, Next int
	Sum         [2]int
}

var treeKind *coro.Kind[treeState, int]

// A task of depth n awaits two of depth n-1, one after the other.
func init() {
	treeKind = coro.Define("arena_test.tree", func(f *coro.Frame[treeState, int]) coro.Step {
		s := &f.State
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if s.Depth == 0 {
			return f.Return(1)
		}
		if i := s.Next; i < 2 {
			s.Next++
			return coro.Await(f, 0, treeKind, treeState{Depth: s.Depth - 1}, &s.Sum[i])
		}
		return f.Return(s.Sum[0] + s.Sum[1])
	})
}

// A tree of tasks lives in a composition, and a budget that is too small fails it.
func TestTaskTreeInBoundedTraceMonotonic(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	ex := executor.NewInline()
	for _, c := range []struct {
		depth int
		fails bool
	}{{0, false}, {7, false}, {8, true}, {7, false}} {
		batch := arena.NewMonotonic(a, 4096)
		var record bytes.Buffer
		trace := arena.NewTrace(batch, &record)
		budget := arena.NewBounded(trace, 8*128)
		var result int
		done := false
		require.NoError(t, coro.RunAsync(ex, coro.Allocator(budget), coro.OnError(func(err error) {
			require.ErrorIs(t, err, arena.ErrExhausted)
			done = true
		}))(treeKind.With(treeState{Depth: c.depth})))
		require.Equal(t, c.fails, done)
		result, err = coro.Run(context.Background(), ex, treeKind.With(treeState{Depth: c.depth}))
		require.NoError(t, err)
		require.Equal(t, 1<<c.depth, result, "without the budget it works")

		s := budget.Stats()
		require.Zero(t, s.Bytes)
		require.EqualValues(t, 128*min(c.depth+1, 8), s.PeakBytes)
		require.NoError(t, trace.Close())
		r, err := arena.NewTraceReader(&record)
		require.NoError(t, err)
		frames := 0
		for e, err := range r.All() {
			require.NoError(t, err)
			if e.Op == arena.TraceAllocate {
				frames++
			}
		}
		if c.fails {
			require.Equal(t, 8, frames)
		} else {
			require.Equal(t, 2<<c.depth-1, frames)
		}
		require.Zero(t, batch.Live())
		require.Equal(t, 1, batch.Stats().Blocks, "frames of a tree end in reverse order")
		batch.Release()
	}
	require.NoError(t, ex.Close())
	require.NoError(t, a.Close())
}
