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

// A loop over a Sleep of nothing lets other tasks run, and learns of the end of its context.
func TestSleepOfNothingYields(t *testing.T) {
	for _, d := range []time.Duration{0, -1, -1 << 63} {
		ex := executor.NewLoop()
		ctx, cancel := context.WithCancelCause(context.Background())
		rounds := 0
		spin := coro.Define("spin", func(f *coro.Frame[int, none]) coro.Step {
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			if rounds++; rounds == 1000 {
				return f.Fail(errors.New("it does not learn"))
			}
			return coro.Sleep(f, 1, d)
		})
		ran := 0
		other := coro.Define("other", func(f *coro.Frame[int, none]) coro.Step {
			ran = rounds
			cancel(errCause)
			return f.Return(none{})
		})
		var got error
		require.NoError(t, coro.RunAsync(ex, coro.Context(ctx), coro.OnError(func(err error) { got = err }))(spin.With(0)))
		require.NoError(t, coro.Go(ex, other, 0))
		ex.RunUntilIdle()
		require.Equal(t, errCause, got)
		require.Equal(t, 1, ran)
		require.Equal(t, 1, rounds)
		require.NoError(t, ex.Close())
	}
}
