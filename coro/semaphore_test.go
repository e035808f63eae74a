package coro_test

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

type acquisition struct {
	n     int64
	order int
}

// acquiring tells got about the permits that it has got.
func acquiring(s *coro.Semaphore, got func(a acquisition, err error)) *coro.Kind[acquisition, none] {
	return coro.Define("acquiring", func(f *coro.Frame[acquisition, none]) coro.Step {
		if f.At() == 0 {
			return s.Acquire(f, 1, f.State.n)
		}
		got(f.State, f.Err())
		return f.Return(none{})
	})
}

func TestSemaphoreAgainstAModel(t *testing.T) {
	const size = 10
	s := coro.NewSemaphore(size)
	ex := newInline(t)
	var got, want []acquisition
	k := acquiring(s, func(a acquisition, err error) { got = append(got, a) })
	free := int64(size)
	var queue []acquisition
	serve := func() {
		for len(queue) > 0 && queue[0].n <= free {
			free -= queue[0].n
			want = append(want, queue[0])
			queue = queue[1:]
		}
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range scaled(20_000) {
		n := rnd.Int64N(size + 1)
		switch rnd.IntN(5) {
		case 0, 1:
			a := acquisition{n, i}
			require.NoError(t, coro.Go(ex, k, a))
			queue = append(queue, a)
			serve()
		case 2:
			can := len(queue) == 0 && n <= free
			require.Equal(t, can, s.TryAcquire(n))
			if can {
				free -= n
			}
		default:
			n = min(n, size-free)
			s.Release(n)
			free += n
			serve()
		}
		require.Equal(t, want, got)
		got, want = got[:0], want[:0]
		require.Equal(t, len(queue), liveIn(ex.Arena()))
	}
}

// One that wants much and is cancelled was in the way of the others.
func TestSemaphoreWithdrawalServesTheNext(t *testing.T) {
	for _, close := range []bool{false, true} {
		s := coro.NewSemaphore(5)
		require.True(t, s.TryAcquire(3))
		var got []int
		var errs []error
		k := acquiring(s, func(a acquisition, err error) {
			if err != nil {
				errs = append(errs, err)
			} else {
				got = append(got, a.order)
			}
		})
		big := newManual(t, func(err error) { errs = append(errs, err) })
		small := newManual(t, nil)
		ctx, cancel := context.WithCancelCause(context.Background())
		require.NoError(t, coro.RunAsync(big, coro.Context(ctx))(k.With(acquisition{5, 0})))
		big.runAll()
		for i := range 3 {
			require.NoError(t, coro.Go(small, k, acquisition{1, i + 1}))
		}
		small.runAll()
		require.Empty(t, got)
		require.False(t, s.TryAcquire(1), "nobody overtakes")
		if close {
			big.env.CancelWaiting(errCause)
		} else {
			cancel(errCause)
			big.await(1)
			big.runAll()
		}
		small.await(2)
		small.runAll()
		require.Equal(t, []int{1, 2}, got)
		require.Equal(t, []error{errCause}, errs)
		s.Release(1)
		small.runAll()
		require.Equal(t, []int{1, 2, 3}, got)
		s.Release(5)
		require.True(t, s.TryAcquire(5))
		cancel(nil)
	}
}

func TestSemaphoreZeroValue(t *testing.T) {
	var s coro.Semaphore
	require.False(t, s.TryAcquire(1))
	require.True(t, s.TryAcquire(0))
	s.Release(math.MaxInt64)
	require.Panics(t, func() { s.Release(1) })
	require.True(t, s.TryAcquire(math.MaxInt64))
	require.False(t, s.TryAcquire(1))
}

func TestSemaphoreMisuse(t *testing.T) {
	const (
		few  = "coro: a Semaphore has not as many permits: acquire at least 0 and at most what NewSemaphore was given"
		many = "coro: Release of more permits of a Semaphore than were acquired, or of a negative number: release what an Acquire that succeeded, that is with a nil Err, has got"
	)
	s := coro.NewSemaphore(3)
	require.PanicsWithValue(t, few, func() { s.TryAcquire(4) })
	require.PanicsWithValue(t, few, func() { s.TryAcquire(-1) })
	require.PanicsWithValue(t, many, func() { s.Release(1) })
	require.True(t, s.TryAcquire(2))
	require.PanicsWithValue(t, many, func() { s.Release(3) })
	require.PanicsWithValue(t, many, func() { s.Release(-1) })
	s.Release(2)
	require.Panics(t, func() { coro.NewSemaphore(0) })
	_, err := coro.Run(context.Background(), newInline(t), acquiring(s, nil).With(acquisition{n: 4}))
	requireMisuse(t, err, few)
}

// Permits are neither lost nor made while tasks acquire, release and are cancelled.
func TestSemaphoreConservesPermits(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			const size, tasks = 7, 50
			s := coro.NewSemaphore(size)
			var out atomic.Int64
			type state struct {
				n    int64
				left int
			}
			k := coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
				a := &f.State
				switch f.At() {
				default:
					if a.left--; a.left < 0 {
						return f.Return(none{})
					}
					return s.Acquire(f, 1, a.n)
				case 1:
					if f.Err() != nil {
						return f.Return(none{})
					}
					if out.Add(a.n) > size {
						t.Error("more permits than there are")
					}
					return coro.Yield(f, 2)
				case 2:
					out.Add(-a.n)
					s.Release(a.n)
					return coro.Yield(f, 0)
				}
			})
			ex := newPool(t, executor.WithWorkers(3))
			var wg sync.WaitGroup
			for i := range tasks {
				wg.Go(func() {
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					if i%2 == 0 {
						go cancel()
					}
					if _, err := coro.Run(ctx, ex, k.With(state{int64(i%size) + 1, scaled(200)})); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			require.True(t, s.TryAcquire(size))
		}()
	}
}
