package coro_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/race"
)

// In the steady state nothing allocates on the Go heap.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random, and everything allocates more
	}
	type work struct{ left, result int }
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	awaits := coro.Define("awaits", func(f *coro.Frame[work, int]) coro.Step {
		s := &f.State
		if s.left--; s.left < 0 {
			return f.Return(s.result)
		}
		return coro.Await(f, 0, leaf, s.left, &s.result)
	})
	yields := coro.Define("yields", func(f *coro.Frame[int, int]) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(0)
		}
		return coro.Yield(f, 0)
	})
	fails := coro.Define("fails", func(f *coro.Frame[int, int]) coro.Step { return f.Fail(errLeaf) })
	big := coro.Define("big", func(f *coro.Frame[[1000]byte, int]) coro.Step { return f.Return(1) })

	ctx := context.Background()
	ex := newInline(t)
	counting := arena.NewCounting(ex.Arena())
	ignore := func(error) {}
	failures := 0
	check := func(err error) {
		if err != nil {
			failures++
		}
	}
	tests := []struct {
		name string
		run  func()
	}{
		{"Go", func() { check(coro.Go(ex, leaf, 1)) }},
		{"Go, awaiting", func() { check(coro.Go(ex, awaits, work{left: 10})) }},
		{"Go, yielding", func() { check(coro.Go(ex, yields, 10)) }},
		{"Go, big state", func() { check(coro.Go(ex, big, [1000]byte{})) }},
		{"RunAsync", func() { check(coro.RunAsync(ex)(leaf.With(1))) }},
		{"RunAsync, big state", func() { check(coro.RunAsync(ex)(big.With([1000]byte{}))) }},
		{"RunAsync, allocator", func() {
			check(coro.RunAsync(ex, coro.Allocator(counting))(awaits.With(work{left: 10})))
		}},
		{"RunAsync, context", func() { check(coro.RunAsync(ex, coro.Context(ctx))(yields.With(10))) }},
		{"RunAsync, all options", func() {
			check(coro.RunAsync(ex, coro.Allocator(counting), coro.Context(ctx), coro.OnError(ignore))(fails.With(1)))
		}},
		{"Run", func() {
			_, err := coro.Run(ctx, ex, awaits.With(work{left: 10}))
			check(err)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				tt.run()
			}
			require.Zero(t, testing.AllocsPerRun(1000, tt.run))
		})
	}
	require.Zero(t, failures)
}
