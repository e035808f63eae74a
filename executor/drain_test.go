package executor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// drainer is an executor that can be drained.
type drainer interface {
	closer
	Drain(context.Context) error
}

func (l layered) Drain(ctx context.Context) error { return l.base.(drainer).Drain(ctx) }

// urgent is a pool whose tasks are launched on High.
type urgent struct{ *executor.Pool }

func (u urgent) Post(t coro.Runnable) error     { return u.High().Post(t) }
func (u urgent) Environment() *coro.Environment { return u.High().Environment() }

// drainers are the executors that can be drained, made with options.
var drainers = []struct {
	name string
	make func(...executor.BaseOption) drainer
}{
	{"Inline", func(opts ...executor.BaseOption) drainer {
		return executor.NewInline(as[executor.InlineOption](opts)...)
	}},
	{"Pool", func(opts ...executor.BaseOption) drainer { return executor.NewPool(as[executor.PoolOption](opts)...) }},
	{"Pool, urgent", func(opts ...executor.BaseOption) drainer {
		return urgent{executor.NewPool(as[executor.PoolOption](opts)...)}
	}},
	{"Loop", func(opts ...executor.BaseOption) drainer { return executor.NewLoop(as[executor.LoopOption](opts)...) }},
	{"Loop that is driven", func(opts ...executor.BaseOption) drainer { return newDriven(as[executor.LoopOption](opts)...) }},
	{"Strand on Pool", func(opts ...executor.BaseOption) drainer {
		return newLayered(executor.NewPool(as[executor.PoolOption](opts)...), 1)
	}},
	{"Strand on Loop", func(opts ...executor.BaseOption) drainer {
		return newLayered(executor.NewLoop(as[executor.LoopOption](opts)...), 1)
	}},
	{"Strand, urgent", func(opts ...executor.BaseOption) drainer {
		return newLayered(urgent{executor.NewPool(as[executor.PoolOption](opts)...)}, 1)
	}},
}

func onEveryDrainer(t *testing.T, f func(t *testing.T, make func(...executor.BaseOption) drainer)) {
	for _, kind := range drainers {
		t.Run(kind.name, func(t *testing.T) { f(t, kind.make) })
	}
}

var ended = context.Canceled

func endedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// leaf waits, sleeps and yields.
type leafState struct{ n int }

func leafOf(door *coro.Event) *coro.Kind[leafState, int] {
	return coro.Define("leaf", func(f *coro.Frame[leafState, int]) coro.Step {
		switch f.At() {
		case 0:
			return door.Wait(f, 1)
		case 1:
			return coro.Sleep(f, 2, time.Duration(f.State.n%3)*time.Millisecond)
		case 2:
			return coro.Yield(f, 3)
		}
		return f.Return(f.State.n)
	})
}

type treeState struct {
	children coro.Group
	got      [3]int
}

// treeOf spawns leaves after the door has opened, and returns the sum.
func treeOf(door *coro.Event, leaf *coro.Kind[leafState, int]) *coro.Kind[treeState, int] {
	return coro.Define("tree", func(f *coro.Frame[treeState, int]) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			return door.Wait(f, 1)
		case 1:
			for i := range s.got {
				coro.Spawn(f, &s.children, leaf, leafState{i + 1}, &s.got[i])
			}
			return s.children.Wait(f, 2)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(s.got[0] + s.got[1] + s.got[2])
	})
}

// Tasks that were launched before run to their end, later launches are refused, and Drain may be
// called again.
func TestDrain(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		a := newArena(t)
		var failed atomic.Int64
		ex := make(executor.WithArena(a), executor.WithErrorHandler(func(error) { failed.Add(1) }))
		env := ex.Environment()
		require.Zero(t, env.Live())
		var door coro.Event
		tree := treeOf(&door, leafOf(&door))
		var sum atomic.Int64
		const n = 50
		for range n {
			require.NoError(t, coro.RunAsync(ex, coro.OnResult(func(r int) { sum.Add(int64(r)) }))(tree.With(treeState{})))
			require.NoError(t, coro.Go(ex, tree, treeState{}))
			require.NoError(t, coro.RunAsync(ex, coro.Context(context.Background()))(tree.With(treeState{})))
		}
		require.Equal(t, 3*n, env.Live())

		require.Equal(t, ended, ex.Drain(endedContext()))
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(time.Millisecond, func() { cancel(cause) })
		require.Equal(t, cause, ex.Drain(ctx))
		for range 2 {
			require.True(t, coro.Go(ex, echo, 1) == executor.ErrClosed)
			require.True(t, coro.RunAsync(ex)(echo.With(1)) == executor.ErrClosed)
			require.True(t, coro.RunAsync(ex, coro.Context(context.Background()))(echo.With(1)) == executor.ErrClosed)
			_, err := coro.Run(context.Background(), ex, echo.With(1))
			require.True(t, err == executor.ErrClosed)
			_, err = coro.Start(ex, echo.With(1))
			require.True(t, err == executor.ErrClosed)
		}
		require.Equal(t, 3*n, env.Live())

		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := ex.Drain(context.Background()); err != nil {
					t.Error(err)
				}
				if got := sum.Load(); got != 6*n {
					t.Errorf("drained when the sum was %d", got)
				}
			})
		}
		door.Set()
		wg.Wait()
		require.Zero(t, env.Live())
		require.NoError(t, ex.Drain(endedContext()), "nothing is left to wait for")
		require.NoError(t, ex.Close())
		require.NoError(t, ex.Drain(context.Background()))
		require.NoError(t, ex.Close())
		require.True(t, coro.Go(ex, echo, 1) == executor.ErrClosed)
		require.Zero(t, failed.Load())
		require.Zero(t, a.Stats().Total.Live)
	})
}

// A Drain that waits when the executor is closed returns ErrClosed.
func TestCloseWhileDraining(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		for range scaled(20) {
			a := newArena(t)
			var failed atomic.Int64
			ex := make(executor.WithArena(a), executor.WithErrorHandler(func(err error) {
				if err != executor.ErrClosed {
					t.Error(err)
				}
				failed.Add(1)
			}))
			var never coro.Event
			for range 10 {
				require.NoError(t, coro.Go(ex, leafOf(&never), leafState{}))
			}
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() {
					if i%3 == 0 {
						if err := ex.Close(); err != nil {
							t.Error(err)
						}
						return
					}
					if err := ex.Drain(context.Background()); err != executor.ErrClosed {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			require.Equal(t, int64(10), failed.Load())
			require.Zero(t, ex.Environment().Live())
			require.Zero(t, a.Stats().Total.Live)
			require.Equal(t, executor.ErrClosed, ex.Drain(context.Background()))
		}
	})
}

// Roots that were launched, by many goroutines, have all ended when Drain returns; others
// were refused.
func TestDrainDuringLaunches(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		for range scaled(60) {
			a := newArena(t)
			var taken, over atomic.Int64
			ex := make(executor.WithArena(a), executor.WithErrorHandler(func(error) {
				runtime.Gosched()
				over.Add(1)
			}))
			k := coro.Define("fails", func(f *coro.Frame[int, none]) coro.Step {
				if f.State--; f.State >= 0 {
					return coro.Yield(f, 0)
				}
				return f.Fail(errTask)
			})
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					for {
						err := coro.Go(ex, k, i)
						if err != nil {
							if err != executor.ErrClosed {
								t.Error(err)
							}
							return
						}
						taken.Add(1)
						runtime.Gosched()
					}
				})
			}
			for taken.Load() < 20 {
				runtime.Gosched()
			}
			require.NoError(t, ex.Drain(context.Background()))
			n := over.Load() // Go may not have returned yet where it was taken
			wg.Wait()
			require.Equal(t, taken.Load(), n)
			require.NoError(t, ex.Close())
			require.Zero(t, a.Stats().Total.Live)
		}
	})
}

// Tasks that are part of a live tree begin although their executor drains: on a Strand or in
// the urgent queue of the same pool. On another pool they are launches.
func TestAwaitOnWhileDraining(t *testing.T) {
	pool, other := executor.NewPool(), executor.NewPool()
	strand := executor.NewStrand(pool)
	var door coro.Event
	type held struct{ ex coro.Executor }
	k := coro.DefineHeld("awaits", func(f *coro.Frame[int, int], h *held) coro.Step {
		switch f.At() {
		case 0:
			return door.Wait(f, 1)
		case 1:
			return coro.AwaitOn(f, 2, h.ex, echo.With(7), &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	handles := map[coro.Executor]*coro.Handle[int]{}
	for _, ex := range []coro.Executor{pool, strand, pool.High(), other} {
		h, err := coro.Start(pool, k.With(0, held{ex}))
		require.NoError(t, err)
		handles[ex] = h
	}
	require.Equal(t, ended, pool.Drain(endedContext()))
	require.NoError(t, other.Drain(context.Background()))
	door.Set()
	require.NoError(t, pool.Drain(context.Background()))
	for ex, h := range handles {
		got, err := h.Result()
		if ex == coro.Executor(other) {
			require.Equal(t, executor.ErrClosed, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, 7, got)
	}
	require.NoError(t, pool.Close())
	require.NoError(t, other.Close())
}

// allocator refuses or panics.
type allocator struct{ panics bool }

func (m allocator) Allocate(uintptr) unsafe.Pointer {
	if m.panics {
		panic("allocator")
	}
	return nil
}

func (allocator) Deallocate(unsafe.Pointer, uintptr) {}

// Launches that have failed, and roots whose handler panics or ends the goroutine, are not
// live.
func TestLiveAfterFailures(t *testing.T) {
	ex := executor.NewInline(executor.WithErrorHandler(func(err error) {
		if err == errTask {
			panic(err)
		}
		runtime.Goexit()
	}))
	env := ex.Environment()
	for range 3 {
		require.Equal(t, arena.ErrExhausted, coro.RunAsync(ex, coro.Allocator(allocator{}))(echo.With(1)))
		require.Panics(t, func() { _ = coro.RunAsync(ex, coro.Allocator(allocator{panics: true}))(echo.With(1)) })
		require.Panics(t, func() { _ = coro.Go(ex, failing, none{}) })
		require.Zero(t, env.Live())
	}
	k := coro.Define("fails", func(f *coro.Frame[none, none]) coro.Step { return f.Fail(errors.ErrUnsupported) })
	done := make(chan none)
	go func() {
		defer close(done)
		_ = coro.Go(ex, k, none{})
	}()
	<-done
	require.Zero(t, env.Live())
	require.NoError(t, ex.Drain(context.Background()))
	require.NoError(t, ex.Close())
}

// A worker that exits does not change the number of live roots.
func TestLiveAfterBlockedWorkersLeft(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(2), executor.WithBlockedLimit(time.Microsecond))
	k := coro.Define("blocks", func(f *coro.Frame[int, none]) coro.Step {
		if f.State%10 == 0 {
			time.Sleep(time.Millisecond)
		}
		return f.Return(none{})
	})
	for ex.Stats().Blocks < 5 {
		for i := range 40 {
			require.NoError(t, coro.Go(ex, k, i))
		}
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, ex.Drain(context.Background()))
	require.Zero(t, ex.Environment().Live())
	require.NoError(t, ex.Close())
	require.Zero(t, ex.Environment().Live())
}

// Sleeping tasks are waited for, however long they sleep.
func TestDrainAndSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ex := executor.NewPool(executor.WithWorkers(2))
		begun := time.Now()
		k := coro.Define("sleeps", func(f *coro.Frame[time.Duration, time.Duration]) coro.Step {
			if f.At() == 0 {
				return coro.Sleep(f, 1, f.State)
			}
			if time.Since(begun) < f.State {
				t.Error("too early")
			}
			return f.Return(f.State)
		})
		for d := range 10 {
			require.NoError(t, coro.Go(ex, k, time.Duration(d)*time.Minute))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute+time.Second)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, ex.Drain(ctx))
		require.Equal(t, 5, ex.Environment().Live())
		require.NoError(t, ex.Drain(context.Background()))
		require.GreaterOrEqual(t, time.Since(begun), 9*time.Minute)
		require.NoError(t, ex.Close())
	})
}
