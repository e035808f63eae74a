//go:build !framecheck

package arena_test

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

// The fast and the slow halves of Allocate and Deallocate together work as these do.
func TestClassFastPath(t *testing.T) {
	a := open(t)
	c := a.NewCache()
	defer c.Close()
	for k := range bins.Class(bins.Classes) {
		require.Nil(t, c.TryAllocateAt(arena.PlaceOf(k)), "a dry list")
		p := c.Allocate(k.Size())
		require.True(t, c.TryDeallocateAt(p, arena.PlaceOf(k)))
		require.Equal(t, p, c.TryAllocateAt(arena.PlaceOf(k)))
		require.EqualValues(t, 1, a.Stats().Classes[k].Live)
		c.Deallocate(p, k.Size())
		require.Zero(t, a.Stats().Classes[k].Live)

		// Sooner or later a list is full, and Deallocate makes room.
		var all []unsafe.Pointer
		for range 3 * bins.ListCap {
			all = append(all, c.Allocate(k.Size()))
		}
		refused := 0
		for _, p := range all {
			if !c.TryDeallocateAt(p, arena.PlaceOf(k)) {
				refused++
				c.Deallocate(p, k.Size())
			}
		}
		require.NotZero(t, refused)
		require.Zero(t, a.Stats().Classes[k].Live)
	}
}

// A frame is as large as its class, and another size of the class frees it.
func TestAllSizesOfAClassAreOneClass(t *testing.T) {
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		for n := uintptr(128); n <= 64<<10; n *= 2 {
			p := f.Allocate(n/2 + 1)
			require.NotNil(t, p)
			(frame{p, n, 1}).fill()
			f.Deallocate(p, n)
		}
		p := f.Allocate(0)
		require.NotNil(t, p)
		f.Deallocate(p, 128)
		require.Zero(t, a.Stats().Total.Live)
	})
}

// A size without a class has a place, too. Its list never has a frame and never has room.
func TestPlaceOfNoClass(t *testing.T) {
	c := open(t).NewCache()
	defer c.Close()
	p := c.Allocate(128)
	for _, size := range []uintptr{bins.MaxSize + 1, 1 << 30, 0} {
		place := arena.PlaceOf(bins.ClassOf(size))
		require.Nil(t, c.TryAllocateAt(place))
		require.False(t, c.TryDeallocateAt(p, place))
	}
	c.Deallocate(p, 128)
}
