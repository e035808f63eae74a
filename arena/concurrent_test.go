package arena_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

// rounds is n, or less of it where a test is slow or in a hurry.
func rounds(n int) int {
	if testing.Short() || race.Enabled {
		return n / 10
	}
	return n
}

// load allocates and frees at random through f. What it does not free it leaves in
// the returned frames.
func load(t *testing.T, f arena.FrameAllocator, seed uint64, steps int) []frame {
	random := rand.New(rand.NewPCG(seed, 1))
	var live []frame
	for range steps {
		if len(live) > 0 && random.IntN(400) < 100+len(live) {
			i := random.IntN(len(live))
			if err := live[i].check(); err != nil {
				t.Error(err)
				return live
			}
			f.Deallocate(live[i].p, live[i].size)
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
			continue
		}
		size := uintptr(random.UintN(128<<random.UintN(6)) + 1) // up to 4 KiB
		if random.IntN(100) == 0 {
			size = uintptr(random.UintN(64<<10) + 1)
		}
		fr := frame{f.Allocate(size), size, random.Uint64()}
		if fr.p == nil {
			t.Error("no frame")
			return live
		}
		fr.fill()
		live = append(live, fr)
	}
	return live
}

func TestAccountsAddUpAfterARandomLoad(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		t.Run(fmt.Sprint("GOMAXPROCS ", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			a := open(t)
			const goroutines = 8
			var left [goroutines][]frame
			var caches [goroutines]*arena.Cache
			var all sync.WaitGroup
			for g := range goroutines {
				all.Go(func() {
					var f arena.FrameAllocator = a
					if g%2 == 0 {
						caches[g] = a.NewCache()
						f = caches[g]
					}
					left[g] = load(t, f, uint64(g), rounds(20_000))
				})
			}
			all.Wait()
			var live [bins.Classes]int
			for g, frames := range left {
				for _, f := range frames {
					if !isLarge(f.size) {
						live[classIndex(f.size)]++
					}
				}
				if g%4 == 0 {
					caches[g].Close()
				}
			}
			requireAccounts(t, a, live)

			// What one left behind another frees.
			for g := range goroutines {
				all.Go(func() {
					for _, f := range left[(g+1)%goroutines] {
						if err := f.check(); err != nil {
							t.Error(err)
						}
						a.Deallocate(f.p, f.size)
					}
				})
			}
			all.Wait()
			requireAccounts(t, a, [bins.Classes]int{})
		})
	}
}

func TestGOMAXPROCSChangesUnderLoad(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	a := open(t)
	var done atomic.Bool
	var all, changing sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for _, f := range load(t, a, uint64(g), rounds(50_000)) {
				a.Deallocate(f.p, f.size)
			}
		})
	}
	changing.Go(func() {
		for i := 0; !done.Load(); i++ {
			runtime.GOMAXPROCS([]int{1, 2, 4, 8, 3}[i%5])
			for range 20 {
				runtime.Gosched()
			}
		}
	})
	all.Wait()
	done.Store(true)
	changing.Wait()
	requireAccounts(t, a, [bins.Classes]int{})
}

// Frames go from goroutine to goroutine; each blocks at every step, so that it
// comes back on whatever P is free.
func TestGoroutinesThatBlockAndMigrate(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	a := open(t)
	const goroutines = 8
	var in [goroutines]chan frame
	for g := range in {
		in[g] = make(chan frame)
	}
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			if g%4 == 0 { // its P changes with its thread
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			next := in[(g+1)%goroutines]
			for i := range rounds(2_000) {
				size := uintptr(100 << (i % 5))
				f := frame{a.Allocate(size), size, uint64(g*i + 1)}
				if f.p == nil {
					t.Error("no frame")
					return
				}
				f.fill()
				got := f
				// Everyone sends and receives once a round, in either order.
				if g%2 == 0 {
					next <- f
					got = <-in[g]
				} else {
					got = <-in[g]
					next <- f
				}
				if err := got.check(); err != nil {
					t.Error(err)
				}
				a.Deallocate(got.p, got.size)
			}
		})
	}
	all.Wait()
	requireAccounts(t, a, [bins.Classes]int{})
}

// Stats may be asked for at any time. Its figures are then those of a moment ago,
// but never absurd.
func TestStatsUnderLoad(t *testing.T) {
	a := open(t)
	var done atomic.Bool
	var all, asking sync.WaitGroup
	asking.Go(func() {
		for !done.Load() {
			for _, c := range a.Stats().Classes {
				if c.Live > c.Carved {
					t.Errorf("%d of %d frames of %d bytes are live", c.Live, c.Carved, c.Size)
					return
				}
			}
			runtime.Gosched()
		}
	})
	for g := range 4 {
		all.Go(func() {
			c := a.NewCache()
			defer c.Close()
			for _, f := range load(t, c, uint64(g), rounds(20_000)) {
				a.Deallocate(f.p, f.size)
			}
		})
	}
	all.Wait()
	done.Store(true)
	asking.Wait()
	requireAccounts(t, a, [bins.Classes]int{})
}

func TestStatsFollowOneFrame(t *testing.T) {
	const size = 100
	a := open(t, arena.WithoutQuarantine())
	require.Zero(t, a.Stats().Total)
	c := a.NewCache()
	defer c.Close()
	p := c.Allocate(size)
	s := a.Stats()
	require.EqualValues(t, bins.Class(0).BatchLen(), s.Total.Carved)
	require.EqualValues(t, 1, s.Total.Live)
	require.Equal(t, s.Total.Carved-1, s.Total.Private)
	require.Zero(t, s.Total.Public)
	require.NotZero(t, s.ReservedBytes)
	c.Deallocate(p, size)
	require.Equal(t, s.Total.Carved, a.Stats().Total.Private)
	c.Publish()
	requireAllPublic(t, a)
	require.Equal(t, s.Total.Carved, a.Stats().Total.Carved)
}
