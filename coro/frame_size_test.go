package coro_test

import (
	"context"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
)

// A task with 80 bytes of state has a frame of the smallest class.
var _ [bins.MinSize - unsafe.Sizeof(coro.Frame[[80]byte, none]{})]none

func TestFrameSize(t *testing.T) {
	k := coro.Define("small", func(f *coro.Frame[[80]byte, none]) coro.Step { return f.Return(none{}) })
	require.LessOrEqual(t, k.FrameSize(), uintptr(bins.MinSize))
	require.Equal(t, unsafe.Sizeof(coro.Frame[[80]byte, none]{}), k.FrameSize())
	if unsafe.Sizeof(uintptr(0)) == 8 {
		require.Equal(t, uintptr(bins.MinSize), k.FrameSize(), "no more state than that is free of charge")
	}
}

// What the allocator is asked for is what FrameSize says.
func TestFramesOfEveryClass(t *testing.T) {
	t.Run("1", frameOf[[1]byte])
	t.Run("80", frameOf[[80]byte])
	t.Run("81", frameOf[[81]byte])
	t.Run("200", frameOf[[200]byte])
	t.Run("400", frameOf[[400]byte])
	t.Run("900", frameOf[[900]byte])
	t.Run("2000", frameOf[[2000]byte])
	t.Run("4000", frameOf[[4000]byte])
	t.Run("8000", frameOf[[8000]byte])
	t.Run("16000", frameOf[[16000]byte])
	t.Run("32000", frameOf[[32000]byte])
	t.Run("65000", frameOf[[65000]byte])
	t.Run("66000", frameOf[[66000]byte])
	t.Run("300000", frameOf[[300_000]byte])
}

// frameOf runs a root and a child with a state of bytes, and looks whether they
// keep it.
func frameOf[S any](t *testing.T) {
	fill := func(s *S, seed byte) {
		b := unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s))
		for i := range b {
			b[i] = seed + byte(i)
		}
	}
	filled := func(s *S, seed byte) bool {
		b := unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s))
		for i := range b {
			if b[i] != seed+byte(i) {
				return false
			}
		}
		return true
	}
	child := coro.Define("child", func(f *coro.Frame[S, bool]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(filled(&f.State, 7))
	})
	type extended struct {
		state S
		ok    bool
	}
	root := coro.Define("root", func(f *coro.Frame[extended, bool]) coro.Step {
		if f.At() == 1 {
			return f.Return(f.State.ok && filled(&f.State.state, 3))
		}
		fill(&f.State.state, 3)
		var args S
		fill(&args, 7)
		return coro.Await(f, 1, child, args, &f.State.ok)
	})
	ex := newInline(t)
	kept, err := coro.Run(context.Background(), ex, root.With(extended{}))
	require.NoError(t, err)
	require.True(t, kept)
	require.Zero(t, liveIn(ex.Arena()))

	r := newRecorder(ex.Arena())
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(r))(root.With(extended{})))
	r.requireDone(t, root.FrameSize(), child.FrameSize())
	require.Zero(t, liveIn(ex.Arena()))
}

// Types that are aligned to 8 bytes on all machines move the state away from the
// header on some.
func TestStateWithAtomics(t *testing.T) {
	type state struct {
		n      atomic.Int64
		before int32
		result int32
	}
	leaf := coro.Define("leaf", func(f *coro.Frame[none, int32]) coro.Step { return f.Return(7) })
	root := coro.Define("root", func(f *coro.Frame[state, int64]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			s.n.Add(1)
			return coro.Await(f, 1, leaf, none{}, &s.result)
		}
		return f.Return(s.n.Add(int64(s.result + s.before)))
	})
	got, err := coro.Run(context.Background(), newInline(t), root.With(state{before: 10}))
	require.NoError(t, err)
	require.Equal(t, int64(18), got)
}
