package coro_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// What a step makes ready by a method without a frame goes to its worker's own queue, as
// something that any worker may run at once.
func TestStepsAreKnownWithoutTheirFrames(t *testing.T) {
	for _, taken := range []bool{false, true} { // the goroutine's worker slot, by another one
		ex := newStepwise(t, nil)
		local := new(localQueue)
		ex.worker.SetLocalQueue(ex.env, local)
		var e coro.Event
		var order []string
		waits := coro.Define("waits", func(f *coro.Frame[int, none]) coro.Step {
			if f.At() == 0 {
				return e.Wait(f, 1)
			}
			order = append(order, "woken")
			return f.Return(none{})
		})
		launched := coro.Define("launched", func(f *coro.Frame[int, none]) coro.Step {
			order = append(order, "launched")
			return f.Return(none{})
		})
		held := coro.DefineHeld("held", func(f *coro.Frame[none, none], s *string) coro.Step {
			order = append(order, *s)
			return f.Return(none{})
		})
		wakes := coro.Define("wakes", func(f *coro.Frame[int, none]) coro.Step {
			is, known := coro.InStepOf(ex.worker)
			require.Equal(t, known && !taken, is)
			e.Set()
			require.NoError(t, coro.Go(ex, launched, 0))
			require.NoError(t, coro.GoHeld(ex, held, none{}, "held"))
			require.NoError(t, coro.RunAsync(ex)(held.With(none{}, "call")))
			if is {
				require.Equal(t, 4, local.Len())
				require.Equal(t, []coro.Origin{coro.OriginConcurrent, coro.OriginConcurrent, coro.OriginConcurrent, coro.OriginConcurrent}, local.from)
			} else {
				require.Zero(t, local.Len())
			}
			require.Equal(t, 5, ex.env.Live())
			return f.Return(none{})
		})
		require.NoError(t, coro.Go(ex, waits, 0))
		ex.runAll()
		require.NoError(t, coro.Go(ex, wakes, 0))
		if taken {
			give, ok := coro.TakeWorkerSlot()
			if !ok {
				return // somebody else has it, which is as good
			}
			ex.runAll()
			give()
		} else {
			ex.runAll()
		}
		for {
			task, ok := local.Pop()
			if !ok {
				break
			}
			ex.worker.Run(task)
		}
		require.Equal(t, []string{"woken", "launched", "held", "call"}, order)
		require.Zero(t, ex.env.Live())
		require.Zero(t, liveIn(ex.arena))
	}
}

// In a step of an Inline that is run inside of a step of a pool, it is the Inline's worker
// that is known; and the pool's again afterwards.
func TestStepsInSteps(t *testing.T) {
	pool := newPool(t, executor.WithWorkers(2))
	var done atomic.Int64
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step {
		done.Add(1)
		return f.Return(none{})
	})
	inner := coro.Define("inner", func(f *coro.Frame[none, none]) coro.Step {
		require.NoError(t, coro.Go(pool, leaf, none{}))
		return f.Return(none{})
	})
	outer := coro.Define("outer", func(f *coro.Frame[none, none]) coro.Step {
		inline := executor.NewInline()
		require.NoError(t, coro.Go(inline, inner, none{}))
		require.NoError(t, inline.Close())
		require.NoError(t, coro.Go(pool, leaf, none{}))
		return f.Return(none{})
	})
	const rounds = 100
	for range rounds {
		_, err := coro.Run(context.Background(), pool, outer.With(none{}))
		require.NoError(t, err)
	}
	require.NoError(t, pool.Drain(context.Background()))
	require.Equal(t, int64(2*rounds), done.Load())
}

// Goroutines give their seats back, however they end: a later one with the same record
// must not be taken for them.
func TestWorkerSlotsAreReleased(t *testing.T) {
	before := coro.WorkerSlotsInUse()
	ways := coro.Define("ways", func(f *coro.Frame[int, none]) coro.Step {
		switch f.State {
		case 1:
			panic(errLeaf)
		case 2:
			runtime.Goexit()
		}
		return f.Return(none{})
	})
	var group sync.WaitGroup
	for i := range 300 {
		group.Go(func() {
			ex := executor.NewInline(executor.WithErrorHandler(func(error) {}))
			defer ex.Close()
			_ = coro.Go(ex, ways, i%3)
		})
	}
	group.Wait()
	pool := executor.NewPool(executor.WithWorkers(4), executor.WithErrorHandler(func(error) {}))
	for i := range 300 {
		require.NoError(t, coro.Go(pool, ways, i%3))
	}
	require.NoError(t, pool.Drain(context.Background()))
	require.NoError(t, pool.Close())
	for coro.WorkerSlotsInUse() > before { // pools of other tests may be closing
		runtime.Gosched()
	}
}

// Roots that steps launch are counted: Drain waits for all of them, although they are launched
// and end on many workers.
func TestDrainWaitsForWhatStepsLaunch(t *testing.T) {
	for range scaled(300) {
		pool := newPool(t, executor.WithWorkers(4))
		var ended atomic.Int64
		var launches *coro.Kind[int, none]
		launches = coro.Define("launches", func(f *coro.Frame[int, none]) coro.Step {
			if n := f.State; n > 0 {
				for range 2 {
					if coro.Go(pool, launches, n-1) != nil {
						ended.Add(1<<n - 1) // it is draining
					}
				}
			}
			ended.Add(1)
			return f.Return(none{})
		})
		require.NoError(t, coro.Go(pool, launches, 8))
		require.NoError(t, pool.Drain(context.Background()))
		require.Equal(t, int64(1<<9-1), ended.Load())
		require.Zero(t, pool.Environment().Live())
	}
}

// Who cancels outside of steps is not taken for the worker whose step cancelled before.
func TestCancelsInStepsAndOutside(t *testing.T) {
	for range 20 {
		ex := newStepwise(t, nil)
		local := new(localQueue)
		ex.worker.SetLocalQueue(ex.env, local)
		var e coro.Event
		waits := coro.Define("waits", func(f *coro.Frame[none, none]) coro.Step {
			if f.At() == 0 {
				return e.Wait(f, 1)
			}
			return f.Return(none{})
		})
		cancels := coro.Define("cancels", func(f *coro.Frame[brood, none]) coro.Step {
			switch f.At() {
			case 0:
				f.State.children.SetPolicy(f, coro.FirstError)
				coro.Spawn(f, &f.State.children, waits, none{}, nil)
				return coro.Yield(f, 1)
			case 1:
				f.State.children.Cancel(f, errCause)
				return f.State.children.Wait(f, 2)
			}
			return f.Return(none{})
		})
		run := func() {
			for ex.runAll(); local.Len() > 0; {
				task, _ := local.Pop()
				ex.worker.Run(task)
			}
		}
		require.NoError(t, coro.Go(ex, cancels, brood{}))
		run()
		h, err := coro.Start(ex, waits.With(none{}))
		require.NoError(t, err)
		run()
		h.Cancel(errCause)
		require.Zero(t, local.Len())
		run()
		require.Zero(t, ex.env.Live())
		require.Zero(t, liveIn(ex.arena))
	}
}

type brood struct{ children coro.Group }
