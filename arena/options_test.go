package arena_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

func TestBadOptions(t *testing.T) {
	for _, n := range []uintptr{0, 1, 2<<20 - 1} {
		a, err := arena.New(arena.WithMaxBytes(n))
		require.Nil(t, a)
		require.ErrorIs(t, err, arena.ErrInvalidOption)
		require.EqualError(t, err, "arena: bad option: WithMaxBytes("+itoa(n)+"): less than one slab of 2097152 bytes")
	}
	_, err := arena.New(arena.WithMaxBytes(2<<20), arena.WithMaxBytes(1))
	require.ErrorIs(t, err, arena.ErrInvalidOption, "the second of two")
	require.False(t, errors.Is(err, arena.ErrLeak))
}

func TestNilOption(t *testing.T) {
	a, err := arena.New(arena.WithPrefault(), nil)
	require.Nil(t, a)
	require.ErrorIs(t, err, arena.ErrInvalidOption)
	require.ErrorContains(t, err, "nil Option")
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for says, o := range map[string]arena.Option{
		"WithMaxBytes(2097151)":     arena.WithMaxBytes(slab.Size - 1),
		"WithBackgroundTrim(0s, …)": arena.WithBackgroundTrim(0, 1),
		"WithBackgroundTrim(-1ns":   arena.WithBackgroundTrim(-time.Nanosecond, 1),
		"WithRegionBytes(0)":        arena.WithRegionBytes(0),
	} {
		a, err := arena.New(o)
		require.Nil(t, a)
		require.ErrorIs(t, err, arena.ErrInvalidOption)
		require.ErrorContains(t, err, says)
	}
}

func TestOptionsForBigMachines(t *testing.T) {
	for name, opts := range map[string][]arena.Option{
		"huge pages":   {arena.WithHugePages()},
		"prefault":     {arena.WithPrefault()},
		"small region": {arena.WithRegionBytes(1)},
		"large region": {arena.WithRegionBytes(32 << 20)},
		"all":          {arena.WithHugePages(), arena.WithPrefault(), arena.WithRegionBytes(4 * slab.Size)},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t, opts...)
			for range 2 {
				frames := allocateMany(t, a, 1000, 5000)
				for i, p := range frames {
					require.Equal(t, i, *(*int)(p))
				}
				freeAll(a, frames, 1000)
				a.Trim(0)
				require.NoError(t, a.Validate())
			}
			require.NoError(t, a.Close())
		})
	}
}

func TestRegionBytesIsWhatIsReserved(t *testing.T) {
	a := newArena(t, arena.WithRegionBytes(3*slab.Size-1))
	p := a.Allocate(100)
	require.EqualValues(t, 3*slab.Size, a.Stats().ReservedBytes)
	a.Deallocate(p, 100)
	require.NoError(t, a.Close())
}

// The first use of frames: 64 MiB of them, each written to once.
func BenchmarkFirstTouch(b *testing.B) {
	for _, o := range machineOptions {
		b.Run(o.name, func(b *testing.B) {
			frames := make([]unsafe.Pointer, 64<<20/128)
			for b.Loop() {
				b.StopTimer()
				a := newArena(b, o.opts...)
				c := a.NewCache()
				b.StartTimer()
				for i := range frames {
					frames[i] = c.Allocate(128)
					*(*int)(frames[i]) = i
				}
				b.StopTimer()
				freeAll(c, frames, 128)
				c.Close()
				require.NoError(b, a.Close())
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(frames)), "ns/frame")
		})
	}
}

// Frames visited in random order, as a program with very many tasks does: 1 GiB of
// them, far more than the address translation cache covers with small pages.
func BenchmarkRandomVisit(b *testing.B) {
	for _, o := range machineOptions {
		b.Run(o.name, func(b *testing.B) {
			const n = 1 << 30 / 128
			a := newArena(b, o.opts...)
			c := a.NewCache()
			frames := make([]unsafe.Pointer, n)
			for i := range frames {
				frames[i] = c.Allocate(128)
				*(*int)(frames[i]) = i
			}
			// Each frame refers to the next, in one random cycle, so that a visit
			// has to wait for the one before.
			order := rand.New(rand.NewPCG(4, 4)).Perm(n)
			for i, at := range order {
				*(*int)(frames[at]) = order[(i+1)%n]
			}
			at := 0
			for b.Loop() {
				at = *(*int)(frames[at])
			}
			b.StopTimer()
			require.GreaterOrEqual(b, at, 0)
			freeAll(c, frames, 128)
			c.Close()
			require.NoError(b, a.Close())
		})
	}
}

var machineOptions = []struct {
	name string
	opts []arena.Option
}{
	{"default", nil},
	{"region=1GiB", []arena.Option{arena.WithRegionBytes(1 << 30)}},
	{"region=2MiB", []arena.Option{arena.WithRegionBytes(slab.Size)}},
	{"prefault", []arena.Option{arena.WithPrefault()}},
	{"huge", []arena.Option{arena.WithHugePages()}},
	{"huge+prefault", []arena.Option{arena.WithHugePages(), arena.WithPrefault()}},
}
