package coro_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// byHand is an executor whose tasks wait until the test runs them.
type byHand struct {
	env   *coro.Environment
	words []uintptr
}

func (e *byHand) Post(t coro.Runnable) error {
	e.words = append(e.words, t.Word())
	return nil
}

func (e *byHand) Environment() *coro.Environment { return e.env }

func (e *byHand) next() coro.Runnable {
	t := coro.RunnableOf(e.words[0])
	e.words = e.words[1:]
	return t
}

func TestPreempt(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	ex := &byHand{}
	ex.env = coro.NewEnvironment(ex, a, func(err error) { t.Error(err) })
	w := coro.NewWorker(a)
	require.Zero(t, w.Began())

	ended, cancelled := 0, context.Canceled
	var mu coro.Mutex
	child := coro.Define("child", func(f *coro.Frame[[20]int, none]) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	parent := coro.Define("parent", func(f *coro.Frame[none, none]) coro.Step {
		switch f.At() {
		case 0:
			w.Preempt()
			return coro.Await(f, 1, child, [20]int{}, nil)
		case 1:
			require.NoError(t, f.Err())
			w.Preempt()
			return mu.Lock(f, 2)
		case 2:
			require.NoError(t, f.Err())
			mu.Unlock()
			return coro.Yield(f, 3)
		default:
			require.ErrorIs(t, f.Err(), cancelled, "after a Yield it learns")
			ended++
			return f.Return(none{})
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	launch := coro.RunAsync(ex, coro.Context(ctx))
	require.NoError(t, launch(parent.With(none{})))
	w.Preempt() // of a worker that runs nothing
	for i, began := range []string{"parent", "child", "parent", "parent"} {
		require.Len(t, ex.words, 1, i)
		w.Run(ex.next())
		require.Equal(t, began, w.Began().Name)
		cancel()
	}
	require.Equal(t, 1, ended)
	require.Empty(t, ex.words)

	// A chain that has given way can be cancelled.
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	var got error
	launch = coro.RunAsync(ex, coro.Context(ctx), coro.OnError(func(err error) { got = err }))
	require.NoError(t, launch(parent.With(none{})))
	w.Run(ex.next())
	w.Cancel(ex.next(), cancelled)
	require.Equal(t, cancelled, got)

	w.Close()
	require.NoError(t, a.Close())
}

// What stands in for a child without memory stays with its worker.
func TestPreemptWithoutMemory(t *testing.T) {
	a, err := arena.New(arena.WithMaxBytes(2 << 20))
	require.NoError(t, err)
	var got error
	ex := &byHand{}
	ex.env = coro.NewEnvironment(ex, a, func(err error) { got = err })
	w := coro.NewWorker(a)
	large := coro.Define("large", func(f *coro.Frame[[1 << 19]uint64, none]) coro.Step { return f.Return(none{}) })
	parent := coro.Define("parent", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 1 {
			return f.Fail(f.Err())
		}
		w.Preempt()
		return coro.Await(f, 1, large, [1 << 19]uint64{}, nil)
	})
	require.NoError(t, coro.Go(ex, parent, none{}))
	w.Run(ex.next())
	require.Empty(t, ex.words)
	require.ErrorIs(t, got, arena.ErrExhausted)
	w.Close()
	require.NoError(t, a.Close())
}

// A worker belongs to its goroutine, and after a Goexit to the goroutine that takes its place.
func TestOwner(t *testing.T) {
	a := newArena(t)
	e := newPlain(a, func(error) {})
	w := coro.NewWorker(a)
	require.False(t, w.IsOwner())
	w.SetOwner()
	require.True(t, w.IsOwner())
	var inStep []bool
	exits := coro.Define("exits", func(f *coro.Frame[int, int]) coro.Step {
		inStep = append(inStep, w.IsOwner())
		runtime.Goexit()
		return f.Return(0)
	})
	k := coro.Define("awaits", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, exits, 0, nil)
		}
		inStep = append(inStep, w.IsOwner())
		return f.Return(0)
	})
	require.NoError(t, coro.Go(e, k, 0))
	done := make(chan bool)
	go func() {
		defer close(done)
		done <- w.IsOwner()
		w.SetOwner()
		e.run(w)
	}()
	require.False(t, <-done)
	<-done
	require.Equal(t, []bool{true, true}, inStep)
	require.False(t, w.IsOwner())
	require.Zero(t, e.env.Live())
	w.Close()
}
