package arena_test

import (
	"runtime"
	"sync"
	"testing"

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
