package arena_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// class returns the arena's figures of the class of frames of size bytes.
func class(a *arena.Arena, size uintptr) arena.ClassStats {
	return a.Stats().Classes[bins.ClassOf(size)]
}

// allocateMany returns n frames of size bytes, each with its number written to it.
func allocateMany(t testing.TB, a arena.FrameAllocator, size uintptr, n int) []unsafe.Pointer {
	t.Helper()
	frames := make([]unsafe.Pointer, n)
	for i := range frames {
		frames[i] = a.Allocate(size)
		require.NotNil(t, frames[i])
		*(*int)(frames[i]) = i
	}
	return frames
}

func TestTrimReleasesSlabsForAnyClass(t *testing.T) {
	const slabs = 4
	a := newArena(t, arena.WithMaxBytes(slabs*slab.Size))
	c := a.NewCache()
	for _, size := range []uintptr{100, 1000, 30_000, 100} {
		// All the memory there is, for one class after the other: nothing would
		// be left for the next if slabs did not change class.
		var frames []unsafe.Pointer
		for p := c.Allocate(size); p != nil; p = c.Allocate(size) {
			frames = append(frames, p)
		}
		require.Equal(t, slabs, class(a, size).Slabs)
		require.EqualValues(t, len(frames), a.Stats().Total.Live)
		require.EqualValues(t, slabs*slab.Size/bins.ClassOf(size).Size(), len(frames))
		freeAll(c, frames, size)
		c.Publish()
		require.NoError(t, a.Validate())

		a.Trim(0)
		s := a.Stats()
		require.Zero(t, s.Total.Slabs)
		require.Zero(t, s.Total.Carved)
		require.Zero(t, s.MappedBytes)
		require.NoError(t, a.Validate())
	}
	c.Close()
	require.NoError(t, a.Close())
}

func TestRefusedRequestReleasesSlabsOfOtherClasses(t *testing.T) {
	a := newArena(t, arena.WithMaxBytes(3*slab.Size))
	for _, size := range []uintptr{200, 4000, 2 * slab.Size, 200, 60_000} {
		c := a.NewCache()
		var frames []unsafe.Pointer
		for p := c.Allocate(size); p != nil; p = c.Allocate(size) {
			frames = append(frames, p)
		}
		if size > bins.MaxSize {
			require.Len(t, frames, 1)
		} else {
			require.EqualValues(t, 3*slab.Size/bins.ClassOf(size).Size(), len(frames))
		}
		freeAll(c, frames, size)
		c.Close() // publishes
		require.NoError(t, a.Validate())
	}
	require.NoError(t, a.Close())
}

func TestTrimLeavesWhatIsLive(t *testing.T) {
	a := newArena(t)
	c := a.NewCache()
	const n = 3 * slab.Size / 256
	frames := allocateMany(t, c, 200, n)
	kept := make(map[int]unsafe.Pointer)
	for i, p := range frames {
		if i%1000 == 0 {
			kept[i] = p
		} else {
			c.Deallocate(p, 200)
		}
	}
	c.Publish()
	before := a.Stats()
	handedBack := a.Trim(0)
	after := a.Stats()
	require.NoError(t, a.Validate())
	require.EqualValues(t, len(kept), after.Total.Live)
	require.Equal(t, before.Total.Slabs, after.Total.Slabs, "a live frame keeps its slab")
	require.Equal(t, after.HandedBackBytes-before.HandedBackBytes, uint64(handedBack))
	if !slab.FromHeap && !isChecked {
		perPage := slab.PageSize() / 256
		require.GreaterOrEqual(t, after.Total.Cold, uint64(n-len(kept))-uint64(len(kept))*uint64(perPage))
		require.EqualValues(t, after.Total.Cold*256, handedBack)
		require.Zero(t, a.Trim(0), "nothing is given back twice")
	}
	// The cold frames are used again, and the live ones still have their contents.
	again := allocateMany(t, c, 200, n-len(kept))
	for i, p := range kept {
		require.Equal(t, i, *(*int)(p))
		c.Deallocate(p, 200)
	}
	if !isChecked { // the quarantine keeps some
		require.Equal(t, after.Total.Carved, a.Stats().Total.Carved)
		require.Zero(t, a.Stats().Total.Cold)
	}
	require.NoError(t, a.Validate())
	freeAll(c, again, 200)
	c.Close()
	require.NoError(t, a.Close())
}

func TestTrimKeepsWhatIsAskedFor(t *testing.T) {
	for _, size := range []uintptr{128 - 16, 4096 - 16, 65536 - 16} {
		a := newArena(t)
		c := a.NewCache()
		n := int(8 * slab.Size / bins.ClassOf(size).Size())
		freeAll(c, allocateMany(t, c, size, n), size)
		c.Publish()
		require.Zero(t, a.Trim(9*slab.Size))
		require.Equal(t, 8, a.Stats().Total.Slabs)
		a.Trim(3 * slab.Size)
		require.Equal(t, 3, a.Stats().Total.Slabs)
		require.NoError(t, a.Validate())
		a.Trim(0)
		require.Zero(t, a.Stats().Total.Slabs)
		c.Close()
		require.NoError(t, a.Close())
	}
}

func TestTrimSeesTheLocalCache(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one P, one local cache
	a := newArena(t)
	frames := allocateMany(t, a, 1000, 50)
	freeAll(a, frames, 1000)
	a.Trim(0)
	require.Zero(t, a.Stats().Total.Private)
	require.Zero(t, a.Stats().Total.Slabs)
	require.NoError(t, a.Close())
}

// A million frames of each of three classes, freed on other goroutines in random
// order.
func TestTrimAfterABurst(t *testing.T) {
	sizes := []uintptr{100, 200, 400}
	n := 1_000_000
	if testing.Short() || race.Enabled {
		n = 20_000
	}
	a := newArena(t)
	var all [][]unsafe.Pointer
	for _, size := range sizes {
		all = append(all, allocateMany(t, a, size, n))
	}
	full := residentBytes(t)
	s := a.Stats()
	require.EqualValues(t, 3*n, s.Total.Live)

	var others sync.WaitGroup
	const goroutines = 4
	for g := range goroutines {
		others.Go(func() {
			c := a.NewCache()
			defer c.Close()
			random := rand.New(rand.NewPCG(1, uint64(g)))
			for i, size := range sizes {
				part := all[i][g*n/goroutines : (g+1)*n/goroutines]
				random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
				freeAll(c, part, size)
			}
		})
	}
	others.Wait()
	require.Zero(t, a.Stats().Total.Live)
	handedBack := a.Trim(0)
	require.NoError(t, a.Validate())
	if !slab.FromHeap {
		used := uintptr(0)
		for _, c := range s.Classes {
			used += uintptr(c.Carved) * c.Size
		}
		require.GreaterOrEqual(t, handedBack, used*9/10)
		require.Less(t, residentBytes(t), full-int(used)*8/10)
	}

	// The slabs that were released serve any class.
	mapped := a.Stats().ReservedBytes
	frames := allocateMany(t, a, 4000, 2*n/16)
	require.Equal(t, mapped, a.Stats().ReservedBytes, "address space is used again")
	freeAll(a, frames, 4000)
	require.NoError(t, a.Close())
}

func TestBackgroundTrim(t *testing.T) {
	a := newArena(t, arena.WithBackgroundTrim(time.Millisecond, slab.Size))
	c := a.NewCache()
	freeAll(c, allocateMany(t, c, 1000, 5*slab.Size/1024), 1000)
	c.Publish()
	require.Eventually(t, func() bool { return a.Stats().Total.Slabs == 1 }, time.Minute, time.Millisecond)
	c.Close()
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
}

func TestTrimWhileOthersAllocate(t *testing.T) {
	a := newArena(t, arena.WithMaxBytes(64*slab.Size))
	rounds := 300
	if testing.Short() || race.Enabled {
		rounds = 40
	}
	var users sync.WaitGroup
	for g := range 6 {
		users.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(g)))
			var m arena.FrameAllocator = a
			if g%2 == 0 {
				c := a.NewCache()
				defer c.Close()
				m = c
			}
			for range rounds {
				size := uintptr(100) << random.IntN(7)
				frames := make([]unsafe.Pointer, 0, 300)
				for range cap(frames) {
					p := m.Allocate(size)
					if p == nil {
						t.Error("refused, though there is memory")
						return
					}
					*(*unsafe.Pointer)(p) = nil
					*(*int)(p) = g<<16 + len(frames)
					frames = append(frames, p)
				}
				for i, p := range frames {
					if *(*int)(p) != g<<16+i {
						t.Error("a live frame was changed")
						return
					}
					m.Deallocate(p, size)
				}
			}
		})
	}
	stop := make(chan struct{})
	var trimmer sync.WaitGroup
	trimmer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				a.Trim(0)
				runtime.Gosched()
			}
		}
	})
	users.Wait()
	close(stop)
	trimmer.Wait()
	require.NoError(t, a.Validate())
	require.Zero(t, a.Stats().Total.Live)
	require.NoError(t, a.Close())
}
