package coro_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
)

// skynetWaitGroup is workloads.Skynet with a WaitGroup in place of the Group.
func skynetWaitGroup(num, size int, result *int) {
	if size == 1 {
		*result = num
		return
	}
	var children sync.WaitGroup
	var sums [10]int
	size /= 10
	for i := range sums {
		children.Go(func() { skynetWaitGroup(num+i*size, size, &sums[i]) })
	}
	children.Wait()
	for _, n := range sums {
		*result += n
	}
}

func BenchmarkSkynet(b *testing.B) {
	for _, tree := range []struct {
		name       string
		size       int
		tasks, sum float64
	}{
		{"111111", 100_000, 111_111, 4999950000},
		{"1111111", 1_000_000, 1_111_111, 499999500000},
	} {
		perTask := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tree.tasks, "ns/task")
		}
		b.Run("tasks/"+tree.name, func(b *testing.B) {
			ex := executor.NewInline()
			for b.Loop() {
				n, err := workloads.Skynet(ex, tree.size)
				if err != nil || float64(n) != tree.sum {
					b.Fatal(n, err)
				}
			}
			perTask(b)
			require.NoError(b, ex.Close())
		})
		b.Run("goroutines/"+tree.name, func(b *testing.B) {
			for b.Loop() {
				if n := workloads.SkynetGoroutines(tree.size); float64(n) != tree.sum {
					b.Fatal(n)
				}
			}
			perTask(b)
		})
		b.Run("WaitGroup/"+tree.name, func(b *testing.B) {
			for b.Loop() {
				n := 0
				skynetWaitGroup(0, tree.size, &n)
				if float64(n) != tree.sum {
					b.Fatal(n)
				}
			}
			perTask(b)
		})
	}
}

func BenchmarkSpawnWait(b *testing.B) {
	type state struct {
		g          coro.Group
		left, last int
	}
	spawns := coro.Define("spawns", func(f *coro.Frame[state, int]) coro.Step {
		s := &f.State
		if s.left--; s.left < 0 {
			return f.Return(s.last)
		}
		coro.Spawn(f, &s.g, workloads.SkynetLeaf, 1, &s.last)
		return s.g.Wait(f, 1)
	})
	b.Run("tasks", func(b *testing.B) {
		ex := executor.NewInline()
		_, err := coro.Run(context.Background(), ex, spawns.With(state{left: b.N}))
		require.NoError(b, err)
		require.NoError(b, ex.Close())
	})
	b.Run("WaitGroup", func(b *testing.B) {
		for b.Loop() {
			var g sync.WaitGroup
			last := 0
			g.Go(func() { last = 1 })
			g.Wait()
			if last != 1 {
				b.Fatal(last)
			}
		}
	})
}

func BenchmarkAll(b *testing.B) {
	args := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	type state struct {
		left    int
		results [10]int
	}
	all := coro.Define("all", func(f *coro.Frame[state, int]) coro.Step {
		s := &f.State
		if s.left--; s.left < 0 {
			return f.Return(s.results[9])
		}
		return coro.All(f, 1, leaf, args, s.results[:])
	})
	b.Run("tasks", func(b *testing.B) {
		ex := executor.NewInline()
		_, err := coro.Run(context.Background(), ex, all.With(state{left: b.N}))
		require.NoError(b, err)
		require.NoError(b, ex.Close())
	})
	b.Run("goroutines", func(b *testing.B) { // as a group of package errgroup does it
		for b.Loop() {
			ctx, cancel := context.WithCancelCause(context.Background())
			var g sync.WaitGroup
			var once sync.Once
			var results [10]int
			for i, n := range args {
				g.Go(func() {
					if ctx.Err() != nil {
						once.Do(func() { cancel(ctx.Err()) })
						return
					}
					results[i] = n
				})
			}
			g.Wait()
			cancel(nil)
			if results[9] != 10 {
				b.Fatal(results)
			}
		}
	})
}
