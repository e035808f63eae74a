package workloads_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
)

// Each task of a chain is a frame from the allocator, or lies in the frame of the root.
func TestChainFrames(t *testing.T) {
	const iterations = 10
	for _, chain := range []struct {
		root   *coro.Kind[workloads.Repeat, struct{}]
		opts   []coro.LaunchOption
		frames uint64
	}{
		{workloads.Chain, nil, 1 + iterations*workloads.FramesPerIteration},
		{workloads.ElidedChain, []coro.LaunchOption{coro.RootFrameSize(workloads.ElidedChainSize())}, 1},
	} {
		ex := executor.NewInline()
		counting := arena.NewCounting(ex.Arena())
		before := workloads.ChainLeaves.Load()
		require.NoError(t, coro.RunAsync(ex, append(chain.opts, coro.Allocator(counting))...)(chain.root.With(workloads.Repeat{Left: iterations})))
		require.EqualValues(t, iterations*workloads.LeavesPerIteration, workloads.ChainLeaves.Load()-before)
		require.Equal(t, chain.frames, counting.Stats().Allocated)
		require.Equal(t, chain.frames, counting.Stats().Deallocated)
		require.NoError(t, ex.Close())
	}
}

// Calls reach as many leaves as tasks, and each of them is on a stack of its own.
func TestChainOfCalls(t *testing.T) {
	before, calls := workloads.ChainLeaves.Load(), 0
	workloads.ChainOfCalls(func(f func()) {
		calls++
		workloads.AwaitGoroutine(f)
	}, 2)
	require.EqualValues(t, 2*workloads.LeavesPerIteration, workloads.ChainLeaves.Load()-before)
	require.Equal(t, 2*workloads.FramesPerIteration, calls)
}

func TestActivity(t *testing.T) {
	a := workloads.Activity{ID: 7}
	a.Fill()
	require.True(t, a.Intact())
	a.Words[3]++
	require.False(t, a.Intact())
}

func TestSumOfIDs(t *testing.T) {
	require.EqualValues(t, 1, workloads.SumOfIDs(1))
	require.EqualValues(t, 10, workloads.SumOfIDs(4))
	require.EqualValues(t, 15, workloads.SumOfIDs(5))
}
