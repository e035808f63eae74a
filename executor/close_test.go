package executor_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// kinds are the executors, made with options.
var kinds = []struct {
	name string
	make func(...executor.BaseOption) closer
}{
	{"Inline", func(opts ...executor.BaseOption) closer {
		return executor.NewInline(as[executor.InlineOption](opts)...)
	}},
	{"Pool", func(opts ...executor.BaseOption) closer { return executor.NewPool(as[executor.PoolOption](opts)...) }},
	{"Loop", func(opts ...executor.BaseOption) closer { return newDriven(as[executor.LoopOption](opts)...) }},
	{"Strand on Pool", func(opts ...executor.BaseOption) closer {
		return newLayered(executor.NewPool(as[executor.PoolOption](opts)...), 1)
	}},
	{"Strand on Loop", func(opts ...executor.BaseOption) closer {
		return newLayered(newDriven(as[executor.LoopOption](opts)...), 1)
	}},
	{"Strands on Inline", func(opts ...executor.BaseOption) closer {
		return newLayered(executor.NewInline(as[executor.InlineOption](opts)...), 2)
	}},
}

func TestLaunchesOnAClosedExecutor(t *testing.T) {
	shared := newArena(t)
	for _, kind := range kinds {
		for _, options := range []struct {
			name string
			opts []executor.BaseOption
		}{
			{"own arena", nil},
			{"shared arena", []executor.BaseOption{executor.WithArena(shared)}},
		} {
			t.Run(kind.name+", "+options.name, func(t *testing.T) {
				ex := kind.make(options.opts...)
				require.NoError(t, ex.Close())
				for range 3 {
					require.True(t, coro.Go(ex, echo, 1) == executor.ErrClosed)
					require.True(t, coro.RunAsync(ex)(echo.With(1)) == executor.ErrClosed)
					require.True(t, coro.RunAsync(ex, coro.Context(context.Background()))(echo.With(1)) == executor.ErrClosed)
					require.True(t, coro.RunAsync(ex, coro.Allocator(shared))(echo.With(1)) == executor.ErrClosed)
					got, err := coro.Run(context.Background(), ex, echo.With(1))
					require.True(t, err == executor.ErrClosed)
					require.Zero(t, got)
				}
				require.Zero(t, shared.Stats().Total.Live)
				require.NoError(t, ex.Close(), "closing again")

				// The calls that were refused do later ones no harm.
				var handled error
				open := kind.make(executor.WithErrorHandler(func(err error) { handled = err }))
				require.NoError(t, coro.RunAsync(open)(echo.With(1)))
				require.NoError(t, coro.RunAsync(open)(failing.With(none{})))
				got, err := coro.Run(context.Background(), open, echo.With(2))
				require.NoError(t, err)
				require.Equal(t, 2, got)
				require.NoError(t, open.Close())
				require.Contains(t, []error{errTask, executor.ErrClosed}, handled)
			})
		}
	}
}

func TestCloseWithForeignFrames(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			ex := kind.make()
			_, err := coro.Run(context.Background(), ex, countTo(5))
			require.NoError(t, err)
			p := ex.Arena().Allocate(200)
			err = ex.Close()
			require.ErrorIs(t, err, arena.ErrLeak)
			require.ErrorContains(t, err, "1 of 256 bytes")
			require.NoError(t, ex.Close(), "closing again")
			require.True(t, coro.Go(ex, echo, 1) == executor.ErrClosed)
			ex.Arena().Deallocate(p, 200) // the arena stayed open
			require.NoError(t, ex.Arena().Close())
		})
		t.Run(kind.name+", shared arena", func(t *testing.T) {
			a := newArena(t)
			p := a.Allocate(200)
			ex := kind.make(executor.WithArena(a))
			require.NoError(t, ex.Close(), "it is not the executor's business")
			a.Deallocate(p, 200)
		})
	}
}

// Tasks that are queued, suspended in the middle or running when a pool is closed
// all end, and leave nothing behind.
func TestPoolCloseCancels(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		a := newArena(t)
		var handled, byOption atomic.Int64
		wrong := make(chan error, 1000)
		count := func(n *atomic.Int64) func(error) {
			return func(err error) {
				n.Add(1)
				if err != executor.ErrClosed {
					wrong <- err
				}
			}
		}
		ex := executor.NewPool(executor.WithArena(a), executor.WithWorkers(workers),
			executor.WithBlockedLimit(-1), executor.WithErrorHandler(count(&handled)))
		var begun sync.WaitGroup
		forever := coro.Define("forever", func(f *coro.Frame[int, none]) coro.Step {
			switch {
			case f.State > 0:
				return coro.Await(f, 1, f.Kind(), f.State-1, nil)
			case f.At() == 0:
				begun.Done()
			}
			return coro.Yield(f, 1)
		})
		const each = 100
		begun.Add(3 * each)
		heap := new(arena.Heap)
		var waiting sync.WaitGroup
		for range each {
			require.NoError(t, coro.Go(ex, forever, 3))
			require.NoError(t, coro.RunAsync(ex, coro.Allocator(heap), coro.OnError(count(&byOption)))(forever.With(2)))
			waiting.Go(func() {
				if _, err := coro.Run(context.Background(), ex, forever.With(4)); err != executor.ErrClosed {
					t.Error(err)
				}
			})
		}
		begun.Wait()

		// With all workers in a step, what is posted now stays in the queue.
		var held, release sync.WaitGroup
		held.Add(workers)
		release.Add(1)
		hold := coro.Define("hold", func(f *coro.Frame[none, none]) coro.Step {
			held.Done()
			release.Wait()
			return coro.Yield(f, 0)
		})
		for range workers {
			require.NoError(t, coro.Go(ex, hold, none{}))
		}
		held.Wait()
		var ran atomic.Int64
		queued := coro.Define("queued", func(f *coro.Frame[none, none]) coro.Step {
			ran.Add(1)
			return f.Return(none{})
		})
		closing := make(chan none)
		done := make(chan error)
		for range each {
			require.NoError(t, coro.Go(ex, queued, none{}))
		}
		go func() {
			close(closing)
			done <- ex.Close()
		}()
		<-closing
		// Launches are refused from some moment on, and a moment later the workers see that
		// the pool is closed. They are in their steps until then.
		refused := 0
		for {
			err := coro.Go(ex, queued, none{})
			if err != nil {
				require.True(t, err == executor.ErrClosed)
				break
			}
			refused++
			runtime.Gosched()
		}
		for !executor.Closed(ex) {
			runtime.Gosched()
		}
		release.Done()
		require.NoError(t, <-done)
		waiting.Wait()
		require.Zero(t, ran.Load())
		require.Equal(t, int64(each+workers+each+refused), handled.Load())
		require.Equal(t, int64(each), byOption.Load())
		require.Empty(t, wrong)
		require.Zero(t, a.Stats().Total.Live)
		require.Zero(t, heap.Live())
	}
}

// Launches, steps that launch, and Close, all at once: each launch is taken or
// refused, each task that was taken ends, and no frame stays.
func TestPoolCloseDuringLaunches(t *testing.T) {
	testCloseDuringLaunches(t, func(opts ...executor.PoolOption) closer { return executor.NewPool(opts...) })
}

func TestStrandCloseDuringLaunches(t *testing.T) {
	for depth := 1; depth <= 2; depth++ {
		testCloseDuringLaunches(t, func(opts ...executor.PoolOption) closer { return newLayered(executor.NewPool(opts...), depth) })
	}
}

func testCloseDuringLaunches(t *testing.T, make func(...executor.PoolOption) closer) {
	for _, procs := range []int{1, 2, 4, 8} {
		for _, own := range []bool{true, false} {
			func() {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				for range scaled(60) {
					closeDuringLaunches(t, own, make)
				}
			}()
		}
	}
}

func closeDuringLaunches(t *testing.T, own bool, make func(...executor.PoolOption) closer) {
	const launchers, closers = 6, 3
	shared := newArena(t)
	var taken, ended atomic.Int64
	end := func(err error) {
		ended.Add(1)
		if err != errTask && err != executor.ErrClosed {
			t.Error(err)
		}
	}
	opts := []executor.PoolOption{executor.WithErrorHandler(end), executor.WithWorkers(3)}
	if !own {
		opts = append(opts, executor.WithArena(shared))
	}
	ex := make(opts...)
	launch := func(do func() error) error {
		err := do()
		switch err {
		case nil:
			taken.Add(1)
		case executor.ErrClosed:
		default:
			t.Error(err)
		}
		return err
	}
	spawn := coro.Define("spawn", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 && f.State > 0 {
			for range 2 {
				_ = launch(func() error { return coro.Go(ex, f.Kind(), f.State-1) })
			}
			return coro.Yield(f, 1)
		}
		return f.Fail(errTask)
	})
	var wg, first sync.WaitGroup
	first.Add(launchers)
	for i := range launchers {
		wg.Go(func() {
			for j := 0; ; j++ {
				var err error
				switch (i + j) % 3 {
				case 0:
					err = launch(func() error { return coro.Go(ex, spawn, 2) })
				case 1:
					err = launch(func() error { return coro.RunAsync(ex, coro.Allocator(shared))(spawn.With(1)) })
				default:
					if _, err = coro.Run(context.Background(), ex, spawn.With(1)); err != errTask && err != executor.ErrClosed {
						t.Error(err)
					}
				}
				runtime.Gosched() // or one of them would launch for its whole time slice
				if j == 2 {
					first.Done()
				}
				if err == executor.ErrClosed {
					if j < 2 {
						first.Done()
					}
					return
				}
			}
		})
	}
	first.Wait()
	for range closers {
		wg.Go(func() {
			if err := ex.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, taken.Load(), ended.Load())
	require.Zero(t, shared.Stats().Total.Live)
}

// A second Close waits for the first.
func TestPoolCloseFromManyGoroutines(t *testing.T) {
	a := newArena(t)
	for range scaled(50) {
		ex := executor.NewPool(executor.WithArena(a), executor.WithErrorHandler(func(error) { runtime.Gosched() }))
		forever := coro.Define("forever", func(f *coro.Frame[none, none]) coro.Step { return coro.Yield(f, 0) })
		for range 200 {
			require.NoError(t, coro.Go(ex, forever, none{}))
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := ex.Close(); err != nil {
					t.Error(err)
				}
				if n := a.Stats().Total.Live; n != 0 {
					t.Errorf("%d live frames after Close", n)
				}
			})
		}
		wg.Wait()
	}
}
