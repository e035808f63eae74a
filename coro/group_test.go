package coro_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

type leafCount struct {
	children coro.Group
	depth    int
	sums     [4]int
}

// leafCounting returns the number of leaves of a tree of tasks, each but the leaves with four
// children.
var leafCounting = coro.Define("leafCounting", leafCountingStep)

func leafCountingStep(f *coro.Frame[leafCount, int]) coro.Step {
	s := &f.State
	if f.At() == 1 {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(s.sums[0] + s.sums[1] + s.sums[2] + s.sums[3])
	}
	if s.depth == 0 {
		return f.Return(1)
	}
	for i := range s.sums {
		coro.Spawn(f, &s.children, f.Kind(), leafCount{depth: s.depth - 1}, &s.sums[i])
	}
	return s.children.Wait(f, 1)
}

func TestSpawnTree(t *testing.T) {
	for _, ex := range []interface {
		coro.Executor
		Close() error
	}{executor.NewInline(), executor.NewPool(), executor.NewPool(executor.WithWorkers(8))} {
		for depth, leaves := 0, 1; depth < 6; depth, leaves = depth+1, leaves*4 {
			n, err := coro.Run(context.Background(), ex, leafCounting.With(leafCount{depth: depth}))
			require.NoError(t, err)
			require.Equal(t, leaves, n)
		}
		require.NoError(t, ex.Close(), "no frame is live")
	}
}

// TestParentEndsAfterItsChildren has a task return and fail while its children wait.
func TestParentEndsAfterItsChildren(t *testing.T) {
	errOwn, errChild := errors.New("own"), errors.New("child")
	for _, c := range []struct {
		name            string
		fails, childErr bool
		want            error
	}{
		{"returns", false, false, nil},
		{"fails", true, false, errOwn},
		{"returns, a child fails", false, true, errChild},
		{"fails, a child fails", true, true, errOwn},
	} {
		t.Run(c.name, func(t *testing.T) {
			ex := newInline(t)
			var gate coro.Event
			var ended atomic.Int32
			child := coro.Define("child", func(f *coro.Frame[none, int]) coro.Step {
				if f.At() == 0 {
					return gate.Wait(f, 1)
				}
				ended.Add(1)
				if c.childErr {
					return f.Fail(errChild)
				}
				return f.Return(1)
			})
			type state struct {
				g coro.Group
				r [3]int
			}
			parent := coro.Define("parent", func(f *coro.Frame[state, int]) coro.Step {
				for i := range f.State.r {
					coro.Spawn(f, &f.State.g, child, none{}, &f.State.r[i])
				}
				if c.fails {
					return f.Fail(errOwn)
				}
				return f.Return(7)
			})
			done := make(chan error, 1)
			go func() {
				n, err := coro.Run(context.Background(), ex, parent.With(state{}))
				if err == nil && n != 7 {
					err = errors.New("the result is lost")
				}
				done <- err
			}()
			for ex.Arena().Stats().Total.Live < 4 {
			}
			require.Empty(t, done)
			gate.Set()
			require.Equal(t, c.want, <-done)
			require.EqualValues(t, 3, ended.Load())
		})
	}
}
