package arena_test

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

const closedCache = " on a closed Cache: open it first, and do not use it after Close"

func TestClosedCacheLeavesItsFramesToOthers(t *testing.T) {
	a := open(t, arena.WithoutQuarantine())
	const frames = 500
	carved := uint64(0)
	for round := range 200 {
		c := a.NewCache()
		var all [frames]unsafe.Pointer
		for i := range all {
			all[i] = c.Allocate(128)
		}
		for _, p := range all {
			c.Deallocate(p, 128)
		}
		c.Close()
		requireAllPublic(t, a) // a closed cache holds nothing
		s := a.Stats()
		if round == 0 {
			carved = s.Total.Carved
		}
		require.Equal(t, carved, s.Total.Carved, "frames carved, after %d caches", round+1)
	}
}

func TestClosedCacheLeavesEveryClass(t *testing.T) {
	a := open(t, arena.WithoutQuarantine())
	first := a.NewCache()
	for n := uintptr(128) - guard; !isLarge(n); n = 2*classSize(n) - guard {
		first.Deallocate(first.Allocate(n), n)
	}
	carved := a.Stats().Total.Carved
	first.Close()
	second := a.NewCache()
	defer second.Close()
	for n := uintptr(128) - guard; !isLarge(n); n = 2*classSize(n) - guard {
		second.Deallocate(second.Allocate(n), n)
	}
	require.Equal(t, carved, a.Stats().Total.Carved)
}

func TestManyCachesOpenAndCloseAtOnce(t *testing.T) {
	a := open(t)
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range rounds {
				c := a.NewCache()
				var frames [200]frame
				for i := range frames {
					frames[i] = frame{c.Allocate(256), 256, uint64(i)}
					frames[i].fill()
				}
				for _, f := range frames {
					if err := f.check(); err != nil {
						t.Error(err)
						return
					}
					c.Deallocate(f.p, f.size)
				}
				c.Close()
			}
		})
	}
	all.Wait()
	requireAccounts(t, a, [bins.Classes]int{})
	// Each goroutine has 200 frames. More were carved while frames were on their way from
	// one cache to another.
	require.Less(t, a.Stats().Total.Carved, uint64(8*200*4))
}

func TestPublishGivesAllFramesToOthers(t *testing.T) {
	a := open(t, arena.WithoutQuarantine())
	first, second := a.NewCache(), a.NewCache()
	defer first.Close()
	defer second.Close()
	var all [100]unsafe.Pointer
	for i := range all {
		all[i] = first.Allocate(512)
	}
	for _, p := range all {
		first.Deallocate(p, 512)
	}
	first.Publish()
	requireAllPublic(t, a)
	s := a.Stats()
	for i := range all {
		all[i] = second.Allocate(512)
	}
	require.Equal(t, s.Total.Carved, a.Stats().Total.Carved)
	for _, p := range all {
		second.Deallocate(p, 512)
	}
	first.Publish() // of nothing
	second.Publish()
	requireAllPublic(t, a)
}

func TestCacheUsedAfterClose(t *testing.T) {
	a := open(t)
	var embedded struct {
		_     int
		cache arena.Cache
	}
	a.OpenCache(&embedded.cache)
	for _, c := range []*arena.Cache{a.NewCache(), &embedded.cache} {
		p, large := c.Allocate(128), c.Allocate(100_000)
		c.Close()
		for _, size := range []uintptr{0, 128, 64 << 10, 100_000} {
			require.PanicsWithValue(t, "arena: Allocate"+closedCache, func() { c.Allocate(size) })
			require.PanicsWithValue(t, "arena: Deallocate"+closedCache, func() { c.Deallocate(p, size) })
		}
		require.PanicsWithValue(t, "arena: Publish"+closedCache, c.Publish)
		require.Nil(t, c.TryAllocateAt(arena.PlaceOf(0)))
		require.False(t, c.TryDeallocateAt(p, arena.PlaceOf(0)))
		c.Close() // again
		require.EqualValues(t, 1, a.Stats().Total.Live, "the misuse has freed and allocated nothing")
		a.Deallocate(p, 128)
		a.Deallocate(large, 100_000)
	}
}

func TestOpenCache(t *testing.T) {
	type worker struct {
		name  string
		cache arena.Cache
	}
	a := open(t)
	w := &worker{name: "w"}
	a.OpenCache(&w.cache)
	require.PanicsWithValue(t, "arena: OpenCache of a Cache that is open: close it first", func() { a.OpenCache(&w.cache) })
	p := w.cache.Allocate(128)
	require.NotNil(t, p)
	require.Equal(t, uint64(1), a.Stats().Total.Live)
	w.cache.Deallocate(p, 128)
	w.cache.Close()
	requireAllPublic(t, a)

	a.OpenCache(&w.cache) // reopened
	q := w.cache.Allocate(128)
	require.NotNil(t, q)
	w.cache.Deallocate(q, 128)
	w.cache.Close()

	b := open(t)
	b.OpenCache(&w.cache) // of another arena
	r := w.cache.Allocate(128)
	require.Equal(t, uint64(1), b.Stats().Total.Live)
	require.Zero(t, a.Stats().Total.Live)
	b.Deallocate(r, 128)
	w.cache.Close()
	require.Equal(t, "w", w.name)

	// NewCache must not hand out a cache that is part of something.
	require.NotSame(t, &w.cache, b.NewCache())
}

func TestZeroCacheCanBeClosed(t *testing.T) {
	var c arena.Cache
	c.Close()
	require.Nil(t, c.TryAllocateAt(arena.PlaceOf(0)))
}

// Closing a cache twice must not close a cache that was opened in between.
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
