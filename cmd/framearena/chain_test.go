package main

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/stretchr/testify/require"
)

func TestEveryFrameComesFromTheContender(t *testing.T) {
	c := newTaskChain()
	counting := arena.NewCounting(newPooledFrames())
	c.takeFramesFrom(counting, nil)
	require.NoError(t, c.run(10))
	s := counting.Stats()
	require.EqualValues(t, 1+10*workloads.FramesPerIteration, s.Allocated, "the loop's frame, and 66 an iteration")
	require.Equal(t, s.Allocated, s.Deallocated)
	require.Zero(t, c.executor.Arena().Stats().Total.Carved)
	require.NoError(t, c.close())
}

func TestExhaustedAllocatorFailsTheChain(t *testing.T) {
	c := newTaskChain()
	c.takeFramesFrom(&fewFrames{FrameAllocator: new(arena.Heap), left: 30}, nil)
	require.ErrorIs(t, c.run(10), arena.ErrExhausted)
	require.NoError(t, c.close())
}

// fewFrames gives only so many frames.
type fewFrames struct {
	arena.FrameAllocator
	left int
}

func (m *fewFrames) Allocate(size uintptr) unsafe.Pointer {
	if m.left == 0 {
		return nil
	}
	m.left--
	return m.FrameAllocator.Allocate(size)
}

// brokenChain does too little, leaves frames behind or fails.
type brokenChain struct {
	chain
	skip, leak    int
	fails, closes error
}

func (c brokenChain) run(iterations int) error {
	if c.fails != nil {
		return c.fails
	}
	err := c.chain.run(iterations)
	workloads.ChainLeaves.Add(-uint64(c.skip))
	return err
}

func (c brokenChain) live() int { return c.chain.live() + c.leak }

func (c brokenChain) close() error { return errors.Join(c.chain.close(), c.closes) }

func TestFailedChecksOfTheChain(t *testing.T) {
	for _, c := range []struct {
		broken brokenChain
		says   string
	}{
		{brokenChain{skip: 1}, "chain, broken: check failed: 89 leaves were reached in 2 iterations, want 90"},
		{brokenChain{leak: 3}, "chain, broken: check failed: 3 frames are live after the run, want 0"},
		{brokenChain{fails: errors.New("boom")}, "chain, broken: boom"},
		{brokenChain{closes: arena.ErrLeak}, "chain, broken: close: arena: frames are live"},
	} {
		contenders := append(chainContenders(), contender{"broken", "broken", func() chain {
			broken := c.broken
			broken.chain = openCacheChain()
			return broken
		}})
		for _, args := range [][]string{{"-n", "2", "-only", "chain"}, {"-n", "2", "-only", "chain", "-json"}} {
			status, stdout, stderr := callWith(t, contenders, args...)
			require.Equal(t, exitFailure, status)
			require.Contains(t, stderr, "framearena: "+c.says+"\n")
			require.NotContains(t, stdout, "ns", "figures of a broken run are worth nothing")
		}
	}
}

func TestMedian(t *testing.T) {
	figures := []float64{5, 1, 4, 2, 3}
	require.Equal(t, 3.0, median(figures))
	require.Equal(t, []float64{5, 1, 4, 2, 3}, figures)
	require.Equal(t, 2.5, median([]float64{4, 1, 2, 3}))
	require.Equal(t, 7.0, median([]float64{7}))
}
