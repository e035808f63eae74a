package arena_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

func TestFrameFreedLastIsReusedFirst(t *testing.T) {
	for n := uintptr(128) - guard; !isLarge(n); n = 2*classSize(n) - guard {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := open(t, arena.WithoutQuarantine()).NewCache()
			defer c.Close()
			first, second := c.Allocate(n), c.Allocate(n)
			require.NotEqual(t, first, second)
			c.Deallocate(first, n)
			c.Deallocate(second, n)
			require.Equal(t, second, c.Allocate(n))
			require.Equal(t, first, c.Allocate(n))
			c.Deallocate(first, n)
			require.Equal(t, first, c.Allocate(n))
			c.Deallocate(first, n)
			c.Deallocate(second, n)
		})
	}
}

func TestFreedFramesAreReusedBeforeNewOnesAreCarved(t *testing.T) {
	// With one P there is one local cache, however often the test moves.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		const frames = 2000 // many batches
		for _, size := range []uintptr{128, 1024, 4096} {
			k := classIndex(size)
			var all []unsafe.Pointer
			for range frames {
				all = append(all, f.Allocate(size))
			}
			carved := a.Stats().Classes[k].Carved
			require.GreaterOrEqual(t, carved, uint64(frames))
			for range 10 {
				rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				for _, p := range all {
					f.Deallocate(p, size)
				}
				for i := range all {
					all[i] = f.Allocate(size)
				}
				slices.SortFunc(all, func(p, q unsafe.Pointer) int { return cmp.Compare(uintptr(p), uintptr(q)) })
				require.Equal(t, frames, len(slices.Compact(all)), "no frame is handed out twice")
			}
			require.Equal(t, carved, a.Stats().Classes[k].Carved)
			for _, p := range all {
				f.Deallocate(p, size)
			}
		}
	}, arena.WithoutQuarantine())
}

// The arena and two of its caches against a model that knows all live frames.
func TestLiveFramesNeverOverlap(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			a := open(t)
			first, second := a.NewCache(), a.NewCache()
			defer first.Close()
			defer second.Close()
			ways := []arena.FrameAllocator{a, first, second}
			var live []frame
			var counts [bins.Classes]int
			free := func(i int) {
				f := live[i]
				require.NoError(t, f.check())
				if !isLarge(f.size) {
					counts[classIndex(f.size)]--
				}
				ways[random.IntN(len(ways))].Deallocate(f.p, f.size)
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
			}
			steps := rounds(20_000)
			target := 0 // of live frames; it changes, so that lists fill and run dry
			for step := range steps {
				if step%500 == 0 {
					target = random.IntN(600)
					requireAccounts(t, a, counts)
					requireApart(t, live)
				}
				if random.IntN(2*target+1) < len(live) { // as likely as not when target is met
					free(random.IntN(len(live)))
					continue
				}
				// All classes are about as likely, and one in twenty is large.
				size := random.UintN(128 << random.UintN(bins.Classes))
				if random.IntN(20) == 0 {
					size = 64<<10 + random.UintN(200<<10)
				}
				f := frame{ways[random.IntN(len(ways))].Allocate(uintptr(size)), uintptr(size), random.Uint64()}
				require.NotNil(t, f.p)
				f.fill()
				live = append(live, f)
				if !isLarge(f.size) {
					counts[classIndex(f.size)]++
				}
			}
			for len(live) > 0 {
				free(len(live) - 1)
			}
			requireAccounts(t, a, counts)
		})
	}
}

// requireApart fails the test if frames, rounded up to their classes, overlap.
func requireApart(t *testing.T, frames []frame) {
	t.Helper()
	sorted := slices.SortedFunc(slices.Values(frames), func(f, g frame) int { return cmp.Compare(uintptr(f.p), uintptr(g.p)) })
	for i, f := range sorted {
		end := uintptr(f.p) + max(f.size, 1)
		if !isLarge(f.size) {
			end = uintptr(f.p) + classSize(f.size)
		}
		if i+1 < len(sorted) {
			require.LessOrEqual(t, end, uintptr(sorted[i+1].p), "%v overlaps %v", f, sorted[i+1])
		}
	}
}

// One goroutine allocates all frames, another frees them all. What the second
// frees must come back to the first, or memory would grow for ever.
func TestFramesFreedElsewhereComeBack(t *testing.T) {
	frames := 10_000_000
	if testing.Short() || race.Enabled {
		frames = 200_000
	}
	circulate := func(t *testing.T, a *arena.Arena, producer, consumer arena.FrameAllocator) {
		const size = 128
		r := newRing()
		var consuming sync.WaitGroup
		consuming.Go(func() {
			in := r.receiver()
			bad := 0
			for i := range frames {
				p := in.receive()
				if *(*uint64)(p) != uint64(i) {
					bad++
				}
				consumer.Deallocate(p, size)
			}
			if bad != 0 {
				t.Errorf("%d frames were overwritten on their way", bad)
			}
		})
		out := r.sender()
		for i := range frames {
			p := producer.Allocate(size)
			*(*uint64)(p) = uint64(i)
			out.send(p)
		}
		out.flush()
		consuming.Wait()
		// In the ring, in private lists, and some batches that were under way.
		bound := ringSlots + 256*runtime.GOMAXPROCS(0) + 2048
		require.Less(t, a.Stats().Total.Carved, uint64(bound))
		requireAccounts(t, a, [bins.Classes]int{})
	}
	t.Run("arena", func(t *testing.T) {
		a := open(t, arena.WithoutQuarantine())
		circulate(t, a, a, a)
	})
	t.Run("caches", func(t *testing.T) {
		a := open(t, arena.WithoutQuarantine())
		producer, consumer := a.NewCache(), a.NewCache()
		circulate(t, a, producer, consumer)
		producer.Close()
		consumer.Close()
	})
}
