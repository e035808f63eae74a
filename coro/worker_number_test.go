package coro_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/goroutine"
)

// A trace of trees says which worker has allocated and freed each frame: two tasks that are in
// their steps at the same time run on two workers, and their children's frames are theirs.
func TestTracesKnowTheWorkers(t *testing.T) {
	require.Zero(t, coro.WorkerNumber(), "no worker runs on this goroutine")
	if goroutine.Pointer() == 0 {
		t.Skip("goroutines have no numbers here")
	}
	// A goroutine may have no slot, if another has it: then there is another pool to try.
	for range 20 {
		if recordTwoWorkers(t) {
			return
		}
	}
	t.Fatal("no worker has a number")
}

// recordTwoWorkers reports whether both workers of a pool have numbers, and requires that the
// trace is right then.
func recordTwoWorkers(t *testing.T) bool {
	pool := executor.NewPool(executor.WithWorkers(2), executor.WithBlockedLimit(-1))
	var recorded bytes.Buffer
	trace := arena.NewTrace(pool.Arena(), &recorded)
	child := coro.Define("child", func(f *coro.Frame[[200]byte, uint64]) coro.Step { return f.Return(coro.WorkerNumber()) })
	var both sync.WaitGroup
	both.Add(2)
	var mu sync.Mutex
	numbers := make(map[uint64]bool)
	parent := coro.Define("parent", func(f *coro.Frame[struct{ number uint64 }, uint64]) coro.Step {
		if f.At() == 0 {
			both.Done()
			both.Wait() // so each has a worker of its own
			return coro.Await(f, 1, child, [200]byte{}, &f.State.number)
		}
		mu.Lock()
		defer mu.Unlock()
		numbers[f.State.number] = true
		return f.Return(f.State.number)
	})
	workers := trace.Workers(coro.WorkerNumber)
	var handles []*coro.Handle[uint64]
	for range 2 {
		h, err := coro.Start(pool, parent.With(struct{ number uint64 }{}), coro.Allocator(workers))
		require.NoError(t, err)
		handles = append(handles, h)
	}
	for _, h := range handles {
		_, err := h.Wait(context.Background())
		require.NoError(t, err)
	}
	require.NoError(t, pool.Close())
	require.NoError(t, trace.Close())
	if numbers[0] {
		return false
	}
	require.Len(t, numbers, 2)

	r, err := arena.NewTraceReader(&recorded)
	require.NoError(t, err)
	type use struct {
		op     arena.TraceOp
		size   uint64
		thread uint64
	}
	got := make(map[use]int)
	for e, err := range r.All() {
		require.NoError(t, err)
		got[use{e.Op, e.Size, e.Thread}]++
	}
	root, inner := uint64(parent.FrameSize()), uint64(child.FrameSize())
	require.Equal(t, map[use]int{
		{arena.TraceAllocate, root, 0}:    2, // by this goroutine
		{arena.TraceAllocate, inner, 1}:   1,
		{arena.TraceAllocate, inner, 2}:   1,
		{arena.TraceDeallocate, inner, 1}: 1,
		{arena.TraceDeallocate, inner, 2}: 1,
		{arena.TraceDeallocate, root, 1}:  1,
		{arena.TraceDeallocate, root, 2}:  1,
	}, got)
	return true
}
