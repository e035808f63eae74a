package coro_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The time of a Timeout begins when the child does, not while SetLimit has it queued. A Deadline
// passes all the same.
func TestTimeoutOfAQueuedChild(t *testing.T) {
	ex := executor.NewLoop(executor.WithVirtualTime())
	sleep := coro.Define("sleep", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Second)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	task := func(opts func(i int) []coro.ChildOption) *coro.Kind[parent, int] {
		return coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
			s := &f.State
			if f.At() == 0 {
				s.g.SetLimit(f, 2)
				for i := range 10 {
					coro.SpawnCall(f, &s.g, sleep.With(0), nil, opts(i)...)
				}
				return s.g.Wait(f, 1)
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(1)
		})
	}
	run := func(k *coro.Kind[parent, int]) error {
		h, err := coro.Start(ex, k.With(parent{}))
		require.NoError(t, err)
		ex.RunUntilIdle()
		_, err = h.Result()
		return err
	}
	require.NoError(t, run(task(func(int) []coro.ChildOption { return []coro.ChildOption{coro.Timeout(1500 * time.Millisecond)} })))
	require.Equal(t, context.DeadlineExceeded, run(task(func(int) []coro.ChildOption { return []coro.ChildOption{coro.Timeout(500 * time.Millisecond)} })))
	require.Equal(t, context.DeadlineExceeded, run(task(func(i int) []coro.ChildOption {
		if i < 9 {
			return []coro.ChildOption{coro.Shield()}
		}
		return []coro.ChildOption{coro.Timeout(time.Hour), coro.Deadline(time.Now().Add(-time.Second))}
	})))
	require.NoError(t, ex.Close())
}
