//go:build !framecheck && !race

package arena_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// A refusal allocates nothing on the Go heap: a program that has no memory left can be
// refused any number of times.
func TestRefusalAllocatesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as AllocsPerRun does: no frame waits in another local cache
	refuses := false
	system := arena.WithRefusal(func(uintptr) error {
		if refuses {
			return syscall.ENOMEM
		}
		return nil
	})
	for _, c := range []struct {
		name string
		opts []arena.Option
	}{
		{"system", []arena.Option{system, arena.WithRegionBytes(slab.Size)}},
		{"system, large region", []arena.Option{system, arena.WithRegionBytes(2 * slab.Size)}},
		{"budget", []arena.Option{arena.WithMaxBytes(4 * slab.Size), arena.WithRegionBytes(slab.Size)}},
	} {
		for _, free := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, free frames of another class: %t", c.name, free), func(t *testing.T) {
				refuses = false
				bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
					defer func() { refuses = false }()
					p := f.Allocate(128)
					var others []frame
					for i := range uint64(1000) { // their slab is never free: a live frame is in it
						others = append(others, frame{f.Allocate(1024), 1024, i})
					}
					for i, o := range others {
						if free && i%7 != 0 {
							f.Deallocate(o.p, o.size)
						}
					}
					refuses = true
					small := exhaust(t, f, 128, 1<<20)
					large := exhaust(t, f, 60_000, 1<<20)
					for _, size := range []uintptr{0, 1, 128, 50_000, 64 << 10, 64<<10 + 1, 8 * slab.Size, 1 << 30, ^uintptr(0) >> 1, ^uintptr(0)} {
						refused := a.Stats().Refusals
						allocs := testing.AllocsPerRun(1000, func() {
							if f.Allocate(size) != nil {
								t.Errorf("a frame of %d bytes was not refused", size)
							}
						})
						require.Zero(t, allocs, "a request of %d bytes", size)
						// AllocsPerRun rounds down. The runtime itself allocates at times.
						var before, after runtime.MemStats
						runtime.ReadMemStats(&before)
						for range 1000 {
							f.Allocate(size)
						}
						runtime.ReadMemStats(&after)
						require.Less(t, after.Mallocs-before.Mallocs, uint64(20), "1000 requests of %d bytes", size)
						require.EqualValues(t, 2001, a.Stats().Refusals-refused)
					}
					freeAll(f, small, 128)
					freeAll(f, large, 60_000)
					f.Deallocate(p, 128)
					for i, o := range others {
						if !free || i%7 == 0 {
							f.Deallocate(o.p, o.size)
						}
					}
				}, c.opts...)
			})
		}
	}
}

// The same is true of the allocators that stand in front of another.
func TestRefusalOfOtherAllocatorsAllocatesNothing(t *testing.T) {
	const size = 1000
	none := arena.NewBounded(new(arena.Heap), 0)
	monotonic := arena.NewMonotonic(none, 0)
	trace := arena.NewTrace(none, discard{})
	for name, f := range map[string]arena.FrameAllocator{
		"Bounded":              none,
		"Bounded, passed on":   arena.NewBounded(none, 1<<20),
		"Counting":             arena.NewCounting(none),
		"Monotonic":            monotonic,
		"Trace":                trace,
		"Trace.Thread":         trace.Thread(),
		"Heap, over its limit": new(arena.Heap),
	} {
		for _, n := range []uintptr{size, 100_000, ^uintptr(0)} {
			if name == "Heap, over its limit" {
				n = max(n, 1<<30+1)
			}
			require.Zero(t, testing.AllocsPerRun(1000, func() {
				if f.Allocate(n) != nil {
					t.Errorf("%s: a frame of %d bytes was not refused", name, n)
				}
			}), "%s: a request of %d bytes", name, n)
		}
	}
}

// discard is a writer that keeps nothing.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
