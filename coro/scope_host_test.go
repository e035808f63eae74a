package coro_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/testclock"
)

// fullFrame is a state behind which there is no room.
type fullFrame struct {
	index int
	_     [72]byte
}

type spawner struct {
	g coro.Group
	_ [64]byte
}

// A childScope hosts one of the tasks that wait in it. Whichever leaves first, and however, all end,
// and what was not given to a task is there for another.
func TestTasksInOneScope(t *testing.T) {
	const tasks = 3
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			noLeftParts(t)
			for _, nested := range []bool{false, true} {
				for _, order := range orders {
					for woken := range tasks + 1 {
						testTasksInOneScope(t, o.block, o.forgets, nested, order, woken)
					}
				}
			}
		})
	}
}

// testTasksInOneScope has tasks wait in a Timeout, wakes some in the given order, and ends the scope.
func testTasksInOneScope(t *testing.T, block func() (operation, func(), func() bool), forgets, nested bool, order []int, woken int) {
	clock := new(testclock.Clock)
	ex := executor.NewInline(executor.WithClock(clock))
	var ops [3]operation
	var wakes [3]func()
	var left [3]func() bool
	for i := range ops {
		ops[i], wakes[i], left[i] = block()
	}
	ended := map[int]error{}
	wait := coro.Define("wait", func(f *coro.Frame[fullFrame, none]) coro.Step {
		if f.At() == 0 {
			return ops[f.State.index](f, 1)
		}
		ended[f.State.index] = f.Err()
		return f.Return(none{})
	})
	spawn := coro.Define("spawn", func(f *coro.Frame[spawner, none]) coro.Step {
		if f.At() == 0 {
			for i := range ops {
				coro.Spawn(f, &f.State.g, wait, fullFrame{index: i}, nil)
			}
			return f.State.g.Wait(f, 1)
		}
		return f.Return(none{})
	})
	root := coro.Define("root", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, spawn.With(spawner{}), nil, coro.Timeout(time.Minute))
		}
		return f.Return(none{})
	})
	if nested {
		_, err := coro.Start(ex, root.With(0))
		require.NoError(t, err)
	} else {
		require.NoError(t, coro.Go(ex, root, 0))
	}
	for _, i := range order[:woken] {
		wakes[i]()
	}
	require.Len(t, ended, woken)
	clock.Advance(time.Hour)
	require.Len(t, ended, len(ops))
	for at, i := range order {
		if at < woken {
			require.NoError(t, ended[i])
			continue
		}
		require.ErrorIs(t, ended[i], context.DeadlineExceeded)
		wakes[i]()
		require.True(t, forgets || left[i]())
	}
	require.NoError(t, ex.Close())
}
