package ordered_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/examples/pipeline/ordered"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/framesize"
	"github.com/framearena/framearena/task"
)

// squares are the results of n items, in order.
func squares(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i * i
	}
	return s
}

func TestTheOrder(t *testing.T) {
	for _, p := range []ordered.Pipeline{
		{Items: 300, Window: 1},
		{Items: 300, Window: 3, Latency: 100 * time.Microsecond},
		{Items: 300, Window: 1000, Latency: 5 * time.Millisecond},
	} {
		var results []int
		p.Output = func(result int) { results = append(results, result) }
		started := 0
		p.Started = func() { started++ }

		pool := executor.NewPool()
		up := new(coro.Event)
		up.Set()
		require.NoError(t, p.Tasks(pool, up))
		require.Equal(t, squares(300), results)
		require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live

		results = nil
		pool = executor.NewPool()
		plainUp := new(task.Event)
		plainUp.Set()
		require.NoError(t, plain(t.Context(), &p, pool, plainUp))
		require.Equal(t, squares(300), results)
		require.NoError(t, pool.Close())
		require.Empty(t, slices.Collect(task.UncompiledFunctions()))

		results = nil
		goroutinesUp := make(chan struct{})
		close(goroutinesUp)
		require.NoError(t, p.Goroutines(t.Context(), goroutinesUp))
		require.Equal(t, squares(300), results)
		require.Equal(t, 3, started)
	}
}

// plain runs a pipeline in plain Go.
func plain(ctx context.Context, p *ordered.Pipeline, pool *executor.Pool, up *task.Event) error {
	_, err := task.Run(ctx, pool, task.Do1(p.Plain, up))
	return err
}

// No more items are in work than the window has room for: the rest waits in the source.
func TestTheWindow(t *testing.T) {
	test := func(t *testing.T, waits map[string]int, set func(), run func(*ordered.Pipeline, *executor.Pool) error) {
		pool := executor.NewPool()
		var results []int
		p := &ordered.Pipeline{Items: 20, Window: 5, Started: func() {}, Output: func(r int) { results = append(results, r) }}
		done := make(chan error)
		go func() { done <- run(p, pool) }()
		require.Eventually(t, func() bool {
			waiting := map[string]int{}
			for _, group := range pool.Environment().WaitingByKind() {
				waiting[group.What] += group.N
			}
			return maps.Equal(waits, waiting)
		}, time.Minute, time.Millisecond)
		require.LessOrEqual(t, pool.Environment().Live(), 5+2)
		set()
		require.NoError(t, <-done)
		require.True(t, slices.IsSorted(results))
		require.Len(t, results, 20)
		require.NoError(t, pool.Close())
	}
	t.Run("tasks", func(t *testing.T) {
		var up coro.Event
		test(t, map[string]int{"Event.Wait": 5, "Semaphore.Acquire": 1, "Handle.Await": 1}, up.Set, func(p *ordered.Pipeline, pool *executor.Pool) error { return p.Tasks(pool, &up) })
	})
	t.Run("plain", func(t *testing.T) {
		var up task.Event
		test(t, map[string]int{"Event.Wait": 5 + 1, "Chan.Send": 1}, up.Set, func(p *ordered.Pipeline, pool *executor.Pool) error { return plain(t.Context(), p, pool, &up) })
	})
}

func TestAFlood(t *testing.T) {
	pool := executor.NewPool()
	for _, as := range []ordered.Form{ordered.Tasks, ordered.Plain, ordered.Goroutines} {
		full := 0
		sum, err := ordered.Flood(as, pool, 500, func() { full++ })
		require.NoError(t, err)
		require.Equal(t, 499*500*999/6, sum)
		require.Equal(t, 1, full)
	}
	require.NoError(t, pool.Close())
	for _, as := range []ordered.Form{ordered.Tasks, ordered.Plain} {
		_, err := ordered.Flood(as, pool, 1, func() {})
		require.ErrorIs(t, err, executor.ErrClosed)
	}
}

// The frames of the plain form are not larger than those of steps written by hand.
func TestFrameSizes(t *testing.T) {
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "(*Pipeline).Plain.func1"), framesize.Of(t, "tasks.go", "feed"))
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "(*Pipeline).Plain"), framesize.Of(t, "tasks.go", "collect"))
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "(*pending).process"), framesize.Of(t, "tasks.go", "item"))
}

// When the context ends, items that wait end, and no result comes any more.
func TestTheEndOfTheContext(t *testing.T) {
	for name, run := range map[string]func(*ordered.Pipeline, context.Context, *executor.Pool) error{
		"plain": func(p *ordered.Pipeline, ctx context.Context, pool *executor.Pool) error {
			return plain(ctx, p, pool, new(task.Event))
		},
		"goroutines": func(p *ordered.Pipeline, ctx context.Context, _ *executor.Pool) error {
			return p.Goroutines(ctx, make(chan struct{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, window := range []int{1, 7, 20} {
				pool := executor.NewPool()
				ctx, cancel := context.WithCancel(t.Context())
				p := &ordered.Pipeline{Items: 20, Window: window, Started: func() {}, Output: func(int) { t.Error("there is a result") }}
				time.AfterFunc(time.Millisecond, cancel)
				require.ErrorIs(t, run(p, ctx, pool), context.Canceled)
				require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
			}
		})
	}
}
