package coro_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// requireAllFree checks that all slots of a kind are free, hold nothing and are out
// of the workers' lists, as when the executors are closed.
func requireAllFree(t *testing.T, k interface{ Slots() (int, int, bool) }) {
	t.Helper()
	all, free, ok := k.Slots()
	require.True(t, ok, "a free slot holds something, or is free twice")
	require.Equal(t, all, free, "slots that are lost or in use")
}

func TestSlotsAreRecycled(t *testing.T) {
	for _, tasks := range []int{1, 63, 64, 65, 1000} {
		t.Run(fmt.Sprint(tasks), func(t *testing.T) {
			ex := newStepwise(t, func(error) {})
			k := coro.DefineHeld("task", func(f *coro.Frame[int, none], held *[]int) coro.Step {
				switch {
				case f.At() == 0 && f.State%3 == 0:
					return coro.AwaitHeld(f, 1, coro.HeldKindOf(f, held), f.State+1, *held, nil)
				case f.At() < 2:
					return coro.Yield(f, 2)
				default:
					return f.Return(none{})
				}
			})
			for range 50 {
				for i := range tasks {
					require.NoError(t, coro.GoHeld(ex, k, i, []int{i}))
				}
				ex.runAll()
			}
			ex.worker.Publish()
			requireAllFree(t, k)
			all, _, _ := k.Slots()
			require.GreaterOrEqual(t, all, tasks)
			highWater := tasks + (tasks+2)/3 // every third has a child
			require.LessOrEqual(t, all, highWater+coro.SlotSlack(k, 1)+k.BlockLen())
		})
	}
}

func TestBlocksOfAllSizes(t *testing.T) {
	t.Run("0", blocksOf[none](64))
	t.Run("400", blocksOf[[50]uint64](64))
	t.Run("1000", blocksOf[[125]uint64](32))
	t.Run("100000", blocksOf[[12_500]uint64](1))
}

func blocksOf[H comparable](blockLen int) func(t *testing.T) {
	return func(t *testing.T) {
		k := coro.DefineHeld("task", func(f *coro.Frame[none, H], held *H) coro.Step { return f.Return(*held) })
		require.Equal(t, blockLen, k.BlockLen())
		var zero H
		got, err := coro.Run(context.Background(), newInline(t), k.With(none{}, zero))
		require.NoError(t, err)
		require.True(t, got == zero)
		all, _, _ := k.Slots()
		require.Equal(t, blockLen, all)
	}
}

// Producers launch, workers end: slots go round in batches.
func TestSlotsGoRound(t *testing.T) {
	const producers, window = 4, 100
	each := 20_000
	if race.Enabled || testing.Short() {
		each = 3_000
	}
	type owner struct{ producer, number int }
	type belongs struct {
		owner *owner
		done  chan<- none
		text  string
	}
	check := func(o owner, h *belongs) error {
		if *h.owner != o || h.text != fmt.Sprint(o) {
			return fmt.Errorf("%+v found the held part of %+v", o, *h.owner)
		}
		return nil
	}
	child := coro.DefineHeld("child", func(f *coro.Frame[owner, string], h *belongs) coro.Step {
		if err := check(f.State, h); err != nil {
			return f.Fail(err)
		}
		if f.At() == 0 && f.State.number%7 == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(h.text)
	})
	root := coro.DefineHeld("root", func(f *coro.Frame[owner, none], h *belongs) coro.Step {
		if err := check(f.State, h); err != nil {
			t.Error(err)
		}
		if f.Err() != nil {
			t.Error(f.Err())
		}
		switch f.At() {
		case 0:
			return coro.AwaitHeld(f, 1, child, f.State, *h, &h.text)
		case 1:
			if f.State.number%5 == 0 {
				return coro.Yield(f, 2)
			}
			fallthrough
		default:
			h.done <- none{}
			return f.Return(none{})
		}
	})
	pool := executor.NewPool(executor.WithWorkers(3), executor.WithErrorHandler(func(err error) { t.Error(err) }))
	var wg sync.WaitGroup
	for producer := range producers {
		wg.Go(func() {
			done := make(chan none, window)
			for range window {
				done <- none{}
			}
			for number := range each {
				<-done
				o := owner{producer, number}
				h := belongs{&o, done, fmt.Sprint(o)}
				var err error
				if number%2 == 0 {
					err = coro.GoHeld(pool, root, o, h)
				} else {
					err = coro.RunAsync(pool)(root.With(o, h))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
			for range window {
				<-done
			}
		})
	}
	wg.Wait()
	require.NoError(t, pool.Close())
	requireAllFree(t, root)
	requireAllFree(t, child)
	for _, k := range []interface{ Slots() (int, int, bool) }{root, child} {
		all, _, _ := k.Slots()
		// A root that has said that it is done still has its slot for a moment.
		highWater := producers*window + 3
		require.LessOrEqual(t, all, highWater+coro.SlotSlack(root, 3)+64)
	}
}

// A worker that goes idle after each few tasks leaves few full batches, not many short
// ones.
func TestIdleWorkersLeaveFullBatches(t *testing.T) {
	ex := newStepwise(t, func(error) {})
	k := coro.DefineHeld("task", func(f *coro.Frame[int, none], held *string) coro.Step { return f.Return(none{}) })
	const tasks = 1000
	for range tasks {
		require.NoError(t, coro.GoHeld(ex, k, 1, "x"))
	}
	for left := tasks; left > 0; {
		for range 3 {
			if ex.runOne() {
				left--
			}
		}
		ex.worker.Publish()
	}
	requireAllFree(t, k)
	all, _, _ := k.Slots()
	require.LessOrEqual(t, k.Batches(), all/15)
}

// More kinds than a worker has lists for at first.
func TestManyHeldKinds(t *testing.T) {
	const kinds = 100
	ex := newInline(t)
	var all []*coro.HeldKind[int, string, string]
	for range kinds {
		all = append(all, coro.DefineHeld("one of many", func(f *coro.Frame[int, string], held *string) coro.Step {
			if f.State < 0 {
				return f.Return(*held)
			}
			if f.At() == 1 {
				return f.Return(*held + "!")
			}
			return coro.AwaitHeld(f, 1, all[f.State], -1, *held, held)
		}))
	}
	for i := range kinds {
		got, err := coro.Run(context.Background(), ex, all[i].With((i*37)%kinds, fmt.Sprint(i)))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(i, "!"), got)
	}
	require.NoError(t, ex.Close())
	for _, k := range all {
		requireAllFree(t, k)
	}
}
