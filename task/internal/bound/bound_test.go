package bound_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task/internal/bound"
)

func named(int) int { return 1 }

func TestOf(t *testing.T) {
	require.Nil(t, bound.Of(named))
	require.Nil(t, bound.Of[func()](nil))
	f := &bound.Function{}
	bound.Bind(named, f)
	require.Same(t, f, bound.Of(named))
}

// Functions are looked up while others are entered.
func TestBindBesideOf(t *testing.T) {
	functions := []func(int) int{
		func(n int) int { return n }, func(n int) int { return n + 1 }, func(n int) int { return n + 2 },
		func(n int) int { return n + 3 }, func(n int) int { return n + 4 }, func(n int) int { return n + 5 },
	}
	want := make([]*bound.Function, len(functions))
	var all sync.WaitGroup
	for i, fn := range functions {
		want[i] = &bound.Function{}
		all.Go(func() {
			for range 1000 {
				if f := bound.Of(fn); f != nil {
					require.Same(t, want[i], f)
				}
			}
		})
		all.Go(func() { bound.Bind(fn, want[i]) })
	}
	all.Wait()
	for i, fn := range functions {
		require.Same(t, want[i], bound.Of(fn))
	}
}
