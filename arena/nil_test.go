package arena_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// Every allocator ignores a nil that is freed, whatever the size, with and without live
// frames: no figure changes, and the allocator below does not learn of it.
func TestNilIsIgnored(t *testing.T) {
	a := open(t)
	cache := a.NewCache()
	defer cache.Close()
	trace := arena.NewTrace(a, io.Discard)
	below := arena.NewCounting(a)
	bounded := arena.NewBounded(below, 1<<20)
	counting := arena.NewCounting(below)
	monotonic := arena.NewMonotonic(below, 0)
	defer monotonic.Release()
	for _, c := range []struct {
		name    string
		frames  arena.FrameAllocator
		figures func() any
	}{
		{"Arena", a, func() any { return a.Stats() }},
		{"Cache", cache, func() any { return a.Stats() }},
		{"Heap", new(arena.Heap), func() any { return nil }},
		{"Bounded", bounded, func() any { return bounded.Stats() }},
		{"Counting", counting, func() any { return counting.Stats() }},
		{"Monotonic", monotonic, func() any { return monotonic.Stats() }},
		{"Trace", trace, func() any { return nil }},
		{"Trace.Thread", trace.Thread(), func() any { return nil }},
		{"Trace.ThreadOver", trace.ThreadOver(below), func() any { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, live := range []uintptr{0, 1, 3} {
				for range live {
					p := c.frames.Allocate(100)
					defer c.frames.Deallocate(p, 100)
				}
				before, beforeBelow := c.figures(), below.Stats()
				for _, size := range []uintptr{0, 1, 100, 128, 64 << 10, 64<<10 + 1, 1 << 30, ^uintptr(0)} {
					c.frames.Deallocate(nil, size)
				}
				require.Equal(t, before, c.figures())
				require.Equal(t, beforeBelow, below.Stats())
				p := c.frames.Allocate(100)
				require.NotNil(t, p)
				c.frames.Deallocate(p, 100)
			}
		})
	}
}

// A nil that is freed is not in the record, so a trace has no operation that did nothing.
func TestTraceDoesNotRecordNil(t *testing.T) {
	var record bytes.Buffer
	trace := arena.NewTrace(open(t), &record)
	trace.Deallocate(nil, 100)
	trace.Thread().Deallocate(nil, 100)
	require.NoError(t, trace.Close())
	r, err := arena.NewTraceReader(&record)
	require.NoError(t, err)
	_, err = r.Next()
	require.Equal(t, io.EOF, err)
}
