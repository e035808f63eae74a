package plain_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

func plainChain(ex coro.Executor, iterations, every int) error {
	_, err := task.Run(context.Background(), ex, task.Do2(plain.Chain, iterations, every))
	return err
}

func handChain(ex coro.Executor, iterations, every int) error {
	_, err := coro.Run(context.Background(), ex, workloads.YieldingChain.With(workloads.YieldingRepeat{Left: iterations, Every: every}))
	return err
}

func TestChain(t *testing.T) {
	for _, chain := range []func(ex coro.Executor, iterations, every int) error{plainChain, handChain} {
		ex := executor.NewInline()
		for _, every := range []int{0, 1, 2, 7} {
			before := workloads.ChainLeaves.Load()
			require.NoError(t, chain(ex, 3, every))
			require.EqualValues(t, 3*workloads.LeavesPerIteration, workloads.ChainLeaves.Load()-before)
		}
		require.NoError(t, ex.Close())
	}
}

// BenchmarkChain compares the compiled chain with calls of the same functions, which never wait, and
// with steps written by hand.
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
		run(fmt.Sprint("every=", every, "/plain"), func(iterations int) error { return plainChain(ex, iterations, every) })
		run(fmt.Sprint("every=", every, "/hand"), func(iterations int) error { return handChain(ex, iterations, every) })
	}
}
