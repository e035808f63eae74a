package executor_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// many is more tasks than a worker's own queue has room for.
const many = 5000

type brood struct{ children coro.Group }

// A step that never ends spawns more than its worker's queue has room for. Another worker
// runs it all.
func TestPoolOverflowOfAStuckWorker(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(2), executor.WithBlockedLimit(-1), executor.WithErrorHandler(func(error) {}))
	var ran atomic.Int64
	release := make(chan none)
	child := coro.Define("child", func(f *coro.Frame[none, none]) coro.Step {
		if ran.Add(1) == many {
			close(release)
		}
		return f.Return(none{})
	})
	stuck := coro.Define("stuck", func(f *coro.Frame[brood, none]) coro.Step {
		if f.At() == 1 {
			return f.Return(none{})
		}
		for range many {
			coro.Spawn(f, &f.State.children, child, none{}, nil)
		}
		<-release
		return f.State.children.Wait(f, 1)
	})
	_, err := coro.Run(context.Background(), ex, stuck.With(brood{}))
	require.NoError(t, err)
	require.NoError(t, ex.Close())
}

// What did not fit runs even if newer tasks never run out.
func TestPoolOverflowIsNotStarved(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(1), executor.WithErrorHandler(func(error) {}))
	const early, enough = 300, 50
	var ran atomic.Int64
	var stop atomic.Bool
	done := make(chan none)
	child := coro.Define("child", func(f *coro.Frame[none, none]) coro.Step {
		if ran.Add(1) == enough {
			close(done)
		}
		return f.Return(none{})
	})
	var endless *coro.Kind[brood, none]
	endless = coro.Define("endless", func(f *coro.Frame[brood, none]) coro.Step {
		if !stop.Load() {
			time.Sleep(time.Microsecond) // each keeps its frame until the last has ended
			coro.Spawn(f, &f.State.children, endless, brood{}, nil)
		}
		return f.Return(none{})
	})
	root := coro.Define("root", func(f *coro.Frame[brood, none]) coro.Step {
		if f.At() == 1 {
			return f.Return(none{})
		}
		for range early {
			coro.Spawn(f, &f.State.children, child, none{}, nil)
		}
		coro.Spawn(f, &f.State.children, endless, brood{}, nil)
		return f.State.children.Wait(f, 1)
	})
	go func() {
		<-done
		stop.Store(true)
	}()
	_, err := coro.Run(context.Background(), ex, root.With(brood{}))
	require.NoError(t, err)
	require.NoError(t, ex.Close())
}

// Close cancels what did not fit.
func TestPoolClosesWithAnOverflow(t *testing.T) {
	a := newArena(t)
	ex := executor.NewPool(executor.WithWorkers(1), executor.WithArena(a), executor.WithErrorHandler(func(error) {}))
	child := coro.Define("child", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	spawned, release := make(chan none), make(chan none)
	stuck := coro.Define("stuck", func(f *coro.Frame[brood, none]) coro.Step {
		for range many {
			coro.Spawn(f, &f.State.children, child, none{}, nil)
		}
		close(spawned)
		<-release
		return f.State.children.Wait(f, 1)
	})
	require.NoError(t, coro.Go(ex, stuck, brood{}))
	<-spawned
	require.GreaterOrEqual(t, ex.Stats().Injected, many/2)
	closed := make(chan error)
	go func() { closed <- ex.Close() }()
	for coro.Go(ex, child, none{}) == nil { // until it is closed
	}
	close(release)
	require.NoError(t, <-closed)
	require.Zero(t, a.Stats().Total.Live)
}
