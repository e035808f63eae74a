package arena_test

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

func TestCountingCounts(t *testing.T) {
	c := arena.NewCounting(new(arena.Heap))
	require.Zero(t, c.Stats())
	p := c.Allocate(100)
	q := c.Allocate(1000)
	require.Equal(t, arena.CountingStats{Allocated: 2, Bytes: 1100, PeakBytes: 1100}, c.Stats())
	c.Deallocate(p, 100)
	require.Equal(t, arena.CountingStats{Allocated: 2, Deallocated: 1, Bytes: 1000, PeakBytes: 1100}, c.Stats())
	p = c.Allocate(50)
	require.Equal(t, arena.CountingStats{Allocated: 3, Deallocated: 1, Bytes: 1050, PeakBytes: 1100}, c.Stats())
	require.Nil(t, c.Allocate(^uintptr(0)))
	r := c.Allocate(1)
	require.Equal(t, arena.CountingStats{Allocated: 4, Deallocated: 1, Refused: 1, Bytes: 1051, PeakBytes: 1100}, c.Stats())
	c.Deallocate(p, 50)
	c.Deallocate(q, 1000)
	c.Deallocate(r, 1)
	require.Equal(t, arena.CountingStats{Allocated: 4, Deallocated: 4, Refused: 1, PeakBytes: 1100}, c.Stats())
}

func TestCountingCountsRefusals(t *testing.T) {
	a := open(t, arena.WithMaxBytes(slab.Size))
	cache := a.NewCache()
	defer cache.Close()
	c := arena.NewCounting(cache)
	size := 64<<10 - guard
	all := exhaust(t, c, size, 32)
	s := c.Stats()
	require.EqualValues(t, 32, s.Allocated)
	require.EqualValues(t, 1, s.Refused)
	require.Equal(t, a.Stats().Refusals, s.Refused)
	require.EqualValues(t, 32*size, s.PeakBytes)
	freeAll(c, all, size)
}

// Countings may stand in front of each other.
func TestCountingsCompose(t *testing.T) {
	inner := arena.NewCounting(new(arena.Heap))
	first, second := arena.NewCounting(inner), arena.NewCounting(inner)
	p, q := first.Allocate(10), second.Allocate(20)
	require.EqualValues(t, 30, inner.Stats().Bytes)
	require.EqualValues(t, 10, first.Stats().Bytes)
	first.Deallocate(p, 10)
	second.Deallocate(q, 20)
	require.EqualValues(t, 2, inner.Stats().Deallocated)
	require.EqualValues(t, 30, inner.Stats().PeakBytes)
}

func TestCountingOnManyGoroutines(t *testing.T) {
	const goroutines, each, size = 8, 100, 128
	a := open(t)
	c := arena.NewCounting(a)
	n := rounds(100)
	var together, all sync.WaitGroup
	together.Add(goroutines)
	for range goroutines {
		all.Go(func() {
			var frames [each]unsafe.Pointer
			for round := range n {
				for i := range frames {
					frames[i] = c.Allocate(size)
				}
				if round == 0 { // all frames of all goroutines are live at once
					together.Done()
					together.Wait()
				}
				for _, p := range frames {
					c.Deallocate(p, size)
				}
			}
		})
	}
	all.Wait()
	total := uint64(goroutines * each * n)
	require.Equal(t, arena.CountingStats{Allocated: total, Deallocated: total, PeakBytes: goroutines * each * size}, c.Stats())
}
