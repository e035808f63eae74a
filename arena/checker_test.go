package arena_test

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// frameOf and freed are in stacks, so they are not to be inlined.
//
//go:noinline
func frameOf(m arena.FrameAllocator, size uintptr) unsafe.Pointer { return m.Allocate(size) }

//go:noinline
func freed(m arena.FrameAllocator, p unsafe.Pointer, size uintptr) { m.Deallocate(p, size) }

func byteAt(p unsafe.Pointer, i int) *byte { return (*byte)(unsafe.Add(p, i)) }

func TestCheckedModeReportsFaults(t *testing.T) {
	const noQuarantine = 1
	type user struct {
		arena *arena.Arena
		m     arena.FrameAllocator
	}
	for _, c := range []struct {
		name       string
		quarantine uintptr
		fault      func(u user)
		says       []string
	}{
		{"double free", 0, func(u user) {
			p := frameOf(u.m, 100)
			q := frameOf(u.m, 100)
			freed(u.m, p, 100)
			freed(u.m, q, 100)
			freed(u.m, p, 100)
		}, []string{"arena: double free: the frame of 100 bytes", "allocated at:", "frameOf", "freed at:", "arena_test.freed"}},
		{"double free of a large frame", 0, func(u user) {
			p := frameOf(u.m, 1<<20)
			freed(u.m, p, 1<<20)
			freed(u.m, p, 1<<20)
		}, []string{"arena: double free: the frame of 1048576 bytes", "frameOf", "arena_test.freed"}},
		{"foreign pointer", 0, func(u user) {
			freed(u.m, unsafe.Pointer(new([128]byte)), 128)
		}, []string{"arena: foreign pointer"}},
		{"frame never handed out", 0, func(u user) {
			p := frameOf(u.m, 100)
			freed(u.m, unsafe.Add(p, 128*100), 100)
		}, []string{"arena: foreign pointer"}},
		{"interior pointer", 0, func(u user) {
			p := frameOf(u.m, 1000)
			freed(u.m, unsafe.Add(p, 64), 936)
		}, []string{"arena: interior pointer", "lies 64 bytes into a frame: the frame of 1000 bytes", "frameOf"}},
		{"interior pointer of a large frame", 0, func(u user) {
			p := frameOf(u.m, 1<<20)
			freed(u.m, unsafe.Add(p, 4096), 4096)
		}, []string{"arena: interior pointer", "lies 4096 bytes into a frame: the frame of 1048576 bytes"}},
		{"wrong size", 0, func(u user) {
			freed(u.m, frameOf(u.m, 100), 101)
		}, []string{"arena: wrong size: freed with size 101: the frame of 100 bytes", "frameOf"}},
		{"wrong size of a large frame", 0, func(u user) {
			freed(u.m, frameOf(u.m, 100_000), 100_001)
		}, []string{"arena: wrong size: freed with size 100001: the frame of 100000 bytes", "frameOf"}},
		{"overrun by a byte", 0, func(u user) {
			p := frameOf(u.m, 100)
			*byteAt(p, 100) = 7
			freed(u.m, p, 100)
		}, []string{"arena: overrun: byte 100 is 0x07: the frame of 100 bytes", "frameOf"}},
		{"overrun of a whole class", 0, func(u user) {
			p := frameOf(u.m, 128)
			*byteAt(p, 128+15) = 7
			freed(u.m, p, 128)
		}, []string{"arena: overrun: byte 143 is 0x07: the frame of 128 bytes"}},
		{"overrun of a large frame", 0, func(u user) {
			p := frameOf(u.m, 128<<10)
			*byteAt(p, 128<<10) = 7
			freed(u.m, p, 128<<10)
		}, []string{"arena: overrun: byte 131072 is 0x07: the frame of 131072 bytes"}},
		{"write after free, found at reuse", noQuarantine, func(u user) {
			p := frameOf(u.m, 100)
			freed(u.m, p, 100)
			*byteAt(p, 42) = 7
			for range 1000 {
				frameOf(u.m, 100)
			}
		}, []string{"arena: write after free: byte 42 is 0x07: the frame of 100 bytes", "frameOf", "arena_test.freed"}},
		{"write after free, found at Close", 0, func(u user) {
			p := frameOf(u.m, 100)
			freed(u.m, p, 100)
			*byteAt(p, 0) = 7
			_ = u.arena.Close()
		}, []string{"arena: write after free: byte 0 is 0x07", "frameOf", "arena_test.freed"}},
		{"write after free, found by Validate", 0, func(u user) {
			p := frameOf(u.m, 100)
			freed(u.m, p, 100)
			*byteAt(p, 0) = 7
			_ = u.arena.Validate()
		}, []string{"arena: write after free: byte 0 is 0x07"}},
		{"write after free, found by Trim", 0, func(u user) {
			p := frameOf(u.m, 100)
			freed(u.m, p, 100)
			*byteAt(p, 0) = 7
			u.arena.Trim(0)
		}, []string{"arena: write after free: byte 0 is 0x07"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, through := range []string{"arena", "cache"} {
				a := newArena(t, arena.WithChecks(c.quarantine))
				u := user{a, a}
				if through == "cache" {
					u.m = a.NewCache()
				}
				text := panicOf(func() { c.fault(u) })
				for _, part := range c.says {
					require.Contains(t, text, part, through)
				}
			}
		})
	}
}

func TestCheckedModeNamesLeaks(t *testing.T) {
	a := newArena(t, arena.WithChecks(0))
	var frames []unsafe.Pointer
	for range 3 {
		frames = append(frames, frameOf(a, 300))
	}
	large := frameOf(a, 1<<20)
	err := a.Close()
	require.ErrorIs(t, err, arena.ErrLeak)
	require.ErrorContains(t, err, "3 of 300 bytes, allocated at:\n\tgithub.com/framearena/framearena/arena_test.frameOf\n")
	require.ErrorContains(t, err, "1 of 1048576 bytes, allocated at:")
	for _, p := range frames {
		freed(a, p, 300)
	}
	freed(a, large, 1<<20)
	require.NoError(t, a.Close())
}

func TestCheckedModeBoundsTheReportOfLeaks(t *testing.T) {
	a := newArena(t, arena.WithChecks(0))
	for size := range uintptr(14) {
		frameOf(a, 100+size)
	}
	err := a.Close()
	require.ErrorIs(t, err, arena.ErrLeak)
	require.Equal(t, 10, strings.Count(err.Error(), "allocated at:"))
	require.ErrorContains(t, err, "and from 4 other places")
}

func TestCheckedModeFillsMemory(t *testing.T) {
	a := newArena(t, arena.WithChecks(0))
	p := a.Allocate(100)
	for i := range 100 {
		require.EqualValues(t, 0xD1, *byteAt(p, i))
	}
	a.Deallocate(p, 100)
	require.EqualValues(t, 0xDB, *byteAt(p, 50))
	p = a.AllocateZeroed(100)
	for i := range 100 {
		require.Zero(t, *byteAt(p, i))
	}
	a.Deallocate(p, 100)
	require.NoError(t, a.Close())
}

func TestQuarantineDelaysReuse(t *testing.T) {
	const frames = 64
	a := newArena(t, arena.WithChecks(frames*256))
	seen := make(map[unsafe.Pointer]int)
	for i := range 10 * frames {
		p := a.Allocate(200)
		if last, ok := seen[p]; ok {
			require.Greater(t, i-last, frames)
		}
		seen[p] = i
		a.Deallocate(p, 200)
	}
	s := a.Stats()
	require.Zero(t, s.Total.Live)
	require.EqualValues(t, s.Total.Carved, s.Total.Private+s.Total.Public)
	require.NoError(t, a.Validate())
	require.NoError(t, a.Close())
}

func TestCheckedModeWithinABudget(t *testing.T) {
	a := newArena(t, arena.WithChecks(64<<20), arena.WithMaxBytes(slab.Size))
	for range 3 { // what is in quarantine is free when nothing else is
		n := 0
		var frames []unsafe.Pointer
		for p := a.Allocate(1000); p != nil; p = a.Allocate(1000) {
			frames = append(frames, p)
			n++
		}
		require.EqualValues(t, slab.Size/1024, n)
		freeAll(a, frames, 1000)
	}
	require.Nil(t, a.Allocate(^uintptr(0)))
	require.Nil(t, a.Allocate(^uintptr(0)-20))
	require.Nil(t, a.Allocate(slab.Size))
	require.EqualValues(t, 6, a.Stats().Refusals)
	p := a.Allocate(slab.Size - 10_000)
	require.NotNil(t, p)
	a.Deallocate(p, slab.Size-10_000)
	require.NoError(t, a.Close())
}

func TestCheckedModeForgetsLargeFramesOfLongAgo(t *testing.T) {
	a := newArena(t, arena.WithChecks(0))
	for range 3000 {
		p := a.Allocate(70_000)
		a.Deallocate(p, 70_000)
	}
	var frames []unsafe.Pointer
	for range 2000 {
		frames = append(frames, a.Allocate(70_000))
	}
	freeAll(a, frames, 70_000)
	require.NoError(t, a.Close())
}

// Two goroutines in one cache meet sooner or later.
func TestCheckedModeCatchesASharedCache(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	a := newArena(t, arena.WithChecks(0))
	c := a.NewCache()
	caught := make(chan string, 4)
	var users sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		users.Go(func() {
			caught <- panicOf(func() {
				for {
					select {
					case <-stop:
						return
					default:
						c.Deallocate(c.Allocate(60_000), 60_000)
					}
				}
			})
		})
	}
	text := <-caught
	close(stop)
	users.Wait()
	require.Contains(t, text, "arena: two goroutines use a Cache at once")
}

func TestCheckedModeUnderLoad(t *testing.T) {
	a := newArena(t, arena.WithChecks(256<<10), arena.WithMaxBytes(32*slab.Size))
	rounds := 20_000
	if testing.Short() {
		rounds = 2000
	}
	handOver := make(chan [2]uintptr, 64) // addresses, which is all that a frame is here
	var users sync.WaitGroup
	for g := range 6 {
		users.Go(func() {
			random := rand.New(rand.NewPCG(3, uint64(g)))
			c := a.NewCache()
			defer c.Close()
			for i := range rounds {
				size := 1 + random.Uint64N(1<<random.Uint64N(18))
				p := c.Allocate(uintptr(size))
				if p == nil {
					continue
				}
				*byteAt(p, int(size-1)) = byte(i)
				select {
				case handOver <- [2]uintptr{uintptr(p), uintptr(size)}:
					continue
				default:
				}
				select {
				case other := <-handOver:
					a.Deallocate(*(*unsafe.Pointer)(unsafe.Pointer(&other[0])), other[1])
				default:
				}
				c.Deallocate(p, uintptr(size))
			}
		})
	}
	users.Wait()
	close(handOver)
	for other := range handOver {
		a.Deallocate(*(*unsafe.Pointer)(unsafe.Pointer(&other[0])), other[1])
	}
	require.NoError(t, a.Validate())
	require.NoError(t, a.Close())
}

func TestDoubleFreeInARowIsAlwaysFound(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the arena uses one cache
	for _, size := range []uintptr{1, 128, 5000, bins.MaxSize - 16, bins.MaxSize + 1} {
		a := newArena(t)
		c := a.NewCache()
		for _, m := range []arena.FrameAllocator{a, c} {
			p, q := m.Allocate(size), m.Allocate(size)
			m.Deallocate(q, size)
			m.Deallocate(p, size)
			text := panicOf(func() { m.Deallocate(p, size) })
			require.True(t, strings.Contains(text, "double free") || strings.Contains(text, "freed twice"), text)
		}
	}
}

func TestDeallocateNilDoesNothing(t *testing.T) {
	for _, opts := range [][]arena.Option{nil, {arena.WithChecks(0)}} {
		a := newArena(t, opts...)
		c := a.NewCache()
		for _, size := range []uintptr{0, 1, 128, bins.MaxSize, bins.MaxSize + 1} {
			a.Deallocate(nil, size)
			c.Deallocate(nil, size)
		}
		require.NotNil(t, c.Allocate(1))
		require.EqualValues(t, 1, a.Stats().Total.Live)
		require.NoError(t, a.Validate())
	}
}
