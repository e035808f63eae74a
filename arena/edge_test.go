package arena_test

import (
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// What is made of nothing panics with a sentence where it is made, and not with a nil
// dereference at the first request. A nil pointer in an interface is nothing, too.
func TestMadeOfNothing(t *testing.T) {
	nothing := map[string]arena.FrameAllocator{
		"nil": nil, "Arena": (*arena.Arena)(nil), "Cache": (*arena.Cache)(nil), "Heap": (*arena.Heap)(nil),
		"Counting": (*arena.Counting)(nil), "Bounded": (*arena.Bounded)(nil), "Monotonic": (*arena.Monotonic)(nil),
		"Trace": (*arena.Trace)(nil),
	}
	trace := arena.NewTrace(new(arena.Heap), io.Discard)
	for name, next := range nothing {
		for says, f := range map[string]func(){
			"arena: NewBounded without an allocator":       func() { arena.NewBounded(next, 1<<20) },
			"arena: NewCounting without an allocator":      func() { arena.NewCounting(next) },
			"arena: NewMonotonic without an allocator":     func() { arena.NewMonotonic(next, 0) },
			"arena: NewTrace without an allocator":         func() { arena.NewTrace(next, io.Discard) },
			"arena: Trace.ThreadOver without an allocator": func() { trace.ThreadOver(next) },
		} {
			require.Contains(t, panicOf(f), says, name)
		}
	}
	a := open(t)
	require.Contains(t, panicOf(func() { a.OpenCache(nil) }), "arena: OpenCache of nil")
	require.Contains(t, panicOf(func() { _, _ = arena.NewTraceReader(nil) }), "arena: NewTraceReader without a reader")
	require.Contains(t, panicOf(func() { arena.NewTrace(a, nil) }), "without a writer")
}

// Options and parameters at the ends of their ranges.
func TestEdgeValues(t *testing.T) {
	for i, o := range [][]arena.Option{
		{arena.WithMaxBytes(math.MaxUint)},
		{arena.WithMaxBytes(8 * slab.Size)},
		{arena.WithBackgroundTrim(math.MaxInt64, 0)},
		{arena.WithBackgroundTrim(time.Nanosecond, math.MaxUint)},
		{arena.WithRegionBytes(1), arena.WithMaxBytes(math.MaxUint)},
		{arena.WithChecks(math.MaxUint)},
		{arena.WithChecks(1)},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			a := open(t, o...)
			b := arena.NewBounded(a, math.MaxUint)
			for _, size := range []uintptr{0, 1, 127, 128, 64<<10 - guard, 64<<10 + 1} {
				for _, f := range []arena.FrameAllocator{a, b} {
					p := f.Allocate(size)
					require.NotNil(t, p, "size %d", size)
					f.Deallocate(p, size)
				}
			}
			for back := range uintptr(4096 + 200) { // rounding up must not wrap around
				if back > 200 && back < 3900 {
					continue
				}
				require.Nil(t, a.Allocate(math.MaxUint-back))
				require.Nil(t, b.Allocate(math.MaxUint-back))
			}
			a.Trim(math.MaxUint)
			a.Trim(0)
			require.NoError(t, a.Validate())
			require.Zero(t, b.Stats().Bytes)
		})
	}
	for _, blockSize := range []uintptr{0, 1, 127, 129} {
		m := arena.NewMonotonic(new(arena.Heap), blockSize)
		for back := range uintptr(64) {
			require.Nil(t, m.Allocate(math.MaxUint-back))
		}
		require.NotNil(t, m.Allocate(0))
		require.NotNil(t, m.Allocate(1<<20))
		require.Equal(t, 2, m.Live())
		m.Release()
	}
}
