//go:build !framecheck

package arena_test

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

// In steady state nothing is allocated on the Go heap, nor any frame carved.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		for _, size := range []uintptr{0, 128, 1000, 4096, 64 << 10} {
			var frames [1000]unsafe.Pointer
			pair := func() { f.Deallocate(f.Allocate(size), size) }
			batch := func() {
				for i := range frames {
					frames[i] = f.Allocate(size)
				}
				for _, p := range frames {
					f.Deallocate(p, size)
				}
			}
			// AllocsPerRun has one P, whatever there was before: the P's cache must
			// have met the load there.
			testing.AllocsPerRun(3, batch)
			carved := a.Stats().Total.Carved
			allocs := testing.AllocsPerRun(100, pair)
			batchAllocs := testing.AllocsPerRun(20, batch)
			if !race.Enabled {
				require.Zero(t, allocs, "a pair of %d bytes", size)
				require.Zero(t, batchAllocs, "1000 frames of %d bytes", size)
			}
			require.Equal(t, carved, a.Stats().Total.Carved)
		}
	})
}

func TestPublishAndStatsAllocateNothing(t *testing.T) {
	a := open(t)
	c := a.NewCache()
	defer c.Close()
	run := func() {
		p := c.Allocate(128)
		c.Deallocate(p, 128)
		c.Publish()
		_ = a.Stats()
	}
	run()
	allocs := testing.AllocsPerRun(100, run)
	if !race.Enabled {
		require.Zero(t, allocs)
	}
}
