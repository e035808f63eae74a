package plain_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

func TestChain(t *testing.T) {
	ex := executor.NewInline()
	for _, every := range []int{0, 1, 2, 7} {
		before := workloads.ChainLeaves.Load()
		_, err := task.Run(context.Background(), ex, task.Do2(plain.Chain, 3, every), task.RequireCompiled())
		require.NoError(t, err)
		require.EqualValues(t, 3*workloads.LeavesPerIteration, workloads.ChainLeaves.Load()-before)
	}
	require.NoError(t, ex.Close())
}

// BenchmarkChain compares the compiled chain with calls of the same functions, which never wait.
func BenchmarkChain(b *testing.B) {
	run := func(name string, chain func(iterations int) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			require.NoError(b, chain(b.N))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/workloads.FramesPerIteration, "ns/frame")
		})
	}
	ex := executor.NewInline()
	b.Cleanup(func() { ex.Close() })
	run("calls", func(iterations int) error { return plain.Chain(nil, iterations, 0) })
	for _, every := range []int{0, 1, 10, 100} {
		run(fmt.Sprint("compiled/every=", every), func(iterations int) error {
			_, err := task.Run(context.Background(), ex, task.Do2(plain.Chain, iterations, every))
			return err
		})
	}
}

func TestSkynet(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		ex := executor.NewPool(executor.WithWorkers(workers))
		sum, err := task.Run(context.Background(), ex, task.Call2(plain.Skynet, 0, 10_000), task.RequireCompiled())
		require.NoError(t, err)
		require.Equal(t, 49_995_000, sum)
		require.NoError(t, ex.Close())
	}
}

func BenchmarkSkynet(b *testing.B) {
	const leaves = 1_000_000
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			ex := executor.NewPool(executor.WithWorkers(workers))
			b.Cleanup(func() { ex.Close() })
			b.ReportAllocs()
			for b.Loop() {
				sum, err := task.Run(context.Background(), ex, task.Call2(plain.Skynet, 0, leaves))
				require.NoError(b, err)
				require.EqualValues(b, int64(leaves)*(leaves-1)/2, sum)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/leaves, "ns/leaf")
		})
	}
}

// Random trees end as they should: each function that has begun runs its deferred call, and no frame
// is left.
func TestTree(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			ex := executor.NewPool(executor.WithWorkers(workers))
			var tree plain.Tree
			for seed := range uint64(40) {
				task.Run(context.Background(), ex, task.Call3(plain.Grow, &tree, seed, 4), task.RequireCompiled())
			}
			require.NoError(t, ex.Drain(context.Background()))
			require.Positive(t, tree.Failed.Load())
			require.Positive(t, tree.Cancelled.Load())
			require.Equal(t, tree.Begun.Load(), tree.Deferred.Load())
			require.NoError(t, ex.Close()) // an arena.ErrLeak if a frame were live
		})
	}
}

// An executor that is closed ends trees where they wait.
func TestTreeIsCutDown(t *testing.T) {
	for i := range 30 {
		ex := executor.NewPool(executor.WithWorkers(1+i%3), executor.WithErrorHandler(func(error) {}))
		tree := new(plain.Tree)
		for seed := range uint64(8) {
			require.NoError(t, task.Go(ex, task.Call3(plain.Grow, tree, seed, 5)))
		}
		time.Sleep(time.Duration(i) * 50 * time.Microsecond)
		require.NoError(t, ex.Close())
		require.Equal(t, tree.Begun.Load(), tree.Deferred.Load())
	}
}
