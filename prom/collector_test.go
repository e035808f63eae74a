package prom_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/prom"
)

type none = struct{}

var (
	sleeper = coro.Define("sleeper", func(f *coro.Frame[[100]byte, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Hour)
		}
		return f.Return(none{})
	})
	parent = coro.Define("parent", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, sleeper, [100]byte{}, nil)
		}
		return f.Return(none{})
	})
	ended = coro.Define("ended", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
)

func newPool(t *testing.T, opts ...executor.PoolOption) *executor.Pool {
	pool := executor.NewPool(append(opts, executor.WithErrorHandler(func(error) {}))...)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return pool
}

// untilWaiting returns when n tasks of the executor are waiting.
func untilWaiting(t *testing.T, ex coro.Executor, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		waiting := 0
		for _, g := range ex.Environment().WaitingByKind() {
			waiting += g.N
		}
		return waiting == n
	}, time.Minute, time.Millisecond)
}

// series collects once and returns the value of each series, by name and labels.
func series(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := m.GetGauge().GetValue()
			if f.GetType() == dto.MetricType_COUNTER {
				value = m.GetCounter().GetValue()
			}
			values[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	return values
}

func TestNamesAreLikeOthers(t *testing.T) {
	problems, err := testutil.CollectAndLint(prom.NewCollector(inspect.New(inspect.WithExecutor("main", newPool(t, executor.WithKindStats())))))
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestFigures(t *testing.T) {
	pool := newPool(t, executor.WithWorkers(3), executor.WithKindStats())
	before := series(t, prom.NewCollector(inspect.New()))
	for range 7 {
		require.NoError(t, coro.Go(pool, parent, none{}))
	}
	_, err := coro.Run(t.Context(), pool, ended.With(none{}))
	require.NoError(t, err)
	untilWaiting(t, pool, 7)
	require.Eventually(t, func() bool { return pool.Stats().Idle == 3 }, time.Minute, time.Millisecond)
	large := pool.Arena().Allocate(100_000)
	defer pool.Arena().Deallocate(large, 100_000)

	got := series(t, prom.NewCollector(inspect.New(inspect.WithExecutor("main", pool))))
	stats := pool.Arena().Stats()
	for name, want := range map[string]float64{
		"framearena_waiting_tasks{executor=main,kind=sleeper,operation=Sleep,root=parent}": 7,
		"framearena_pool_tasks_total{executor=main}":                                       float64(pool.Stats().Tasks),
		"framearena_pool_blocks_total{executor=main}":                                      float64(pool.Stats().Blocks),
		"framearena_pool_elided_frames_total{executor=main}":                               0,
		"framearena_pool_workers{executor=main,state=idle}":                                3,
		"framearena_pool_workers{executor=main,state=running}":                             0,
		"framearena_pool_workers{executor=main,state=blocked}":                             0,
		"framearena_pool_queued_tasks{executor=main,queue=local}":                          0,
		"framearena_pool_queued_tasks{executor=main,queue=shared}":                         0,
		"framearena_pool_queued_tasks{executor=main,queue=urgent}":                         0,
		"framearena_arena_mapped_bytes{arena=main}":                                        float64(stats.MappedBytes),
		"framearena_arena_reserved_bytes{arena=main}":                                      float64(stats.ReservedBytes),
		"framearena_arena_handed_back_bytes_total{arena=main}":                             float64(stats.HandedBackBytes),
		"framearena_arena_refusals_total{arena=main}":                                      0,
		"framearena_arena_large_frames{arena=main}":                                        1,
		"framearena_arena_large_bytes{arena=main}":                                         float64(stats.LargeBytes),
	} {
		require.Contains(t, got, name)
		require.Equal(t, want, got[name], name)
	}
	live := 0.0
	for _, c := range stats.Classes {
		labels := fmt.Sprintf("{arena=main,frame_bytes=%d", c.Size)
		require.EqualValues(t, c.Slabs, got["framearena_arena_slabs"+labels+"}"])
		sum := 0.0
		for _, state := range []string{"live", "private", "warm", "cold"} {
			sum += got["framearena_arena_frames"+labels+",state="+state+"}"]
		}
		require.EqualValues(t, c.Carved, sum)
		live += got["framearena_arena_frames"+labels+",state=live}"]
	}
	require.EqualValues(t, 14, live)
	for kind, n := range map[string]float64{"sleeper": 7, "parent": 7, "ended": 1} {
		name := "framearena_tasks_started_total{kind=" + kind + "}"
		require.Equal(t, n, got[name]-before[name])
	}
	for _, kind := range []string{"sleeper", "parent", "ended"} {
		require.EqualValues(t, got["framearena_tasks_live{kind="+kind+"}"],
			got["framearena_tasks_started_total{kind="+kind+"}"]-got["framearena_tasks_ended_total{kind="+kind+"}"])
	}
	require.EqualValues(t, 7, got["framearena_tasks_live{kind=sleeper}"])
	require.EqualValues(t, sleeper.Stats().LiveBytes, got["framearena_tasks_live_bytes{kind=sleeper}"])
	require.EqualValues(t, sleeper.Stats().Elided, got["framearena_tasks_elided_total{kind=sleeper}"])
}

// Groups of waiting tasks come and go. The number of their series must not grow with them.
func TestSeriesOfWaitingTasksAreBounded(t *testing.T) {
	loop := executor.NewLoop(executor.WithErrorHandler(func(error) {}))
	defer func() { require.NoError(t, loop.Close()) }()
	tasks := 0
	for n := range 130 {
		name := fmt.Sprint("kind ", n/2) // two have one name
		if n >= 10 {
			name = fmt.Sprint("kind ", n)
		}
		kind := coro.Define(name, func(f *coro.Frame[none, none]) coro.Step { return coro.Sleep(f, 0, time.Hour) })
		for range 200 - n {
			tasks++
			require.NoError(t, coro.Go(loop, kind, none{}))
		}
	}
	loop.RunUntilIdle()
	untilWaiting(t, loop, tasks)
	waiting, sum := 0, 0.0
	got := series(t, prom.NewCollector(inspect.New(inspect.WithExecutor("loop", loop))))
	for name, n := range got {
		if strings.HasPrefix(name, "framearena_waiting_tasks{") {
			waiting++
			sum += n
		}
	}
	require.Equal(t, 101, waiting)
	require.EqualValues(t, tasks, sum)
	require.EqualValues(t, 200+199, got["framearena_waiting_tasks{executor=loop,kind=kind 0,operation=Sleep,root=kind 0}"])
	require.NotZero(t, got["framearena_waiting_tasks{executor=loop,kind=other,operation=other,root=other}"])
}

func TestNames(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	first, second := executor.NewInline(executor.WithArena(a)), executor.NewInline(executor.WithArena(a))
	pool := newPool(t)
	inspector := inspect.New(inspect.WithArena("frames", a), inspect.WithExecutor("first", first), inspect.WithExecutor("second", second), inspect.WithExecutor("pool", pool))
	got := series(t, prom.NewCollector(inspector))
	require.Contains(t, got, "framearena_arena_mapped_bytes{arena=frames}")
	require.Contains(t, got, "framearena_arena_mapped_bytes{arena=pool}")
	require.Contains(t, got, "framearena_pool_tasks_total{executor=pool}")
	require.NotContains(t, got, "framearena_arena_mapped_bytes{arena=first}")
	require.NotContains(t, got, "framearena_pool_tasks_total{executor=first}")
	require.NoError(t, first.Close())
	require.NoError(t, second.Close())
	require.NoError(t, a.Close())
	got = series(t, prom.NewCollector(inspector))
	require.Zero(t, got["framearena_arena_mapped_bytes{arena=frames}"], "closed")
}

func TestCollectingUnderLoad(t *testing.T) {
	pool := newPool(t, executor.WithWorkers(4), executor.WithKindStats())
	c := prom.NewCollector(inspect.New(inspect.WithExecutor("main", pool)))
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for range 2000 {
				if _, err := coro.Run(t.Context(), pool, ended.With(none{})); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		series(t, c)
	}
	all.Wait()
}
