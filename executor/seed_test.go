package executor_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

type chosenState struct{ chosen, rounds int }

// choices returns which of two cases that could both happen were chosen, and in which order the
// end of a context has woken tasks that waited at different places.
func choices(t *testing.T, opts ...executor.LoopOption) (chosen, woken []int) {
	l := executor.NewLoop(opts...)
	var a, b coro.Event
	a.Set()
	b.Set()
	k := coro.Define("chooses", func(f *coro.Frame[chosenState, int]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			chosen = append(chosen, s.chosen)
		}
		if s.rounds++; s.rounds > 40 {
			return f.Return(0)
		}
		return coro.Select(f, 1, &s.chosen, a.WaitCase(), b.WaitCase(), coro.After(0))
	})
	require.NoError(t, coro.Go(l, k, chosenState{}))
	events := make([]coro.Event, 40)
	waits := coro.Define("waits", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return events[f.State].Wait(f, 1)
		}
		woken = append(woken, f.State)
		return f.Return(0)
	})
	ctx, cancel := context.WithCancel(context.Background())
	ends := coro.Define("ends", func(f *coro.Frame[parentOfMany, int]) coro.Step {
		if f.At() == 0 {
			f.State.g.SetPolicy(f, coro.FirstError)
			for i := range events {
				coro.Spawn(f, &f.State.g, waits, i, nil)
			}
			coro.Spawn(f, &f.State.g, failsLater, 0, nil)
			return f.State.g.Wait(f, 1)
		}
		return f.Return(0)
	})
	require.NoError(t, coro.RunAsync(l, coro.Context(ctx))(ends.With(parentOfMany{})))
	l.RunUntilIdle()
	cancel()
	require.NoError(t, l.Close())
	return chosen, woken
}

type parentOfMany struct{ g coro.Group }

var failsLater = coro.Define("fails later", func(f *coro.Frame[int, int]) coro.Step {
	if f.At() == 0 {
		return coro.Sleep(f, 1, time.Millisecond)
	}
	return f.Fail(errors.New("later"))
})

// With virtual time each run is the same, and with another seed it is another one.
func TestVirtualTimeRepeats(t *testing.T) {
	chosen, woken := choices(t, executor.WithVirtualTime())
	require.Len(t, woken, 40)
	for range 5 {
		c, w := choices(t, executor.WithVirtualTime())
		require.Equal(t, chosen, c)
		require.Equal(t, woken, w)
	}
	c, _ := choices(t, executor.WithVirtualTime(), executor.WithSeed(0))
	require.Equal(t, chosen, c)
	c, _ = choices(t, executor.WithVirtualTime(), executor.WithSeed(1))
	require.NotEqual(t, chosen, c)
	for i := range 3 {
		require.Contains(t, chosen, i, "each case is chosen at some time")
	}
}
