package coro_test

import (
	"context"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/slab"
)

// oneCache makes the test the only one to run, and an arena that is new have one
// cache for all goroutines: then exhaust leaves no free frame out of sight.
func oneCache(t *testing.T) {
	n := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(n) })
}

// exhaust allocates frames until a has no more of them, and returns a function
// that gives them back.
func exhaust(a *arena.Arena, size uintptr) (undo func()) {
	var frames []unsafe.Pointer
	for p := a.Allocate(size); p != nil; p = a.Allocate(size) {
		frames = append(frames, p)
	}
	return func() {
		for _, p := range frames {
			a.Deallocate(p, size)
		}
	}
}

func TestNoMemoryForARoot(t *testing.T) {
	oneCache(t)
	a := newArena(t, arena.WithMaxBytes(slab.Size))
	ex := executor.NewInline(executor.WithArena(a))
	defer ex.Close()
	begun := 0
	k := coro.Define("task", func(f *coro.Frame[[4000]byte, int]) coro.Step {
		begun++
		return f.Return(begun)
	})
	launches := []func() error{
		func() error { return coro.Go(ex, k, [4000]byte{}) },
		func() error { return coro.RunAsync(ex)(k.With([4000]byte{})) },
		func() error { return coro.RunAsync(ex, coro.Context(context.Background()))(k.With([4000]byte{})) },
		func() error { _, err := coro.Run(context.Background(), ex, k.With([4000]byte{})); return err },
		func() error { return coro.RunAsync(ex, coro.Allocator(newLimited(a, 0)))(k.With([4000]byte{})) },
	}
	undo := exhaust(a, k.FrameSize())
	live := liveIn(a)
	for _, launch := range launches {
		require.True(t, launch() == arena.ErrExhausted)
		require.Equal(t, live, liveIn(a))
	}
	require.Zero(t, begun)
	undo()
	for _, launch := range launches[:4] {
		require.NoError(t, launch())
	}
	require.Equal(t, 4, begun)
	require.Zero(t, liveIn(a))
}

func TestNoMemoryForAChild(t *testing.T) {
	t.Run("of no bytes", noMemoryForAChild[none])
	t.Run("of a small class", noMemoryForAChild[[100]byte])
	t.Run("of a big class", noMemoryForAChild[[60_000]byte])
	t.Run("of no class", noMemoryForAChild[[100_001]byte])
}

func noMemoryForAChild[S any](t *testing.T) {
	begun := 0
	child := coro.Define("child", func(f *coro.Frame[S, int]) coro.Step {
		begun++
		return f.Return(1)
	}, coro.NeverElided())
	var before func()
	var seen error
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			before()
			var args S
			return coro.Await(f, 1, child, args, &f.State)
		}
		seen = f.Err()
		return f.Return(f.State)
	})

	t.Run("from the arena", func(t *testing.T) {
		oneCache(t)
		a := newArena(t, arena.WithMaxBytes(slab.Size))
		ex := executor.NewInline(executor.WithArena(a))
		defer ex.Close()
		var undo func()
		before = func() { undo = exhaust(a, classSize(root)) }
		got, err := coro.Run(context.Background(), ex, root.With(42))
		require.NoError(t, err, "the parent goes on")
		require.Equal(t, 42, got)
		require.True(t, seen == arena.ErrExhausted)
		require.Zero(t, begun)
		undo()
		require.Zero(t, liveIn(a))
	})
	t.Run("from a custom allocator", func(t *testing.T) {
		seen, before = nil, func() {}
		ex := newInline(t)
		r := newRecorder(newLimited(ex.Arena(), 1))
		require.NoError(t, coro.RunAsync(ex, coro.Allocator(r))(root.With(42)))
		require.True(t, seen == arena.ErrExhausted)
		require.Zero(t, begun)
		r.requireDone(t, root.FrameSize())

		r = newRecorder(newLimited(ex.Arena(), 2))
		require.NoError(t, coro.RunAsync(ex, coro.Allocator(r))(root.With(42)))
		require.NoError(t, seen)
		require.Equal(t, 1, begun)
		r.requireDone(t, root.FrameSize(), child.FrameSize())
	})
}

// Frames that no class fits are counted apart, and given back.
func TestLargeFrames(t *testing.T) {
	a := newArena(t)
	ex := executor.NewInline(executor.WithArena(a))
	defer ex.Close()
	var during []int
	child := coro.Define("child", func(f *coro.Frame[[100_000]byte, none]) coro.Step {
		during = append(during, a.Stats().Large)
		return f.Return(none{})
	})
	root := coro.Define("root", func(f *coro.Frame[[200_000]byte, int]) coro.Step {
		if f.At() == 2 {
			return f.Return(len(during))
		}
		return coro.Await(f, f.At()+1, child, [100_000]byte{}, nil)
	})
	got, err := coro.Run(context.Background(), ex, root.With([200_000]byte{}))
	require.NoError(t, err)
	require.Equal(t, 2, got)
	require.Equal(t, []int{2, 2}, during)
	require.Zero(t, a.Stats().Large)
	require.Zero(t, a.Stats().LargeBytes)
}

// classSize is what the arena is asked for when a task gets a frame of its own.
func classSize(k interface{ FrameSize() uintptr }) uintptr { return bins.ClassOf(k.FrameSize()).Size() }
