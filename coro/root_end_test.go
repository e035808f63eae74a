package coro_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// plain is an executor without workers of its own: its test runs what it takes. It has none
// of what makes executors fast, SetLocalQueue above all.
type plain struct {
	env   *coro.Environment
	queue coro.RunQueue
}

func newPlain(a *arena.Arena, handler func(error)) *plain {
	e := new(plain)
	e.env = coro.NewEnvironment(e, a, handler)
	return e
}

func (e *plain) Environment() *coro.Environment { return e.env }

func (e *plain) Post(t coro.Runnable) error {
	e.queue.Push(t)
	return nil
}

func (e *plain) run(w *coro.Worker) {
	for t, ok := e.queue.Pop(); ok; t, ok = e.queue.Pop() {
		w.Run(t)
	}
}

var errStopped = errors.New("stopped")

// Roots that end on workers that are not the executor's are counted as well.
func TestLiveOnForeignWorkers(t *testing.T) {
	a := newArena(t)
	e := newPlain(a, func(error) {})
	w := coro.NewWorker(a)
	k := coro.Define("ends", func(f *coro.Frame[int, int]) coro.Step {
		if f.State--; f.State >= 0 {
			return coro.Yield(f, 0)
		}
		return f.Return(0)
	})
	for i := range 10 {
		require.NoError(t, coro.Go(e, k, i))
		require.Equal(t, i+1, e.env.Live())
	}
	require.Equal(t, context.Canceled, e.env.Drain(canceledContext(), errStopped))
	require.Equal(t, errStopped, coro.Go(e, k, 1))
	require.Equal(t, 10, e.env.Live(), "a launch that is refused is none")
	drained := make(chan error)
	go func() { drained <- e.env.Drain(context.Background(), errStopped) }()
	e.run(w)
	require.NoError(t, <-drained)
	require.Zero(t, e.env.Live())
	w.Close()
}

// The counts wrap around.
func TestLiveAroundTheWrap(t *testing.T) {
	a := newArena(t)
	e := newPlain(a, func(error) {})
	coro.SkipRoots(e.env, 1<<31-3)
	w := coro.NewWorker(a)
	k := coro.Define("ends", func(f *coro.Frame[int, int]) coro.Step { return f.Return(0) })
	for round := range 3 {
		for i := range 5 {
			require.Equal(t, i, e.env.Live(), round)
			require.NoError(t, coro.Go(e, k, i))
		}
		e.run(w)
		require.Zero(t, e.env.Live())
	}
	require.NoError(t, e.env.Drain(canceledContext(), errStopped))
	e.env.Close(errStopped)
	require.Equal(t, errStopped, coro.Go(e, k, 0))
	w.Close()
}

// An executor that is closed to launches still takes what is woken, and may run all to its
// end: Close of the Environment is about launches alone.
func TestWakesAfterCloseOfTheEnvironment(t *testing.T) {
	a := newArena(t)
	e := newPlain(a, func(err error) { t.Error(err) })
	w := coro.NewWorker(a)
	var door coro.Event
	ended := 0
	k := coro.Define("waits", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return door.Wait(f, 1)
		}
		ended++
		return f.Return(0)
	})
	require.NoError(t, coro.Go(e, k, 0))
	e.run(w)
	e.env.Close(errStopped)
	require.Equal(t, errStopped, e.env.Drain(canceledContextWith(errStopped), nil))
	door.Set()
	e.run(w)
	require.Equal(t, 1, ended)
	require.Zero(t, e.env.Live())
	e.env.CancelWaiting(errStopped)
	w.Close()
}

// Drain sees each end of a root, also one that comes while Drain begins.
func TestDrainBeginsAsTheLastRootEnds(t *testing.T) {
	a := newArena(t)
	for range 2000 {
		e := newPlain(a, func(error) {})
		w := coro.NewWorker(a)
		w.SetLocalQueue(e.env, e)
		k := coro.Define("ends", func(f *coro.Frame[int, int]) coro.Step { return f.Return(0) })
		require.NoError(t, coro.Go(e, k, 0))
		var ready atomic.Bool
		drained := make(chan error)
		go func() {
			for !ready.Load() {
				runtime.Gosched()
			}
			drained <- e.env.Drain(context.Background(), errStopped)
		}()
		ready.Store(true)
		e.run(w)
		require.NoError(t, <-drained)
		w.Close()
	}
}

// PushLocal is Post.
func (e *plain) PushLocal(t coro.Runnable, _ coro.Origin) { e.queue.Push(t) }

func canceledContext() context.Context { return canceledContextWith(context.Canceled) }

func canceledContextWith(cause error) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	return ctx
}
