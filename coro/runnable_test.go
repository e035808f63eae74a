package coro_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// The queue against a slice that does the same.
func TestRunQueue(t *testing.T) {
	const tasks = 300
	ex := newStepwise(t, func(error) {})
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step { return f.Return(none{}) })
	for i := range tasks {
		require.NoError(t, coro.Go(ex, k, i))
	}
	var free []coro.Runnable
	for {
		task, ok := ex.queue.Pop()
		if !ok {
			break
		}
		free = append(free, task)
	}
	require.Len(t, free, tasks)

	rnd := rand.New(rand.NewPCG(1, 2))
	var queue coro.RunQueue
	var model []coro.Runnable
	pop := func() {
		got, ok := queue.Pop()
		if len(model) == 0 {
			require.False(t, ok)
			require.True(t, got == coro.Runnable{})
			return
		}
		require.True(t, ok)
		require.True(t, got == model[0], "first in, first out")
		free, model = append(free, model[0]), model[1:]
	}
	for range 20_000 {
		// Long stretches of mostly one or the other: it gets empty and full.
		growing := len(free) > 0 && (len(model) == 0 || rnd.IntN(100) < 20+60*(len(model)/50%2))
		if growing {
			i := rnd.IntN(len(free))
			task := free[i]
			free[i] = free[len(free)-1]
			free = free[:len(free)-1]
			queue.Push(task)
			model = append(model, task)
		} else {
			pop()
		}
		require.Equal(t, len(model), queue.Len())
	}
	for len(model) > 0 {
		pop()
	}
	pop()

	// Every task is still whole.
	require.Equal(t, tasks, liveIn(ex.arena))
	for _, task := range free {
		ex.worker.Cancel(task, errors.New("not needed"))
	}
	require.Zero(t, liveIn(ex.arena))
}
