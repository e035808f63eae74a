package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/fuzz"
)

func newTested(t testing.TB) arena.FrameAllocator { return newCounting(fuzz.NewMemory(t)) }

var promises = fuzz.Promises{
	fuzz.Concurrent(),
	fuzz.LiveFrames(func(c *counting) int { return int(c.live.Load()) }),
}

// The allocator keeps the rules of every FrameAllocator, and its figure is exact.
func TestCounting(t *testing.T)     { fuzz.Check(t, newTested, promises) }
func TestCountingBusy(t *testing.T) { fuzz.Stress(t, newTested, promises) }

// A refusal of the other allocator is passed on, and does not count as an allocation.
func TestARefusal(t *testing.T) {
	frames := newCounting(arena.NewBounded(new(arena.Heap), 0))
	require.Nil(t, frames.Allocate(1))
	require.Zero(t, frames.allocations.Load())
	require.Zero(t, frames.live.Load())
}

func TestEachTaskIsCounted(t *testing.T) {
	ex := executor.NewInline()
	for n := range 15 {
		tasks, _ := tasksOf(n)
		// above returns the number of tasks of fib(n) in its upper levels.
		var above func(n, levels int) int
		above = func(n, levels int) int {
			switch {
			case levels == 0:
				return 0
			case n < 2:
				return 1
			}
			return 1 + above(n-1, levels-1) + above(n-2, levels-1)
		}
		for levels := 1; levels <= max(n, 1); levels++ {
			fromArena, _, err := count(ex, ex.Arena(), n, levels, 2)
			require.NoError(t, err)
			fromHeap, _, err := count(ex, new(arena.Heap), n, levels, 2)
			require.NoError(t, err)
			require.Equal(t, fromArena, fromHeap, "the allocator must not change what is elided")
			require.EqualValues(t, tasks-above(n, levels)+1, fromArena, "fib(%d), %d levels", n, levels)
		}
	}
	require.NoError(t, ex.Close()) // an arena.ErrLeak if a frame were live
}

func TestTasksOf(t *testing.T) {
	for n, want := range [][2]int{{1, 0}, {1, 1}, {3, 1}, {5, 2}, {9, 3}, {15, 5}} {
		tasks, number := tasksOf(n)
		require.Equal(t, want, [2]int{tasks, int(number)})
	}
}

// The allocator of a tree serves that tree only, and gets all frames back however the tree
// ends.
func TestTreesBesideEachOther(t *testing.T) {
	errWrong := errors.New("wrong")
	type parent struct {
		children coro.Group
		how      int32
	}
	ends := coro.Define("ends", func(f *coro.Frame[parent, struct{}]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			for range 10 {
				coro.Spawn(f, &s.children, fib, fibonacci{n: 8}, nil)
			}
			return s.children.Wait(f, 1)
		}
		switch s.how {
		case 1:
			return f.Fail(errWrong)
		case 2:
			panic(errWrong)
		}
		return f.Return(struct{}{})
	})
	pool := executor.NewPool()
	tasks, _ := tasksOf(8)
	var all [30]*counting
	done := make(chan error, len(all))
	for i := range all {
		all[i] = newCounting(pool.Arena())
		launch := coro.RunAsync(pool, coro.Allocator(all[i]),
			coro.OnError(func(err error) { done <- err }), coro.OnResult(func(struct{}) { done <- nil }))
		require.NoError(t, launch(ends.With(parent{how: int32(i % 3)})))
	}
	failed := 0
	for range all {
		if err := <-done; err != nil {
			require.ErrorIs(t, err, errWrong)
			failed++
		}
	}
	require.Equal(t, 20, failed)
	require.NoError(t, pool.Drain(context.Background()))
	for _, frames := range all {
		require.EqualValues(t, 10*tasks+1, frames.allocations.Load())
		require.Zero(t, frames.live.Load())
	}
	require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
}

func TestTheCommand(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(10, 1, &out))
	require.Contains(t, out.String(), "177 tasks compute fib(10) = 55.\n")
	require.Regexp(t, `(?m)^ +1 +177 +1\.00 `, out.String())
	require.Regexp(t, `(?m)^ +10 +1 +0\.01 `, out.String())
	require.Error(t, run(41, 1, &out))
}
