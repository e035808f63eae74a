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

// On one worker, tasks that never suspend, two that only wake each other, and more
// that yield than fit into a queue do not keep others from running.
func TestPoolFairness(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	var stop atomic.Bool
	greedy := coro.Define("greedy", func(f *coro.Frame[none, none]) coro.Step {
		if stop.Load() {
			return f.Return(none{})
		}
		return coro.Await(f, 0, leaf, none{}, nil)
	})
	var mu coro.Mutex
	locking := coro.Define("locking", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 1 {
			mu.Unlock()
		}
		if stop.Load() {
			return f.Return(none{})
		}
		return mu.Lock(f, 1)
	})
	ping, pong := coro.NewChan[int](0), coro.NewChan[int](0)
	player := coro.Define("player", func(f *coro.Frame[struct{ first, v int }, none]) coro.Step {
		s := &f.State
		in, out := ping, pong
		if s.first == 1 {
			in, out = pong, ping
		}
		if f.Err() != nil {
			return f.Return(none{})
		}
		if (f.At()+s.first)%2 == 1 {
			return out.Send(f, f.At()^1, 1)
		}
		return in.Recv(f, f.At()^1, &s.v)
	})
	yielding := coro.Define("yielding", func(f *coro.Frame[none, none]) coro.Step {
		if stop.Load() {
			return f.Return(none{})
		}
		return coro.Yield(f, 0)
	})
	tests := []struct {
		name  string
		start func(ex *executor.Pool) error
	}{
		{"a chain that never suspends", func(ex *executor.Pool) error { return coro.Go(ex, greedy, none{}) }},
		{"waits that are satisfied at once", func(ex *executor.Pool) error { return coro.Go(ex, locking, none{}) }},
		{"two that wake each other", func(ex *executor.Pool) error {
			if err := coro.Go(ex, player, struct{ first, v int }{0, 0}); err != nil {
				return err
			}
			return coro.Go(ex, player, struct{ first, v int }{1, 0})
		}},
		{"many that yield", func(ex *executor.Pool) error {
			for range 1000 {
				if err := coro.Go(ex, yielding, none{}); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stop.Store(false)
			ex := executor.NewPool(executor.WithWorkers(1), executor.WithErrorHandler(func(err error) {
				if err != executor.ErrClosed {
					t.Error(err)
				}
			}))
			require.NoError(t, tt.start(ex))
			for i := range 5 {
				got, err := coro.Run(context.Background(), ex, countTo(i))
				require.NoError(t, err)
				require.Equal(t, i, got)
			}
			stop.Store(true)
			require.NoError(t, ex.Close())
		})
	}
}

// A task that gives way when the monitor asks for it does not get the end of its context for what it
// waited for.
func TestPoolPreemptedTasksLearnNothing(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(1))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	child := coro.Define("child", func(f *coro.Frame[none, none]) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	const rounds = 200
	parent := coro.Define("parent", func(f *coro.Frame[int, int]) coro.Step {
		s := &f.State
		if f.At() == 1 && f.Err() != nil {
			return f.Fail(f.Err())
		}
		if *s == rounds {
			return f.Return(*s)
		}
		*s++
		time.Sleep(50 * time.Microsecond)
		return coro.Await(f, 1, child, none{}, nil)
	})
	got, err := coro.Run(ctx, ex, parent.With(0))
	require.NoError(t, err)
	require.Equal(t, rounds, got)
	require.NoError(t, ex.Close())
}
