package executor_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// More goroutines than cores launch all sorts of tasks.
func TestPoolFromManyGoroutines(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		t.Run(fmt.Sprint("GOMAXPROCS ", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			const goroutines = 24
			rounds := scaled(300)
			var handled atomic.Int64
			ex := executor.NewPool(executor.WithErrorHandler(func(err error) {
				// Nobody waits for these before Close.
				if err != errTask && err != executor.ErrClosed {
					t.Error(err)
				}
				handled.Add(1)
			}))
			heap := new(arena.Heap)
			var ended sync.WaitGroup // of tasks that nobody waits for
			signal := coro.Define("signal", func(f *coro.Frame[int, int]) coro.Step {
				if f.State--; f.State > 0 {
					return coro.Yield(f, 0)
				}
				ended.Done()
				return f.Return(0)
			})
			var wg sync.WaitGroup
			for i := range goroutines {
				wg.Go(func() {
					for j := range rounds {
						n := (i + j) % 7
						got, err := coro.Run(context.Background(), ex, countTo(n))
						if got != n || err != nil {
							t.Errorf("got %d, %v", got, err)
						}
						ended.Add(3)
						for _, err := range []error{
							coro.Go(ex, signal, n),
							coro.Go(ex, failing, none{}),
							coro.RunAsync(ex)(signal.With(n)),
							coro.RunAsync(ex, coro.Allocator(heap))(signal.With(n)),
							coro.RunAsync(ex, coro.OnError(func(error) {}))(failing.With(none{})),
						} {
							if err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			wg.Wait()
			ended.Wait()
			require.NoError(t, ex.Close())
			require.Zero(t, heap.Live())
			require.LessOrEqual(t, handled.Load(), int64(goroutines*rounds))
		})
	}
}

// A step that launches on its own pool, and a tree of such launches.
func TestPoolTasksLaunchTasks(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(4))
	const depth = 10
	var leaves sync.WaitGroup
	leaves.Add(1 << depth)
	tree := coro.Define("tree", func(f *coro.Frame[int, none]) coro.Step {
		if f.State == 0 {
			leaves.Done()
			return f.Return(none{})
		}
		for range 2 {
			if err := coro.Go(ex, f.Kind(), f.State-1); err != nil {
				return f.Fail(err)
			}
		}
		return f.Return(none{})
	})
	for range scaled(20) {
		require.NoError(t, coro.Go(ex, tree, depth))
		leaves.Wait()
		leaves.Add(1 << depth)
	}
	require.NoError(t, ex.Close())
}

// A pool has as many workers as asked for: so many steps can be in progress, and
// no more.
func TestPoolWorkers(t *testing.T) {
	tests := []struct {
		name string
		opts []executor.PoolOption
		want int
	}{
		{"1", []executor.PoolOption{executor.WithWorkers(1)}, 1},
		{"2", []executor.PoolOption{executor.WithWorkers(2)}, 2},
		{"7", []executor.PoolOption{executor.WithWorkers(7)}, 7},
		{"one per P", nil, 3},
		{"0", []executor.PoolOption{executor.WithWorkers(0)}, 3},
		{"-1", []executor.PoolOption{executor.WithWorkers(-1)}, 3},
		{"the last option wins", []executor.PoolOption{executor.WithWorkers(9), executor.WithWorkers(4)}, 4},
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ex := executor.NewPool(append(tt.opts, executor.WithBlockedLimit(-1))...)
			var inside, most atomic.Int64
			var together, all sync.WaitGroup
			meet := coro.Define("meet", func(f *coro.Frame[none, none]) coro.Step {
				now := inside.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				together.Done()
				together.Wait() // for as many others as there are workers
				inside.Add(-1)
				all.Done()
				return f.Return(none{})
			})
			for range 20 {
				together.Add(tt.want)
				all.Add(tt.want)
				for range tt.want {
					require.NoError(t, coro.Go(ex, meet, none{}))
				}
				all.Wait()
			}
			// Steps that do not wait for each other, for one worker too many.
			crowd := coro.Define("crowd", func(f *coro.Frame[none, none]) coro.Step {
				now := inside.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				runtime.Gosched()
				inside.Add(-1)
				all.Done()
				return f.Return(none{})
			})
			all.Add(50 * tt.want)
			for range 50 * tt.want {
				require.NoError(t, coro.Go(ex, crowd, none{}))
			}
			all.Wait()
			require.Equal(t, int64(tt.want), most.Load())
			require.NoError(t, ex.Close())
		})
	}
}

func TestPoolErrorHandler(t *testing.T) {
	got := make(chan error, 10)
	ex := executor.NewPool(executor.WithErrorHandler(func(err error) { got <- err }))
	require.NoError(t, coro.Go(ex, failing, none{}))
	require.True(t, <-got == errTask)
	require.NoError(t, coro.RunAsync(ex)(failing.With(none{})))
	require.True(t, <-got == errTask)
	_, err := coro.Run(context.Background(), ex, failing.With(none{}))
	require.True(t, err == errTask)
	panicking := coro.Define("panicking", func(f *coro.Frame[none, none]) coro.Step { panic(errTask) })
	require.NoError(t, coro.Go(ex, panicking, none{}))
	require.ErrorIs(t, <-got, errTask)
	require.NoError(t, ex.Close())
	require.Empty(t, got, "what Run returns is nobody else's")
}

// Two pools and an Inline take frames from one arena; frames go from one to the
// other.
func TestExecutorsShareAnArena(t *testing.T) {
	a := newArena(t)
	all := []closer{
		executor.NewPool(executor.WithArena(a), executor.WithWorkers(2)),
		executor.NewPool(executor.WithArena(a), executor.WithWorkers(3)),
		executor.NewInline(executor.WithArena(a)),
	}
	for _, ex := range all {
		require.True(t, ex.Arena() == a)
	}
	relayed := coro.Define("relayed", func(f *coro.Frame[int, int]) coro.Step {
		// The state says which executor launches the next.
		if f.State >= len(all) {
			return f.Return(1)
		}
		if err := coro.Go(all[f.State], f.Kind(), f.State+1); err != nil {
			return f.Fail(err)
		}
		return f.Return(1)
	})
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			for range scaled(300) {
				got, err := coro.Run(context.Background(), all[i%3], countTo(4))
				if got != 4 || err != nil {
					t.Errorf("got %d, %v", got, err)
				}
				if _, err := coro.Run(context.Background(), all[i%3], relayed.With(i%3)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, all[0].Close())
	got, err := coro.Run(context.Background(), all[1], countTo(4))
	require.NoError(t, err, "the arena is still open")
	require.Equal(t, 4, got)
	require.NoError(t, all[1].Close())
	require.NoError(t, all[2].Close())
	require.Zero(t, a.Stats().Total.Live)
}

// What a step writes is there in the next step, on whatever worker.
func TestPoolHandsFramesOver(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(4))
	type state struct {
		n    int
		seen [20]int
	}
	k := coro.Define("handed over", func(f *coro.Frame[state, bool]) coro.Step {
		s := &f.State
		for i := range s.n {
			if s.seen[i] != i+1 {
				return f.Return(false)
			}
		}
		if s.n == len(s.seen) {
			return f.Return(true)
		}
		s.n++
		s.seen[s.n-1] = s.n
		return coro.Yield(f, 0)
	})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range scaled(200) {
				if ok, err := coro.Run(context.Background(), ex, k.With(state{})); !ok || err != nil {
					t.Errorf("got %v, %v", ok, err)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, ex.Close())
}
