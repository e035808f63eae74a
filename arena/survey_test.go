package arena_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// requireMap compares a map of a, which is at rest, with its figures and with the
// frames that are known to be live.
func requireMap(t *testing.T, a *arena.Arena, live map[unsafe.Pointer]uintptr) {
	t.Helper()
	stats := a.Stats()
	var sums [bins.Classes]arena.ClassStats
	found := 0
	var before arena.SlabInfo
	for s := range a.Slabs() {
		require.True(t, before.FrameSize < s.FrameSize || before.FrameSize == s.FrameSize && before.Address < s.Address, "they are in order")
		before = s
		require.Zero(t, s.Address%slab.Size)
		require.EqualValues(t, slab.Size, uintptr(s.Capacity)*s.FrameSize)
		require.Equal(t, s.SlabPart, s.Part(0, s.Capacity))
		require.Equal(t, arena.SlabPart{}, s.Part(s.Carved, s.Capacity))

		c := &sums[bins.ClassOf(s.FrameSize)]
		c.Size = s.FrameSize
		c.Slabs++
		c.Carved += uint64(s.Carved)
		c.Live += uint64(s.Live)
		c.Cold += uint64(s.Cold)

		lives := make([]bool, s.Capacity)
		for p := range live {
			if i := (uintptr(p) - s.Address) / s.FrameSize; uintptr(p) >= s.Address && i < uintptr(s.Capacity) {
				lives[i] = true
				found++
			}
		}
		for i, is := range lives {
			part := s.Part(i, i+1)
			require.Equal(t, is, part.Live == 1, "frame %d of %d bytes", i, s.FrameSize)
			require.LessOrEqual(t, part.Cold+part.Live, part.Carved)
		}
		for _, parts := range []int{3, 64, 100} { // not all of one length
			var sum arena.SlabPart
			for i := range parts {
				p := s.Part(i*s.Capacity/parts, (i+1)*s.Capacity/parts)
				sum.Carved += p.Carved
				sum.Live += p.Live
				sum.Cold += p.Cold
			}
			require.Equal(t, s.SlabPart, sum)
		}
	}
	for k, c := range stats.Classes {
		c.Private, c.Public = 0, 0
		if c.Slabs == 0 {
			c.Size = 0
		}
		require.Equal(t, c, sums[k])
	}
	for _, size := range live {
		if isLarge(size) {
			found++
		}
	}
	require.Equal(t, len(live), found)
}

func TestSlabsAtRest(t *testing.T) {
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		requireMap(t, a, nil)
		random := rand.New(rand.NewPCG(7, 7))
		live := make(map[unsafe.Pointer]uintptr)
		var order []unsafe.Pointer
		free := func(i int) {
			p := order[i]
			f.Deallocate(p, live[p])
			delete(live, p)
			order[i] = order[len(order)-1]
			order = order[:len(order)-1]
		}
		for range 6 {
			for range 500 {
				size := uintptr(1) << random.IntN(18)
				p := f.Allocate(size)
				require.NotNil(t, p)
				live[p] = size
				order = append(order, p)
			}
			for range random.IntN(len(order)) {
				free(random.IntN(len(order)))
			}
			requireMap(t, a, live)
		}
		a.Trim(0)
		requireMap(t, a, live)
		for len(order) > 0 {
			free(len(order) - 1)
		}
		requireMap(t, a, nil)
	})
}

// More than one slab of a class, some of its frames without memory, in lists of
// several caches.
func TestSlabsShowWhatIsCold(t *testing.T) {
	a := open(t)
	c, other := a.NewCache(), a.NewCache()
	size := uintptr(1024) - guard
	frames := allocateMany(t, c, size, 5*slab.Size/1024/2)
	live := make(map[unsafe.Pointer]uintptr)
	for i, p := range frames {
		switch {
		case i%100 == 0:
			live[p] = size
		case i%3 == 0:
			other.Deallocate(p, size)
		default:
			c.Deallocate(p, size)
		}
	}
	requireMap(t, a, live)
	other.Publish()
	a.Trim(slab.Size)
	if !slab.FromHeap && !isChecked {
		require.NotZero(t, a.Stats().Total.Cold)
	}
	requireMap(t, a, live)
	for p, size := range live {
		a.Deallocate(p, size)
	}
	c.Close()
	other.Close()
	requireMap(t, a, nil)
}

func TestSlabsOfACheckedArena(t *testing.T) {
	a := open(t, arena.WithChecks(0))
	live := make(map[unsafe.Pointer]uintptr)
	for i := range 3000 {
		p := a.Allocate(200)
		if i%3 == 0 {
			a.Deallocate(p, 200) // to the quarantine
		} else {
			live[p] = 200
		}
	}
	requireMap(t, a, live)
	for p := range live {
		a.Deallocate(p, 200)
	}
	requireMap(t, a, nil)
}

func TestSlabsOfAClosedArena(t *testing.T) {
	a := newArena(t)
	a.Deallocate(a.Allocate(100), 100)
	require.Len(t, slices.Collect(a.Slabs()), 1)
	slabs := a.Slabs()
	require.NoError(t, a.Close())
	require.Empty(t, slices.Collect(slabs))
	require.Empty(t, slices.Collect(a.Slabs()))
}

// The body may use the arena as it likes, and end the loop.
func TestSlabsHoldsNoLock(t *testing.T) {
	a := open(t)
	p, q := a.Allocate(100), a.Allocate(1000)
	bodies := 0
	for s := range a.Slabs() {
		bodies++
		a.Deallocate(p, 100)
		a.Deallocate(q, 1000)
		a.Trim(0)
		for range a.Slabs() {
			bodies++
		}
		require.Equal(t, 1, s.Live, "it is a copy")
		require.Equal(t, 1, s.Part(0, s.Capacity).Live)
		break
	}
	require.GreaterOrEqual(t, bodies, 1)
}

func TestPartOfWhatIsNoSlab(t *testing.T) {
	a := open(t)
	a.Deallocate(a.Allocate(100), 100)
	for s := range a.Slabs() {
		require.Zero(t, s.Part(7, 7))
		require.Zero(t, s.Part(s.Capacity, s.Capacity))
		for _, part := range [][2]int{{-1, 3}, {3, 2}, {0, s.Capacity + 1}, {s.Capacity + 1, s.Capacity + 1}} {
			require.Panics(t, func() { s.Part(part[0], part[1]) }, "%v", part)
		}
	}
}

// A survey takes no frames: a goroutine that allocates meanwhile finds the frames that it
// freed, and the arena does not grow.
func TestSlabsLeavesFramesWhereTheyAre(t *testing.T) {
	a := open(t, arena.WithoutQuarantine())
	c := a.NewCache()
	const n = 2000
	use := func() { freeAll(c, allocateMany(t, c, 100, n), 100) }
	use()
	carved := a.Stats().Total.Carved
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for s := range a.Slabs() {
				if s.Live > s.Carved {
					t.Errorf("%d of %d frames are live", s.Live, s.Carved)
				}
			}
		}
	})
	for range 200 {
		use()
	}
	close(stop)
	looking.Wait()
	require.Equal(t, carved, a.Stats().Total.Carved)
	c.Close()
}

// Frames that stay live are live in every map, whatever happens around them.
func TestSlabsUnderLoad(t *testing.T) {
	a := open(t)
	kept := make(map[uintptr]bool)
	sizes := []uintptr{100, 300, 5000}
	var frames [][]unsafe.Pointer
	for _, size := range sizes {
		all := allocateMany(t, a, size, 300)
		for i, p := range all {
			if i%2 == 0 {
				a.Deallocate(p, size)
			} else {
				kept[uintptr(p)] = true
				frames = append(frames, []unsafe.Pointer{p})
			}
		}
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			var f arena.FrameAllocator = a
			if g%2 == 0 {
				c := a.NewCache()
				defer c.Close()
				f = c
			}
			random := rand.New(rand.NewPCG(3, uint64(g)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				size := sizes[random.IntN(len(sizes))]
				freeAll(f, allocateMany(t, f, size, random.IntN(400)), size)
				if random.IntN(50) == 0 {
					a.Trim(slab.Size)
				}
			}
		})
	}
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for range rounds {
		met := 0
		for s := range a.Slabs() {
			require.LessOrEqual(t, s.Live+s.Cold, s.Carved)
			require.LessOrEqual(t, s.Carved, s.Capacity)
			for i := range s.Carved {
				if kept[s.Address+uintptr(i)*s.FrameSize] {
					met++
					require.Equal(t, 1, s.Part(i, i+1).Live, "frame %d of %d bytes", i, s.FrameSize)
				}
			}
		}
		require.Equal(t, len(kept), met)
	}
	close(stop)
	all.Wait()
	require.NoError(t, a.Validate())
	for i, p := range frames {
		a.Deallocate(p[0], sizes[i*len(sizes)/len(frames)])
	}
	requireMap(t, a, nil)
}

func ExampleArena_Slabs() {
	a, err := arena.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	frames := []unsafe.Pointer{a.Allocate(100), a.Allocate(100), a.Allocate(3000)}
	a.Deallocate(frames[1], 100)
	for s := range a.Slabs() {
		fmt.Printf("%d live frames of %d bytes, room for %d\n", s.Live, s.FrameSize, s.Capacity)
	}
	a.Deallocate(frames[0], 100)
	a.Deallocate(frames[2], 3000)
	fmt.Println(a.Close())
	// Output:
	// 1 live frames of 128 bytes, room for 16384
	// 1 live frames of 4096 bytes, room for 512
	// <nil>
}
