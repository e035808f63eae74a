package arena_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

const closedArena = " on a closed arena: close it after its last user, not before"

func newArena(t testing.TB, opts ...arena.Option) *arena.Arena {
	t.Helper()
	a, err := arena.New(opts...)
	require.NoError(t, err)
	return a
}

func TestCloseWithoutUse(t *testing.T) {
	a := newArena(t)
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
}

func TestCloseNamesTheLeak(t *testing.T) {
	a := newArena(t)
	c := a.NewCache()
	type leak struct {
		p    unsafe.Pointer
		size uintptr
	}
	var leaks []leak
	for size, n := range map[uintptr]int{100: 3, 1000: 1, 40_000: 2, 100_000: 2} {
		for i := range n {
			f := []arena.FrameAllocator{a, c}[i%2]
			leaks = append(leaks, leak{f.Allocate(size), size})
		}
	}
	freed := c.Allocate(512)
	c.Deallocate(freed, 512)

	before := a.Stats()
	err := a.Close()
	require.ErrorIs(t, err, arena.ErrLeak)
	large := before.LargeBytes
	says, places, _ := strings.Cut(err.Error(), "\n")
	require.Equal(t, "arena: frames are live: 3 of 128 bytes, 1 of 1024 bytes, 2 of 65536 bytes, 2 large, of "+itoa(large)+" bytes together", says)
	require.Equal(t, isChecked, strings.Contains(places, "allocated at:"))
	require.Equal(t, isChecked, places != "")
	require.Equal(t, before, a.Stats(), "nothing has changed")

	// The arena is still in use.
	p := a.Allocate(2000)
	require.NotNil(t, p)
	a.Deallocate(p, 2000)
	for i, l := range leaks {
		require.ErrorIs(t, a.Close(), arena.ErrLeak, "after %d frames were freed", i)
		(frame{l.p, l.size, 0}).fill()
		c.Deallocate(l.p, l.size)
	}
	require.NoError(t, a.Close())
	require.NoError(t, a.Close(), "closing again")

	s := a.Stats()
	require.Zero(t, s.ReservedBytes)
	require.Zero(t, s.LargeBytes)
}

func TestUseAfterClose(t *testing.T) {
	a := newArena(t)
	c, closed := a.NewCache(), a.NewCache()
	closed.Close()
	var embedded arena.Cache
	a.OpenCache(&embedded)
	// Some frames in every list, so that there is something to hand out wrongly.
	p := a.Allocate(128)
	a.Deallocate(p, 128)
	q := c.Allocate(128)
	c.Deallocate(q, 128)
	embedded.Deallocate(embedded.Allocate(128), 128)
	require.NoError(t, a.Close())

	for _, size := range []uintptr{0, 1, 128, 64 << 10, 100_000, ^uintptr(0)} {
		require.PanicsWithValue(t, "arena: Allocate"+closedArena, func() { a.Allocate(size) })
		require.PanicsWithValue(t, "arena: Deallocate"+closedArena, func() { a.Deallocate(p, size) })
		for _, cache := range []*arena.Cache{c, closed, &embedded} {
			require.PanicsWithValue(t, "arena: Allocate"+closedArena, func() { cache.Allocate(size) })
			require.PanicsWithValue(t, "arena: Deallocate"+closedArena, func() { cache.Deallocate(q, size) })
		}
	}
	require.PanicsWithValue(t, "arena: NewCache"+closedArena, func() { a.NewCache() })
	require.PanicsWithValue(t, "arena: OpenCache"+closedArena, func() { a.OpenCache(new(arena.Cache)) })
	require.PanicsWithValue(t, "arena: Publish"+closedArena, c.Publish)
	require.Nil(t, c.TryAllocateAt(arena.PlaceOf(0)))
	require.False(t, c.TryDeallocateAt(q, arena.PlaceOf(0)))
	c.Close() // late, but harmless
	require.NotPanics(t, func() { a.Stats() })
}

func TestCloseOfAnArenaThatWasNeverAllocatedFrom(t *testing.T) {
	a := newArena(t)
	c := a.NewCache()
	require.NoError(t, a.Close())
	require.PanicsWithValue(t, "arena: Allocate"+closedArena, func() { a.Allocate(1) })
	require.PanicsWithValue(t, "arena: Allocate"+closedArena, func() { c.Allocate(1) })
}

func TestStatsOfAClosedArena(t *testing.T) {
	a := newArena(t)
	for _, size := range []uintptr{100, 100_000} {
		a.Deallocate(a.Allocate(size), size)
	}
	require.Nil(t, a.Allocate(^uintptr(0)))
	require.NoError(t, a.Close())
	s := a.Stats()
	require.Zero(t, s.Total)
	require.Zero(t, s.Large)
	require.Zero(t, s.MappedBytes)
	require.EqualValues(t, 1, s.Refusals)
}
