package arena_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// exhaust allocates frames until there are none, at most limit of them.
func exhaust(t *testing.T, f arena.FrameAllocator, size uintptr, limit int) []unsafe.Pointer {
	t.Helper()
	var all []unsafe.Pointer
	for p := f.Allocate(size); p != nil; p = f.Allocate(size) {
		all = append(all, p)
		require.LessOrEqual(t, len(all), limit)
	}
	return all
}

func freeAll(f arena.FrameAllocator, all []unsafe.Pointer, size uintptr) {
	for _, p := range all {
		f.Deallocate(p, size)
	}
}

func TestExactlySoManyFramesFit(t *testing.T) {
	// With one P there is one local cache, and no frame waits in another.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, limit := range []uintptr{slab.Size, slab.Size + 1, 2*slab.Size - 1, 3 * slab.Size} {
		for _, size := range []uintptr{128, 1 << 10, 1<<10 + 1, 32 << 10, 64<<10 - guard} {
			bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
				fit := int(limit / slab.Size * slab.Size / classSize(size))
				all := exhaust(t, f, size, fit)
				require.Equal(t, fit, len(all))
				require.EqualValues(t, 1, a.Stats().Refusals)
				require.Equal(t, limit/slab.Size*slab.Size, a.Stats().MappedBytes)
				for i := range uint64(10) {
					require.Nil(t, f.Allocate(size))
					require.Equal(t, 2+i, a.Stats().Refusals)
				}
				freeAll(f, all[:fit/2], size)
				again := exhaust(t, f, size, fit/2)
				require.Equal(t, fit/2, len(again), "frames freed are frames to be had")
				freeAll(f, all[fit/2:], size)
				freeAll(f, again, size)
				require.Zero(t, a.Stats().Total.Live)
			}, arena.WithMaxBytes(limit))
		}
	}
}

func TestSizesOverTheLimit(t *testing.T) {
	const limit = 2*slab.Size + 100_000
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		for i, size := range []uintptr{limit, limit + 1, 1 << 30, ^uintptr(0) >> 1, ^uintptr(0)} {
			require.Nil(t, f.Allocate(size))
			require.EqualValues(t, i+1, a.Stats().Refusals)
		}
		require.Zero(t, a.Stats().MappedBytes)
		most := limit / slab.PageSize() * slab.PageSize()
		p := f.Allocate(most - guard)
		require.NotNil(t, p, "all that whole pages allow")
		require.Equal(t, most, a.Stats().MappedBytes)
		f.Deallocate(p, most-guard)
		require.Zero(t, a.Stats().MappedBytes)
	}, arena.WithMaxBytes(limit))
}

func TestLargeAndSmallFramesCompete(t *testing.T) {
	a := open(t, arena.WithMaxBytes(3*slab.Size))
	c := a.NewCache()
	defer c.Close()
	large := c.Allocate(2*slab.Size - 10_000)
	require.NotNil(t, large)
	small := exhaust(t, c, 4096-guard, slab.Size/4096)
	require.Equal(t, slab.Size/4096, len(small), "one slab is left")
	require.Nil(t, c.Allocate(128), "no slab for another class")
	require.Nil(t, c.Allocate(64<<10+1), "no pages for another large frame")
	require.EqualValues(t, 3, a.Stats().Refusals)
	require.LessOrEqual(t, a.Stats().MappedBytes, uintptr(3*slab.Size))

	c.Deallocate(large, 2*slab.Size-10_000)
	p := c.Allocate(128)
	require.NotNil(t, p, "now there is a slab for it")
	require.Nil(t, c.Allocate(2*slab.Size-10_000), "and no room for the large frame")
	q := c.Allocate(slab.Size - guard)
	require.NotNil(t, q)
	require.Equal(t, uintptr(3*slab.Size), a.Stats().MappedBytes)
	c.Deallocate(p, 128)
	c.Deallocate(q, slab.Size-guard)
	freeAll(c, small, 4096-guard)
}

func TestGoroutinesNeverExceedTheLimitTogether(t *testing.T) {
	const (
		limit      = 4 * slab.Size
		goroutines = 8
	)
	a := open(t, arena.WithMaxBytes(limit))
	var stop atomic.Bool
	var watching, all sync.WaitGroup
	watching.Go(func() {
		for !stop.Load() {
			if s := a.Stats(); s.MappedBytes > limit {
				t.Errorf("%d bytes are mapped", s.MappedBytes)
				return
			}
			runtime.Gosched()
		}
	})
	for g := range goroutines {
		all.Go(func() {
			var f arena.FrameAllocator = a
			if g%2 == 0 {
				c := a.NewCache()
				defer c.Close()
				f = c
			}
			size := uintptr(16 << 10)
			if g == 0 {
				size = 300_000
			}
			for round := range rounds(20) {
				var mine []frame
				for {
					fr := frame{f.Allocate(size), size, uint64(g*1000 + round)}
					if fr.p == nil {
						break
					}
					fr.fill()
					mine = append(mine, fr)
					if uintptr(len(mine)) > limit/size {
						t.Error("more frames than fit")
						return
					}
				}
				runtime.Gosched()
				for _, fr := range mine {
					if err := fr.check(); err != nil {
						t.Error(err)
					}
					f.Deallocate(fr.p, size)
				}
			}
		})
	}
	all.Wait()
	stop.Store(true)
	watching.Wait()
	require.NotZero(t, a.Stats().Refusals)
	requireAccounts(t, a, [bins.Classes]int{})
}

func TestSystemRefuses(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var refusing bool
	refuse := func(uintptr) error {
		if refusing {
			return errors.New("no memory today")
		}
		return nil
	}
	size := 64<<10 - guard
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		refusing = true
		require.Nil(t, f.Allocate(128), "no first region")
		require.Nil(t, f.Allocate(100_000))
		s := a.Stats()
		require.EqualValues(t, 2, s.Refusals)
		require.Zero(t, s.MappedBytes)
		require.Zero(t, s.Total.Slabs)

		refusing = false
		first := frame{f.Allocate(size), size, 1}
		large := frame{f.Allocate(100_000), 100_000, 2}
		require.NotNil(t, first.p)
		require.NotNil(t, large.p)
		first.fill()
		large.fill()

		refusing = true
		// The region that there is still has slabs; then there is nothing.
		all := exhaust(t, f, size, 1<<20)
		require.NotZero(t, len(all))
		require.Nil(t, f.Allocate(200), "no slab for another class either")
		require.Nil(t, f.Allocate(70_000))
		require.EqualValues(t, 5, a.Stats().Refusals)
		require.NoError(t, first.check())
		require.NoError(t, large.check())
		freeAll(f, all, size)
		require.Equal(t, len(all), len(exhaust(t, f, size, len(all))), "what was freed can be had again")

		refusing = false
		p := f.Allocate(200)
		require.NotNil(t, p, "the system has memory again")
		f.Deallocate(p, 200)
		f.Deallocate(first.p, first.size)
		f.Deallocate(large.p, large.size)
		freeAll(f, all, size)
		require.Zero(t, a.Stats().Total.Live)
	}, arena.WithRefusal(refuse))
}

// A request that can never be served must not take from the budget, not even for a moment:
// others would be refused.
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
