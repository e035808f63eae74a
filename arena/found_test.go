package arena_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// Several producers and consumers of one arena: neither frames nor what the arena
// needs on the Go heap may grow with the number of frames that pass.
func TestCirculationDoesNotGrow(t *testing.T) {
	const pairs = 4
	frames := 8_000_000
	if testing.Short() || race.Enabled {
		frames = 50_000
	}
	a := open(t)
	run := func(frames int) {
		var all sync.WaitGroup
		for range pairs {
			r := newRing()
			all.Go(func() {
				c := a.NewCache()
				defer c.Close()
				out := r.sender()
				for range frames {
					out.send(c.Allocate(128))
				}
				out.flush()
			})
			all.Go(func() {
				c := a.NewCache()
				defer c.Close()
				in := r.receiver()
				for range frames {
					c.Deallocate(in.receive(), 128)
				}
			})
		}
		all.Wait()
	}
	run(frames / 100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run(frames)
	runtime.ReadMemStats(&after)
	requireAccounts(t, a, [bins.Classes]int{})
	require.Less(t, a.Stats().Total.Carved, uint64(pairs*(ringSlots+2048)))
	if !race.Enabled {
		// Rings, caches, goroutines, and blocks of batches now and then.
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	}
}

// Whoever closes a cache twice must not close the cache of whoever came next.
func TestCacheClosedTwiceHarmsNoOther(t *testing.T) {
	a := open(t)
	first := a.NewCache()
	first.Close()
	second := a.NewCache()
	first.Close()
	p := second.Allocate(128)
	require.NotNil(t, p)
	second.Deallocate(p, 128)
	second.Close()
}

// With a limit reached and very many caches, what one of them published is still
// to be found before Allocate says that there is nothing.
func TestLastFramesAreFoundAmongManyCaches(t *testing.T) {
	a := open(t, arena.WithMaxBytes(slab.Size))
	var caches [50]*arena.Cache
	for i := range caches {
		caches[i] = a.NewCache()
	}
	size := 64<<10 - guard
	frames := exhaust(t, caches[0], size, 32)
	require.Len(t, frames, 32)
	for i, c := range caches[1:] {
		c.Deallocate(frames[0], size)
		c.Publish()
		frames[0] = caches[0].Allocate(size)
		require.NotNil(t, frames[0], "the frame that cache %d published", i+1)
	}
	freeAll(caches[0], frames, size)
}

// A size that nobody can have must not, for the moment that it is asked for, use
// up what others ask for.
func TestAbsurdSizesDisturbNobody(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	a := open(t)
	var done atomic.Bool
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for !done.Load() {
				if a.Allocate(^uintptr(0)-slab.PageSize()) != nil {
					t.Error("a frame as large as the address space")
				}
			}
		})
	}
	refused := 0
	for range rounds(50_000) {
		if p := a.Allocate(100_000); p != nil {
			a.Deallocate(p, 100_000)
		} else {
			refused++
		}
	}
	done.Store(true)
	asking.Wait()
	require.Zero(t, refused)
}

// Closing the cache after its arena, which is allowed, is closing it.
func TestCacheClosedAfterItsArenaCanBeReopened(t *testing.T) {
	a := newArena(t)
	var c arena.Cache
	a.OpenCache(&c)
	require.NoError(t, a.Close())
	c.Close()
	b := open(t)
	require.NotPanics(t, func() { b.OpenCache(&c) })
	c.Close()
}

// A cache that was never opened says so.
func TestZeroCachePanicsClearly(t *testing.T) {
	var c arena.Cache
	require.Contains(t, panicOf(func() { c.Allocate(128) }), "arena: Allocate")
	require.Contains(t, panicOf(func() { c.Deallocate(unsafe.Pointer(new([128]byte)), 128) }), "arena: Deallocate")
}

// Deallocate of nil is either nothing or a clear panic, and breaks no list.
func TestDeallocateOfNil(t *testing.T) {
	c := open(t).NewCache()
	defer c.Close()
	if says := panicOf(func() { c.Deallocate(nil, 128) }); says != "" {
		require.Contains(t, says, "arena: Deallocate")
	}
	var p unsafe.Pointer
	require.NotPanics(t, func() { p = c.Allocate(128) })
	require.NotNil(t, p)
	c.Deallocate(p, 128)
}
