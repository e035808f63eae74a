// Package allocators lists the allocators of this module with their promises. The tests and
// fuzz targets of package fuzz test them, and so does a soak.
package allocators

import (
	"io"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/fuzz"
	"github.com/framearena/framearena/slab"
)

// Allocator is a sort of allocator.
type Allocator struct {
	Name     string
	New      func(testing.TB) arena.FrameAllocator
	Promises fuzz.Promises

	Concurrent bool // fuzz.Concurrent is among the Promises
}

// ArenaPromises returns the promises of an Arena. The slack of its Recycles is for free frames
// in the lists of other Ps and in quarantine.
func ArenaPromises() fuzz.Promises {
	return fuzz.Promises{
		arenaAlignment,
		fuzz.LiveFrames(func(a *arena.Arena) int { s := a.Stats(); return int(s.Total.Live) + s.Large }),
		fuzz.Validates((*arena.Arena).Validate),
		fuzz.Trims(func(a *arena.Arena) { a.Trim(0) }),
		fuzz.Caches(func(a *arena.Arena) (arena.FrameAllocator, func()) { c := a.NewCache(); return c, c.Close }),
		fuzz.Recycles(bins.MaxSize, 16<<10),
		fuzz.Concurrent(),
	}
}

var arenaAlignment = fuzz.AlignFor(func(size uintptr) uintptr {
	return max(bins.MinSize, min(bins.ClassOf(max(size, 1)).Align(), bins.MaxAlign))
})

// Arena returns a constructor of arenas that are closed at the end of the run.
func Arena(opts ...arena.Option) func(testing.TB) arena.FrameAllocator {
	return func(t testing.TB) arena.FrameAllocator { return newArena(t, opts...) }
}

func newArena(t testing.TB, opts ...arena.Option) *arena.Arena {
	a, err := arena.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// newCache returns a cache of a new arena.
func newCache(t testing.TB) arena.FrameAllocator {
	c := newArena(t).NewCache()
	t.Cleanup(c.Close)
	return c
}

const boundedBytes = 256 << 10

func newBounded(t testing.TB) arena.FrameAllocator {
	return arena.NewBounded(fuzz.NewMemory(t), boundedBytes)
}

func newMonotonic(t testing.TB) arena.FrameAllocator {
	m := arena.NewMonotonic(fuzz.NewMemory(t), 4096)
	t.Cleanup(m.Release)
	return m
}

func newTrace(t testing.TB) arena.FrameAllocator {
	trace := arena.NewTrace(fuzz.NewMemory(t), io.Discard)
	t.Cleanup(func() {
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
	})
	return trace
}

// zeroing is an arena that hands out zeroed frames.
type zeroing struct{ *arena.Arena }

func (z zeroing) Allocate(size uintptr) unsafe.Pointer { return z.AllocateZeroed(size) }

// footprint returns the part of a Bounded's budget, in bytes, that a frame takes.
func footprint(size uintptr) uintptr {
	if k := bins.ClassOf(max(size, 1)); k < bins.Classes {
		return k.Size()
	}
	page := uintptr(slab.PageSize())
	return (size + page - 1) &^ (page - 1)
}

// All returns all sorts of allocators.
func All() []Allocator {
	return []Allocator{
		{"arena", Arena(), ArenaPromises(), true},
		{"small arena", Arena(arena.WithMaxBytes(24*slab.Size), arena.WithRegionBytes(slab.Size)), append(ArenaPromises(), fuzz.MayRefuse()), true},
		{"checked arena", Arena(arena.WithChecks(64 << 10)), ArenaPromises(), true},
		{"zeroing arena", func(t testing.TB) arena.FrameAllocator { return zeroing{newArena(t)} }, fuzz.Promises{
			fuzz.Zeroed(), fuzz.Trims(func(z zeroing) { z.Trim(0) }),
		}, false},
		{"cache", newCache, fuzz.Promises{arenaAlignment, fuzz.Recycles(bins.MaxSize, 16<<10)}, false},
		{"heap", func(testing.TB) arena.FrameAllocator { return new(arena.Heap) }, fuzz.Promises{
			fuzz.LiveFrames((*arena.Heap).Live), fuzz.Zeroed(), fuzz.Concurrent(),
		}, true},
		{"counting", func(t testing.TB) arena.FrameAllocator { return arena.NewCounting(fuzz.NewMemory(t)) }, fuzz.Promises{
			fuzz.LiveBytes(func(c *arena.Counting) uintptr { return uintptr(c.Stats().Bytes) }, nil),
			fuzz.LiveFrames(func(c *arena.Counting) int { s := c.Stats(); return int(s.Allocated - s.Deallocated) }),
			fuzz.Concurrent(),
		}, true},
		{"bounded", newBounded, fuzz.Promises{
			fuzz.Budget(boundedBytes, footprint),
			fuzz.LiveBytes(func(b *arena.Bounded) uintptr { return b.Stats().Bytes }, footprint),
			fuzz.LiveFrames(func(b *arena.Bounded) int { return int(b.Stats().Live) }),
			fuzz.Concurrent(),
		}, true},
		{"monotonic", newMonotonic, fuzz.Promises{fuzz.LiveFrames((*arena.Monotonic).Live)}, false},
		{"trace", newTrace, fuzz.Promises{fuzz.Concurrent()}, true},
	}
}
