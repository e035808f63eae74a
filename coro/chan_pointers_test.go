package coro_test

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/race"
)

// Values with Go pointers get through, whatever the collector does meanwhile.
func TestChanOfPointers(t *testing.T) {
	type message struct {
		number int
		text   *string
	}
	for _, capacity := range []int{0, 1, 5} {
		c := coro.NewChan[message](capacity)
		const each = 50
		send := coro.Define("send", func(f *coro.Frame[int, int]) coro.Step {
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			if f.State++; f.State > each {
				return f.Return(0)
			}
			if f.State%10 == 0 {
				runtime.GC()
			}
			text := strconv.Itoa(f.State)
			return c.Send(f, 1, message{f.State, &text})
		})
		recv := coro.DefineHeld("recv", func(f *coro.Frame[int, int], held *message) coro.Step {
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			if f.At() == 1 {
				if f.State%10 == 5 {
					runtime.GC()
				}
				if *held.text != strconv.Itoa(held.number) {
					t.Errorf("%d became %q", held.number, *held.text)
				}
			}
			if f.State++; f.State > each {
				return f.Return(0)
			}
			return c.Recv(f, 1, held)
		})
		ex := newPool(t)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := coro.Run(context.Background(), ex, send.With(0)); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, err := coro.Run(context.Background(), ex, recv.With(0, message{})); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Zero(t, c.Len())
	}
}

// Nothing that went through a Chan is retained by it.
func TestChanRetainsNothing(t *testing.T) {
	c := coro.NewChan[*[1000]byte](1)
	var all []weak.Pointer[[1000]byte]
	put := func() *[1000]byte {
		p := new([1000]byte)
		all = append(all, weak.Make(p))
		return p
	}
	send := coro.Define("send", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return c.Send(f, 1, put())
		}
		return f.Return(0)
	})
	recv := coro.DefineHeld("recv", func(f *coro.Frame[int, int], held **[1000]byte) coro.Step {
		if f.At() == 0 {
			return c.Recv(f, 1, held)
		}
		return f.Return(0)
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ex := newInline(t)
	for range 3 { // one is in the Chan, and two wait
		require.NoError(t, coro.RunAsync(ex, coro.Context(ctx))(send.With(0))) // is armed when it waits
	}
	for range 2 {
		require.NoError(t, coro.GoHeld(ex, recv, 0, nil))
	}
	_, ok := c.TryRecv()
	require.True(t, ok)
	require.Zero(t, liveIn(ex.Arena()))
	runtime.GC()
	require.Len(t, all, 3)
	for i, w := range all {
		require.Nil(t, w.Value(), i)
	}
	runtime.KeepAlive(c)
}

func TestChanOfPointersAllocations(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random
	}
	c := coro.NewChan[string](1)
	type buffer struct{ text string }
	k := coro.DefineHeld("task", func(f *coro.Frame[int, int], held *buffer) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(len(held.text))
		}
		if f.At() == 1 {
			return c.Recv(f, 0, &held.text)
		}
		return c.Send(f, 1, held.text)
	})
	ex := newInline(t)
	ctx := context.Background()
	failures := 0
	run := func() {
		if n, err := coro.Run(ctx, ex, k.With(10, buffer{"hello"})); n != 5 || err != nil {
			failures++
		}
	}
	for range 100 {
		run()
	}
	require.Zero(t, testing.AllocsPerRun(100, run))
	require.Zero(t, failures)
}
