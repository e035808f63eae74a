package arena_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// boundaries are sizes of frames around the ends of every class, up to the largest.
func boundaries() []uintptr {
	sizes := []uintptr{0, 1, 2, 15, 16, 17, 63, 64, 65}
	for n := uintptr(128); n <= 64<<10; n *= 2 {
		sizes = append(sizes, n/2+n/4, n-guard-1, n-guard)
		if n < 64<<10 {
			sizes = append(sizes, n-guard+1)
		}
	}
	return sizes
}

func TestEverySizeOfAClass(t *testing.T) {
	for _, size := range boundaries() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
				var frames [5]frame
				for i := range frames {
					frames[i] = frame{f.Allocate(size), size, uint64(i)}
					require.NotNil(t, frames[i].p)
					require.Zero(t, uintptr(frames[i].p)%min(classSize(size), 4096), "alignment of %p", frames[i].p)
					frames[i].fill()
				}
				s := a.Stats()
				for k, c := range s.Classes {
					live := uint64(0)
					if k == classIndex(size) {
						live = uint64(len(frames))
						require.Equal(t, classSize(size), c.Size)
					}
					require.Equal(t, live, c.Live, "live frames of %d bytes", c.Size)
				}
				require.Zero(t, s.Large)
				require.EqualValues(t, slab.Size, s.MappedBytes)
				for _, fr := range frames {
					require.NoError(t, fr.check())
					f.Deallocate(fr.p, size)
				}
				require.Zero(t, a.Stats().Total.Live)
			})
		})
	}
}

func TestLargeFrames(t *testing.T) {
	page := slab.PageSize()
	sizes := []uintptr{64<<10 + 1, 64<<10 + page - 1, 64<<10 + page, 64<<10 + page + 1, 100_000, slab.Size - 1, slab.Size, slab.Size + 1, 5 << 20}
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		var frames []frame
		bytes := uintptr(0)
		for i, size := range sizes {
			fr := frame{f.Allocate(size), size, uint64(i)}
			require.NotNil(t, fr.p)
			require.Zero(t, uintptr(fr.p)%page, "alignment of the frame of %d bytes", size)
			fr.fill()
			frames = append(frames, fr)
			bytes += (size + guard + page - 1) / page * page
			s := a.Stats()
			require.Equal(t, i+1, s.Large)
			require.Equal(t, bytes, s.LargeBytes)
			require.Equal(t, bytes, s.MappedBytes)
			require.Zero(t, s.Total.Carved)
		}
		for _, fr := range frames {
			require.NoError(t, fr.check())
			f.Deallocate(fr.p, fr.size)
		}
		s := a.Stats()
		require.Zero(t, s.Large)
		require.Zero(t, s.LargeBytes)
		require.Zero(t, s.MappedBytes)
		require.EqualValues(t, bytes, s.HandedBackBytes)
		require.Zero(t, s.Refusals)
	})
}

func TestLargeFrameFreedWronglyPanics(t *testing.T) {
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		const size = 100_000
		p := f.Allocate(size)
		require.NotNil(t, p)
		says := func(p unsafe.Pointer, size uintptr, checked string) string {
			if isChecked {
				return "arena: " + checked
			}
			return fmt.Sprintf("arena: Deallocate of %p with size %d", p, size)
		}
		require.Contains(t, panicOf(func() { f.Deallocate(p, 2*size) }), says(p, 2*size, "wrong size"), "another size")
		inside := unsafe.Add(p, 4096)
		require.Contains(t, panicOf(func() { f.Deallocate(inside, size) }), says(inside, size, "interior pointer"), "inside the frame")
		require.Equal(t, 1, a.Stats().Large, "nothing was freed")
		f.Deallocate(p, size)
		require.Contains(t, panicOf(func() { f.Deallocate(p, size) }), says(p, size, "double free"), "twice")
		require.Zero(t, a.Stats().MappedBytes)
	})
}

// panicOf returns what f panics with, as text; "" if it returns.
func panicOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

func TestSizesThatNobodyCanServe(t *testing.T) {
	const most = ^uintptr(0)
	bothWays(t, func(t *testing.T, a *arena.Arena, f arena.FrameAllocator) {
		p := f.Allocate(200)
		require.NotNil(t, p)
		figures := func() arena.Stats {
			s := a.Stats()
			s.Refusals = 0
			if isChecked { // what is private is published before a request is refused
				for k := range s.Classes {
					s.Classes[k].Public += s.Classes[k].Private
					s.Classes[k].Private = 0
				}
				s.Total.Public += s.Total.Private
				s.Total.Private = 0
			}
			return s
		}
		before := figures()
		for i, size := range []uintptr{most, most - 1, most - slab.PageSize() + 1, most - slab.PageSize(), most - slab.Size, most>>1 + 1, most >> 1, most >> 2} {
			require.Nil(t, f.Allocate(size), "%d bytes", size)
			require.EqualValues(t, i+1, a.Stats().Refusals)
		}
		require.Equal(t, before, figures(), "nothing else has changed")
		f.Deallocate(p, 200)
	})
}
