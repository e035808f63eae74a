package fuzz_test

import (
	"io"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/fuzz"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// arenaOptions are what an Arena promises. Free frames in the lists of other Ps and in
// quarantine are slack.
var arenaOptions = []fuzz.Option{
	fuzz.AlignFor(func(size uintptr) uintptr {
		return max(bins.MinSize, min(bins.ClassOf(max(size, 1)).Align(), bins.MaxAlign))
	}),
	fuzz.LiveFrames(func(a *arena.Arena) int { s := a.Stats(); return int(s.Total.Live) + s.Large }),
	fuzz.Validates((*arena.Arena).Validate),
	fuzz.Trims(func(a *arena.Arena) { a.Trim(0) }),
	fuzz.Caches(func(a *arena.Arena) (arena.FrameAllocator, func()) { c := a.NewCache(); return c, c.Close }),
	fuzz.Recycles(bins.MaxSize, 16<<10),
	fuzz.Concurrent(),
}

// newArenaWith returns a constructor of arenas that are closed at the end of the run.
func newArenaWith(opts ...arena.Option) func(testing.TB) arena.FrameAllocator {
	return func(t testing.TB) arena.FrameAllocator {
		a, err := arena.New(opts...)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, a.Close()) })
		return a
	}
}

// newCache returns a cache of an arena of its own.
func newCache(t testing.TB) arena.FrameAllocator {
	c := newArenaWith()(t).(*arena.Arena).NewCache()
	t.Cleanup(c.Close)
	return c
}

func newHeap(testing.TB) arena.FrameAllocator { return new(arena.Heap) }

func newCounting(t testing.TB) arena.FrameAllocator { return arena.NewCounting(fuzz.NewMemory(t)) }

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
	t.Cleanup(func() { require.NoError(t, trace.Close()) })
	return trace
}

// newZeroing returns an arena whose frames are zeroed.
func newZeroing(t testing.TB) arena.FrameAllocator { return zeroing{newArenaWith()(t).(*arena.Arena)} }

type zeroing struct{ *arena.Arena }

func (z zeroing) Allocate(size uintptr) unsafe.Pointer { return z.AllocateZeroed(size) }

// footprint is what a frame takes of a Bounded.
func footprint(size uintptr) uintptr {
	if k := bins.ClassOf(max(size, 1)); k < bins.Classes {
		return k.Size()
	}
	page := uintptr(slab.PageSize())
	return (size + page - 1) &^ (page - 1)
}

var allocators = []struct {
	name string
	new  func(testing.TB) arena.FrameAllocator
	opts []fuzz.Option

	concurrent bool
}{
	{"arena", newArenaWith(), arenaOptions, true},
	{"small arena", newArenaWith(arena.WithMaxBytes(24*slab.Size), arena.WithRegionBytes(slab.Size)), append(arenaOptions, fuzz.MayRefuse()), true},
	{"checked arena", newArenaWith(arena.WithChecks(64 << 10)), arenaOptions, true},
	{"zeroing arena", newZeroing, []fuzz.Option{fuzz.Zeroed(), fuzz.Trims(func(z zeroing) { z.Trim(0) })}, false},
	{"cache", newCache, []fuzz.Option{arenaOptions[0], fuzz.Recycles(bins.MaxSize, 16<<10)}, false},
	{"heap", newHeap, []fuzz.Option{fuzz.LiveFrames((*arena.Heap).Live), fuzz.Zeroed(), fuzz.Concurrent()}, true},
	{"counting", newCounting, []fuzz.Option{
		fuzz.LiveBytes(func(c *arena.Counting) uintptr { return uintptr(c.Stats().Bytes) }, nil),
		fuzz.LiveFrames(func(c *arena.Counting) int { s := c.Stats(); return int(s.Allocated - s.Deallocated) }),
		fuzz.Concurrent(),
	}, true},
	{"bounded", newBounded, []fuzz.Option{
		fuzz.Budget(boundedBytes, footprint),
		fuzz.LiveBytes(func(b *arena.Bounded) uintptr { return b.Stats().Bytes }, footprint),
		fuzz.LiveFrames(func(b *arena.Bounded) int { return int(b.Stats().Live) }),
		fuzz.Concurrent(),
	}, true},
	{"monotonic", newMonotonic, []fuzz.Option{fuzz.LiveFrames((*arena.Monotonic).Live)}, false},
	{"trace", newTrace, []fuzz.Option{fuzz.Concurrent()}, true},
}

func TestOurAllocators(t *testing.T) {
	for _, a := range allocators {
		t.Run(a.name, func(t *testing.T) { fuzz.Check(t, a.new, append(a.opts, fuzz.Operations(8000))...) })
	}
}

func TestOurAllocatorsUnderStress(t *testing.T) {
	for _, a := range allocators {
		if a.concurrent {
			t.Run(a.name, func(t *testing.T) { fuzz.Stress(t, a.new, a.opts...) })
		}
	}
}
