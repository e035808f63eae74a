package coro_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A wait in a tree or scope whose context has already ended ends at once. It does not wait for
// the goroutine that runs the context's AfterFunc: a virtual clock would have advanced by then.
func TestWaitWhoseContextHasEnded(t *testing.T) {
	cause := errors.New("it has ended")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	var never coro.Event
	waits := map[string]func(f *coro.Frame[int, none]) coro.Step{
		"Sleep": func(f *coro.Frame[int, none]) coro.Step { return coro.Sleep(f, 1, time.Hour) },
		"Wait":  func(f *coro.Frame[int, none]) coro.Step { return never.Wait(f, 1) },
		"Select": func(f *coro.Frame[int, none]) coro.Step {
			return coro.Select(f, 1, nil, never.WaitCase(), coro.After(time.Hour))
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			waiting := coro.Define("waiting", func(f *coro.Frame[int, none]) coro.Step {
				if f.At() == 0 {
					return wait(f)
				}
				if f.Err() != nil {
					return f.Fail(f.Err())
				}
				return f.Return(none{})
			})
			part := coro.Define("part", func(f *coro.Frame[int, none]) coro.Step {
				if f.At() == 0 {
					return coro.AwaitCall(f, 1, waiting.With(0), nil, coro.Context(ctx), coro.Timeout(time.Hour))
				}
				return f.Fail(f.Err())
			})
			for range 50 {
				loop := executor.NewLoop(executor.WithVirtualTime())
				var errs []error
				note := coro.OnError(func(err error) { errs = append(errs, err) })
				good := coro.OnResult(func(none) { errs = append(errs, nil) })
				require.NoError(t, coro.RunAsync(loop, note, good)(part.With(0)))
				require.NoError(t, coro.RunAsync(loop, note, good, coro.Context(ctx))(waiting.With(0)))
				for len(errs) < 2 {
					loop.RunUntilIdle()
				}
				require.Equal(t, []error{cause, cause}, errs)
				require.Zero(t, loop.Now())
				require.NoError(t, loop.Close())
			}
		})
	}
}
