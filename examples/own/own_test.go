package main

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/fuzz"
)

const (
	slotSize  = 256
	slotCount = 50
)

func newTested(t testing.TB) arena.FrameAllocator {
	s, err := newSlots(fuzz.NewMemory(t), slotSize, slotCount)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// promises is what slots promises beyond what every FrameAllocator must do.
var promises = fuzz.Promises{
	fuzz.MaxSize(slotSize),
	fuzz.Budget(slotSize*slotCount, func(uintptr) uintptr { return slotSize }), // it hands out exactly slotCount frames
	fuzz.Recycles(slotSize, 0),
	fuzz.LiveFrames((*slots).Live),
	fuzz.Concurrent(),
}

func TestSlots(t *testing.T)     { fuzz.Check(t, newTested, promises) }
func TestSlotsBusy(t *testing.T) { fuzz.Stress(t, newTested, promises) }
func FuzzSlots(f *testing.F)     { fuzz.Fuzz(f, newTested, promises) }

func TestSlotsAreAligned(t *testing.T) {
	s, err := newSlots(fuzz.NewMemory(t), 100, 3)
	require.NoError(t, err)
	var all []unsafe.Pointer
	for range 3 {
		p := s.Allocate(112)
		require.NotNil(t, p)
		require.Zero(t, uintptr(p)%16)
		all = append(all, p)
	}
	require.Nil(t, s.Allocate(1))
	require.ErrorIs(t, s.Close(), arena.ErrLeak)
	for _, p := range all {
		s.Deallocate(p, 112)
	}
	require.NoError(t, s.Close())
	require.Nil(t, s.Allocate(1))
}

func TestNoMemoryForSlots(t *testing.T) {
	_, err := newSlots(arena.NewBounded(new(arena.Heap), 1000), 256, 4)
	require.ErrorIs(t, err, arena.ErrExhausted)
}

// busy is the state of bustle, whose tasks lock, sleep, yield and spawn.
type busy struct {
	children coro.Group
	depth    int
	sum      [3]int
}

// errTrouble is the error of tasks that fail on purpose.
var errTrouble = errors.New("errTrouble")

// shared is the held part of bustle. All tasks of a test share it.
type shared struct {
	mutex *coro.Mutex
	count *int // of tasks that have had the mutex, which guards it
}

var bustle = coro.DefineHeld("bustle", func(f *coro.Frame[busy, int], held *shared) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return held.mutex.Lock(f, 1)
	case 1:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		*held.count++
		held.mutex.Unlock()
		return coro.Sleep(f, 2, time.Duration(s.depth)*time.Millisecond/4)
	case 2:
		return coro.Yield(f, 3)
	case 3:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if s.depth == 0 {
			return f.Return(1)
		}
		for i := range s.sum {
			coro.SpawnCall(f, &s.children, coro.HeldKindOf(f, held).With(busy{depth: s.depth - 1}, *held), &s.sum[i])
		}
		return s.children.Wait(f, 4)
	case 4:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(1 + s.sum[0] + s.sum[1] + s.sum[2])
	default:
		return f.BadResume()
	}
})

// A pool runs all tasks, and the steps of each one in their order.
func TestPool(t *testing.T) {
	for _, goroutines := range []int{1, 2, 8} {
		a, err := arena.New()
		require.NoError(t, err)
		c := newPool(goroutines, a)
		count := 0
		held := shared{new(coro.Mutex), &count}
		for range 5 {
			n, err := coro.Run(t.Context(), c, bustle.With(busy{depth: 4}, held))
			require.NoError(t, err)
			require.Equal(t, 1+3+9+27+81, n)
		}
		require.Equal(t, 5*121, count)
		c.Close()
		require.NoError(t, a.Close()) // an arena.ErrLeak if a frame were live
		require.ErrorIs(t, coro.GoHeld(c, bustle, busy{}, held), executor.ErrClosed)
	}
}

// On a pool with slots, a tree that needs more slots than there are fails, and others do not.
func TestPoolInSlots(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	frames, err := newSlots(a, slotSize, slotCount)
	require.NoError(t, err)
	c := newPool(3, a)
	held := shared{new(coro.Mutex), new(int)}
	for _, test := range []struct {
		depth int
		err   error
	}{{2, nil}, {4, arena.ErrExhausted}, {3, nil}} {
		h, err := coro.Start(c, bustle.With(busy{depth: test.depth}, held), coro.Allocator(frames))
		require.NoError(t, err)
		_, err = h.Wait(context.Background())
		require.ErrorIs(t, err, test.err)
		require.Zero(t, frames.Live())
	}
	c.Close()
	require.NoError(t, frames.Close())
	require.NoError(t, a.Close())
}

func TestAStepThatEndsItsGoroutine(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	c := newPool(1, a)
	exits := coro.Define("exits", func(f *coro.Frame[int, int]) coro.Step {
		switch f.State {
		case 0:
			runtime.Goexit()
		case 1:
			panic(errTrouble)
		}
		return f.Return(f.State)
	})
	var panicked *coro.PanicError
	_, err = coro.Run(t.Context(), c, exits.With(0))
	require.ErrorAs(t, err, &panicked)
	require.Equal(t, coro.ErrGoexit, panicked.Value)
	_, err = coro.Run(t.Context(), c, exits.With(1))
	require.ErrorIs(t, err, errTrouble)
	n, err := coro.Run(t.Context(), c, exits.With(2))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	c.Close()
	require.NoError(t, a.Close())
}

// If a pool is closed at any moment, each root ends, and no frame is live.
func TestCloseInTheMiddle(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 15
	}
	for round := range rounds {
		a, err := arena.New()
		require.NoError(t, err)
		c := newPool(2, a)
		held := shared{new(coro.Mutex), new(int)}
		results := make(chan error, 10)
		for range cap(results) {
			launch := coro.RunAsync(c, coro.OnError(func(err error) { results <- err }), coro.OnResult(func(int) { results <- nil }))
			require.NoError(t, launch(bustle.With(busy{depth: 3}, held)))
		}
		time.Sleep(time.Duration(round) * 100 * time.Microsecond)
		c.Close()
		for range cap(results) {
			if err := <-results; err != nil {
				require.ErrorIs(t, err, executor.ErrClosed)
			}
		}
		require.NoError(t, a.Close()) // an arena.ErrLeak if a frame were live
	}
}

func TestTheCommand(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(30_000, 2, 4, &out))
	require.Contains(t, out.String(), "begin below 30000, the one of 26623 is the longest: 307 steps to 1.\n4 tasks found it, in 4 slots")
	require.NoError(t, run(2, 1, 3, &out))
	require.Error(t, run(2, 1, rooms, &out))
	require.Error(t, run(1, 1, 3, &out))
}
