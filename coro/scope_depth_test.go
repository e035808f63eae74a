package coro_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// countingClock counts how often it is asked for the time.
type countingClock struct {
	beginningClock
	asked *atomic.Int64
}

func (c countingClock) Now() time.Duration {
	c.asked.Add(1)
	return c.beginningClock.Now()
}

type depth struct {
	n, rest int
	g       coro.Group
}

// A task in many scopes asks for the time once when it resumes, not once for each scope.
func TestDepthOfScopesIsLinear(t *testing.T) {
	const deep = 300
	var asked atomic.Int64
	ex := executor.NewInline(executor.WithClock(countingClock{beginningClock{0, time.Now()}, &asked}))
	nest := coro.Define("nest", func(f *coro.Frame[depth, int]) coro.Step {
		s := &f.State
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0:
			return coro.Yield(f, 1)
		case f.At() == 1 && s.n > 0:
			return coro.AwaitCall(f, 2, f.Kind().With(depth{n: s.n - 1}), &s.rest, coro.Timeout(time.Hour))
		}
		return f.Return(s.rest + 1)
	})
	n, err := coro.Run(context.Background(), ex, nest.With(depth{n: deep}))
	require.NoError(t, err)
	require.Equal(t, deep+1, n)
	require.Less(t, asked.Load(), int64(10*deep))
	require.NoError(t, ex.Close())
}

// Groups with a policy may be nested as deep as memory allows; a cancel from the outside reaches the
// innermost task, and so does one of a Group in between.
func TestNestedGroups(t *testing.T) {
	const deep = 20_000
	var never coro.Event
	var cancelAt int // the depth of the Group that is decided by another child
	var reached error
	fails := coro.Define("fails", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Millisecond)
		}
		return f.Fail(errLeaf)
	})
	nest := coro.Define("nest", func(f *coro.Frame[depth, int]) coro.Step {
		s := &f.State
		switch {
		case f.At() == 0 && s.n == 0 && cancelAt == 0:
			return f.Return(1)
		case f.At() == 0 && s.n == 0:
			return never.Wait(f, 2)
		case f.At() == 0:
			s.g.SetPolicy(f, coro.FirstError)
			coro.Spawn(f, &s.g, f.Kind(), depth{n: s.n - 1}, &s.rest)
			if s.n == cancelAt {
				coro.Spawn(f, &s.g, fails, 0, nil)
			}
			return s.g.Wait(f, 1)
		case f.At() == 2:
			reached = f.Err()
			return f.Fail(f.Err())
		case f.Err() != nil:
			return f.Fail(f.Err())
		}
		return f.Return(s.rest + 1)
	})
	ex := executor.NewPool(executor.WithWorkers(2))
	n, err := coro.Run(context.Background(), ex, nest.With(depth{n: deep}))
	require.NoError(t, err)
	require.Equal(t, deep+1, n)
	for _, cancelAt = range []int{1, deep / 2, deep} {
		reached = nil
		_, err := coro.Run(context.Background(), ex, nest.With(depth{n: deep}))
		require.Equal(t, errLeaf, err)
		require.Equal(t, coro.ErrGroupDecided, reached)
	}
	require.NoError(t, ex.Close())
}
