package ordered_test

import (
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
		{Window: 1},
		{Window: 3, Latency: 100 * time.Microsecond},
		{Window: 1000, Latency: 5 * time.Millisecond},
	} {
		var results []int
		output := func(result int) { results = append(results, result) }

		pool := executor.NewPool()
		up := new(coro.Event)
		up.Set()
		require.NoError(t, p.Tasks(pool, 300, up, func() {}, output))
		require.Equal(t, squares(300), results)
		require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live

		results = nil
		pool = executor.NewPool()
		plainUp := new(task.Event)
		plainUp.Set()
		require.NoError(t, p.Plain(pool, 300, plainUp, func() {}, output))
		require.Equal(t, squares(300), results)
		require.NoError(t, pool.Close())
		require.Empty(t, slices.Collect(task.UncompiledFunctions()))

		results = nil
		goroutinesUp := make(chan struct{})
		close(goroutinesUp)
		p.Goroutines(300, goroutinesUp, func() {}, output)
		require.Equal(t, squares(300), results)
	}
}

// No more items are in work than the window has room for: the rest waits in the source.
func TestTheWindow(t *testing.T) {
	p := ordered.Pipeline{Window: 5}
	test := func(t *testing.T, set func(), run func(pool *executor.Pool, output func(int)) error) {
		pool := executor.NewPool()
		var results []int
		done := make(chan error)
		go func() { done <- run(pool, func(r int) { results = append(results, r) }) }()
		require.Eventually(t, func() bool {
			waiting := map[string]int{}
			for _, group := range pool.Environment().WaitingByKind() {
				waiting[group.What] += group.N
			}
			return waiting["Event.Wait"] == 5 && waiting["Semaphore.Acquire"] == 1
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
		test(t, up.Set, func(pool *executor.Pool, output func(int)) error {
			return p.Tasks(pool, 20, &up, func() {}, output)
		})
	})
	t.Run("plain", func(t *testing.T) {
		var up task.Event
		test(t, up.Set, func(pool *executor.Pool, output func(int)) error {
			return p.Plain(pool, 20, &up, func() {}, output)
		})
	})
}

func TestAFlood(t *testing.T) {
	pool := executor.NewPool()
	for _, as := range []ordered.Form{ordered.Tasks, ordered.Plain, ordered.Goroutines} {
		full := 0
		require.NoError(t, ordered.Flood(as, pool, 500, func() { full++ }))
		require.Equal(t, 1, full)
	}
	require.NoError(t, pool.Close())
	require.ErrorIs(t, ordered.Flood(ordered.Tasks, pool, 1, func() {}), executor.ErrClosed)
	require.ErrorIs(t, ordered.Flood(ordered.Plain, pool, 1, func() {}), executor.ErrClosed)
}

// The frames of the plain form are not larger than those of steps written by hand.
func TestFrameSizes(t *testing.T) {
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "fill"), framesize.Of(t, "tasks.go", "feed"))
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "drain"), framesize.Of(t, "tasks.go", "collect"))
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "process"), framesize.Of(t, "tasks.go", "item"))
}
