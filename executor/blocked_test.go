package executor_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Every worker is blocked in a step, several times over, and all other tasks end.
func TestPoolBlockedWorkers(t *testing.T) {
	const workers = 2
	reported := make(chan executor.Blocked, 100)
	ex := executor.NewPool(executor.WithWorkers(workers), executor.WithBlockedLimit(2*time.Millisecond),
		executor.WithBlockedHandler(func(b executor.Blocked) {
			select {
			case reported <- b:
			default:
			}
		}))
	release := make(chan none)
	var inside, ended sync.WaitGroup
	sleepy := coro.Define("sleepy", func(f *coro.Frame[none, none]) coro.Step {
		inside.Done()
		<-release
		time.Sleep(time.Millisecond)
		ended.Done()
		return f.Return(none{})
	})
	inside.Add(3 * workers)
	ended.Add(3 * workers)
	for range 3 * workers {
		require.NoError(t, coro.Go(ex, sleepy, none{}))
	}
	inside.Wait() // more of them than workers
	var others sync.WaitGroup
	others.Add(1000)
	other := coro.Define("other", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State > 0 {
			return coro.Yield(f, 0)
		}
		others.Done()
		return f.Return(none{})
	})
	for range 1000 {
		require.NoError(t, coro.Go(ex, other, 3))
	}
	others.Wait()
	s := ex.Stats()
	require.GreaterOrEqual(t, s.Blocks, uint64(3*workers-1))
	require.Greater(t, len(s.Workers), workers)

	b := <-reported
	require.Equal(t, "sleepy", b.Kind.Name)
	require.GreaterOrEqual(t, b.For, 2*time.Millisecond)
	require.Contains(t, b.Stack, "TestPoolBlockedWorkers.func")

	close(release)
	ended.Wait()
	for len(ex.Stats().Workers) != workers { // they leave when they have come back
		time.Sleep(time.Millisecond)
	}
	require.Zero(t, ex.Stats().Blocked)
	require.NoError(t, ex.Close())
}

// What a step has made ready before it got stuck runs elsewhere.
func TestPoolTakesFromAStuckWorker(t *testing.T) {
	for _, limit := range []time.Duration{0, -1} {
		ex := executor.NewPool(executor.WithWorkers(2), executor.WithBlockedLimit(limit),
			executor.WithErrorHandler(func(error) {}))
		c := coro.NewChan[int](0)
		var got atomic.Int64
		release := make(chan none)
		forever := coro.Define("busy", func(f *coro.Frame[none, none]) coro.Step { return coro.Yield(f, 0) })
		receiver := coro.Define("receiver", func(f *coro.Frame[int, none]) coro.Step {
			if f.At() == 0 {
				return c.Recv(f, 1, &f.State)
			}
			if got.Add(int64(f.State)) == 3 {
				close(release)
			}
			return f.Return(none{})
		})
		// The second value puts the first receiver behind the second one.
		stuck := coro.Define("stuck", func(f *coro.Frame[none, none]) coro.Step {
			switch f.At() {
			case 0:
				return c.Send(f, 1, 1)
			case 1:
				return c.Send(f, 2, 2)
			}
			<-release
			return f.Return(none{})
		})
		require.NoError(t, coro.Go(ex, receiver, 0))
		require.NoError(t, coro.Go(ex, receiver, 0))
		require.NoError(t, coro.Go(ex, forever, none{}))
		_, err := coro.Run(context.Background(), ex, stuck.With(none{}))
		require.NoError(t, err)
		require.Equal(t, int64(3), got.Load())
		go func() { _ = ex.Close() }()
		require.NoError(t, ex.Close())
	}
}

// The monitor's timer may go off before a pool has workers: it looks after them all the same.
func TestPoolMonitorFromTheStart(t *testing.T) {
	release := make(chan none)
	ran := make(chan none)
	ex := executor.NewPoolLate(func(ex *executor.Pool) {
		require.NoError(t, coro.Go(ex, coro.Define("stuck", func(f *coro.Frame[none, none]) coro.Step {
			<-release
			return f.Return(none{})
		}), none{}))
		require.NoError(t, coro.Go(ex, coro.Define("other", func(f *coro.Frame[none, none]) coro.Step {
			close(ran)
			return f.Return(none{})
		}), none{}))
	}, executor.WithWorkers(1), executor.WithBlockedLimit(time.Millisecond), executor.WithBlockedHandler(func(executor.Blocked) {}))
	<-ran
	close(release)
	require.NoError(t, ex.Close())
}
