package coro_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// Nothing that the collector sees refers to the options of a suspended tree,
// except for the list of pinned calls.
func TestOptionsOutliveTheCollector(t *testing.T) {
	const trees = 200
	ex := newStepwise(t, func(error) { t.Error("the executor's handler was called") })
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		if f.Context().Value(contextKey{}) != f.State {
			return f.Fail(errCause)
		}
		return f.Fail(errLeaf)
	})
	var ended [trees]int
	for i := range trees {
		require.NoError(t, coro.RunAsync(ex,
			coro.Context(context.WithValue(context.Background(), contextKey{}, i)),
			coro.OnError(func(err error) {
				if err == errLeaf {
					ended[i]++
				}
			}),
		)(k.With(i)))
	}
	requirePinned := func(want int) {
		t.Helper()
		n := coro.Pinned()
		require.Equal(t, want, n)
	}
	requirePinned(trees)
	for range trees {
		require.True(t, ex.runOne())
	}
	runtime.GC()
	runtime.GC()

	// They end in any order.
	var tasks []coro.Runnable
	for task, ok := ex.queue.Pop(); ok; task, ok = ex.queue.Pop() {
		tasks = append(tasks, task)
	}
	require.Len(t, tasks, trees)
	rnd := rand.New(rand.NewPCG(3, 4))
	rnd.Shuffle(trees, func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
	for i, task := range tasks {
		ex.worker.Run(task)
		requirePinned(trees - 1 - i)
		if i%50 == 0 {
			runtime.GC()
		}
	}
	for i, n := range ended {
		require.Equal(t, 1, n, "tree %d", i)
	}
}
