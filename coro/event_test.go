package coro_test

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

func TestEvent(t *testing.T) {
	ex := newInline(t)
	var event coro.Event
	var order []int
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		order = append(order, f.State)
		return f.Return(none{})
	})
	launch := func(from, n int) {
		for i := range n {
			require.NoError(t, coro.Go(ex, k, from+i))
		}
	}
	require.False(t, event.IsSet())
	launch(0, 3)
	require.Empty(t, order)
	event.Set()
	require.True(t, event.IsSet())
	require.Equal(t, []int{0, 1, 2}, order)
	launch(3, 1)
	event.Set()
	require.Equal(t, []int{0, 1, 2, 3}, order)
	event.Reset()
	require.False(t, event.IsSet())
	launch(4, 2)
	require.Len(t, order, 4)
	event.Set()
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, order)
}

func TestWaitGroup(t *testing.T) {
	ex := newInline(t)
	var latch coro.WaitGroup
	ended := 0
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return latch.Wait(f, 1)
		}
		ended++
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(ex, k, none{}))
	require.Equal(t, 1, ended, "there is nothing to wait for")
	for range 2 {
		ended = 0
		latch.Add(3)
		for range 5 {
			require.NoError(t, coro.Go(ex, k, none{}))
		}
		latch.Done()
		latch.Add(-1)
		require.Zero(t, ended)
		latch.Done()
		require.Equal(t, 5, ended)
	}
	const message = "coro: the count of a WaitGroup would be negative, or too large: each Done needs an Add before it"
	require.PanicsWithValue(t, message, latch.Done)
	latch.Add(math.MaxInt)
	require.PanicsWithValue(t, message, func() { latch.Add(1) })
	latch.Add(-math.MaxInt)
	require.PanicsWithValue(t, message, func() { latch.Add(-1) })
}

// A task waits for many others, and sees what they did.
func TestWaitGroupOrdersMemory(t *testing.T) {
	ex := newPool(t)
	const tasks = 100
	var latch coro.WaitGroup
	var done [tasks]int // written by the tasks, read by who waited
	work := coro.Define("work", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		done[f.State]++
		latch.Done()
		return f.Return(none{})
	})
	all := coro.Define("all", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			latch.Add(tasks)
			for i := range tasks {
				if err := coro.Go(ex, work, i); err != nil {
					return f.Fail(err)
				}
			}
			return latch.Wait(f, 1)
		}
		for _, n := range done {
			f.State += n
		}
		return f.Return(f.State)
	})
	for i := range scaled(200) {
		got, err := coro.Run(context.Background(), ex, all.With(0))
		require.NoError(t, err)
		require.Equal(t, (i+1)*tasks, got)
	}
}

// Goroutines set an event that tasks reset: none sleeps for ever.
func TestEventFromManyGoroutines(t *testing.T) {
	ex := newPool(t)
	var event coro.Event
	var ended atomic.Int64
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 1 {
			event.Reset()
			f.State--
		}
		if f.State == 0 {
			ended.Add(1)
			return f.Return(none{})
		}
		return event.Wait(f, 1)
	})
	const tasks = 50
	var wg sync.WaitGroup
	for range tasks {
		wg.Go(func() {
			if _, err := coro.Run(context.Background(), ex, k.With(scaled(200))); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			for ended.Load() < tasks {
				event.Set()
			}
		})
	}
	wg.Wait()
}
