package prom_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/prom"
)

// The series about waits, blocked steps and memory have the figures of the program.
func TestFiguresForOperators(t *testing.T) {
	pool := newPool(t, executor.WithWorkers(2), executor.WithKindStats(), executor.WithBlockedLimit(time.Millisecond))
	c := prom.NewCollector(inspect.New(inspect.WithExecutor("main", pool)))
	var stock, other coro.Mutex
	stock.TryLock()
	other.TryLock()
	coro.NameWaitable(&stock, "stock \xff")
	locks := coro.Define("locks", func(f *coro.Frame[int, none]) coro.Step {
		if f.State == 0 {
			return stock.Lock(f, 1)
		}
		return other.Lock(f, 1)
	})
	holds := coro.DefineHeld("holds a lot", func(f *coro.Frame[none, none], _ *[1000]string) coro.Step { return coro.Sleep(f, 0, time.Hour) })
	blocks := coro.Define("blocks", func(f *coro.Frame[none, none]) coro.Step {
		for len(pool.Stats().BlockedKinds) == 0 {
			time.Sleep(time.Millisecond)
		}
		return f.Return(none{})
	})
	require.NoError(t, coro.GoHeld(pool, holds, none{}, [1000]string{}))
	for n := range 7 {
		require.NoError(t, coro.Go(pool, locks, n/5))
	}
	before := time.Now()
	_, err := coro.Run(t.Context(), pool, blocks.With(none{}))
	require.NoError(t, err)
	untilWaiting(t, pool, 8)
	var got map[string]float64
	require.Eventually(t, func() bool {
		got = series(t, c)
		return got["framearena_waiting_oldest_seconds{executor=main,kind=locks,operation=Mutex.Lock,root=locks}"] >= 1
	}, time.Minute, 100*time.Millisecond)
	require.EqualValues(t, 7, got["framearena_waiting_tasks_by_age{at_least_seconds=1,executor=main,kind=locks,operation=Mutex.Lock}"])
	require.Contains(t, got, "framearena_waiting_tasks_by_age{at_least_seconds=86400,executor=main,kind=locks,operation=Mutex.Lock}")
	require.Zero(t, got["framearena_waiting_tasks_by_age{at_least_seconds=86400,executor=main,kind=locks,operation=Mutex.Lock}"])
	require.EqualValues(t, 5, got[`framearena_waited_object_tasks{executor=main,object=stock \xff,operation=Mutex.Lock}`])
	require.EqualValues(t, 2, got["framearena_waited_object_tasks{executor=main,object=unnamed,operation=Mutex.Lock}"])
	require.GreaterOrEqual(t, got["framearena_pool_blocked_longest_seconds{executor=main,kind=blocks}"], 0.001)
	last := got["framearena_pool_blocked_last_timestamp_seconds{executor=main,kind=blocks}"]
	require.InDelta(t, float64(before.Unix()), last, 3600)
	require.Contains(t, got, "framearena_pool_busy_seconds_total{executor=main,kind=blocks}")
	require.GreaterOrEqual(t, got["framearena_held_bytes{kind=holds a lot}"], 16000.0)
	require.GreaterOrEqual(t, got["framearena_heap_bytes{purpose=held}"], got["framearena_held_bytes{kind=holds a lot}"])
	require.Contains(t, got, "framearena_heap_bytes{purpose=records}")
	require.Greater(t, got["framearena_go_heap_bytes{}"], got["framearena_heap_bytes{purpose=held}"])
	wakes := got["framearena_tasks_wakes_total{kind=locks}"]
	stock.Unlock()
	require.Eventually(t, func() bool { return series(t, c)["framearena_tasks_wakes_total{kind=locks}"] == wakes+1 }, time.Minute, time.Millisecond)
}

// However many kinds wait, and whatever for, the number of series is bounded.
func TestSeriesForOperatorsAreBounded(t *testing.T) {
	loop := executor.NewLoop(executor.WithErrorHandler(func(error) {}))
	defer func() { require.NoError(t, loop.Close()) }()
	const kinds = 130
	events := make([]coro.Event, kinds)
	tasks := 0
	for n := range kinds {
		coro.NameWaitable(&events[n], fmt.Sprint("event ", n))
		kind := coro.Define(fmt.Sprint("waits ", n), func(f *coro.Frame[none, none]) coro.Step { return events[n].Wait(f, 1) })
		for range n + 1 {
			tasks++
			require.NoError(t, coro.Go(loop, kind, none{}))
		}
	}
	loop.RunUntilIdle()
	untilWaiting(t, loop, tasks)
	count := make(map[string]int)
	for name := range series(t, prom.NewCollector(inspect.New(inspect.WithExecutor("loop", loop)))) {
		metric, _, _ := strings.Cut(name, "{")
		count[metric]++
	}
	require.Equal(t, 101, count["framearena_waiting_oldest_seconds"])
	require.Equal(t, 21*7, count["framearena_waiting_tasks_by_age"])
	require.Equal(t, 10, count["framearena_waited_object_tasks"])
}
