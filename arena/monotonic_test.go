package arena

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

func TestMonotonicCutsFramesOneBehindTheOther(t *testing.T) {
	strict := newStrictFrames()
	m := NewMonotonic(strict, 1024)
	require.Zero(t, strict.asked, "no memory before the first frame")
	next := uintptr(m.Allocate(1)) + 16
	for _, c := range []struct{ size, takes uintptr }{
		{0, 16}, {1, 16}, {16, 16}, {17, 32}, {0, 16}, {100, 112},
	} {
		require.Equal(t, next, uintptr(m.Allocate(c.size)), "size %d", c.size)
		next += c.takes
	}
	require.Equal(t, MonotonicStats{Live: 7, Blocks: 1, Bytes: 1024}, m.Stats())
	m.Release()
	require.Equal(t, MonotonicStats{}, m.Stats())
	strict.requireClean(t)
}

func TestMonotonicBlockSizes(t *testing.T) {
	for _, c := range []struct{ asked, takes uintptr }{
		{0, 64 << 10}, {1, 128}, {128, 128}, {129, 128}, {143, 128}, {144, 144}, {4096, 4096}, {1 << 20, 1 << 20},
	} {
		strict := newStrictFrames()
		m := NewMonotonic(strict, c.asked)
		p := m.Allocate(c.takes - 16)
		require.NotNil(t, p)
		require.Equal(t, MonotonicStats{Live: 1, Blocks: 1, Bytes: c.takes}, m.Stats(), "block size %d", c.asked)
		holdFrame(p, c.takes-16, 0xa5)
		m.Deallocate(p, c.takes-16)
		require.Equal(t, p, m.Allocate(1), "the block is empty again")
		m.Release()
		strict.requireClean(t)
	}
}

func TestMonotonicBlockSizeBeyondAllBounds(t *testing.T) {
	strict := newStrictFrames()
	strict.refuse = func(size uintptr) bool { return size > 1<<20 }
	m := NewMonotonic(strict, ^uintptr(0))
	require.Nil(t, m.Allocate(1))
	require.Equal(t, MonotonicStats{Refused: 1}, m.Stats())
	m.Release()
	strict.requireClean(t)
}

func TestMonotonicFramesOverABlock(t *testing.T) {
	strict := newStrictFrames()
	m := NewMonotonic(strict, 128)
	small := m.Allocate(16)
	a, b, c := m.Allocate(113), m.Allocate(1000), m.Allocate(1<<20)
	require.Equal(t, MonotonicStats{Live: 4, Blocks: 4, Bytes: 128 + (128 + 16) + (1008 + 16) + (1<<20 + 16)}, m.Stats())
	frames := []heldFrame{holdFrame(small, 16, 1), holdFrame(a, 113, 2), holdFrame(b, 1000, 3), holdFrame(c, 1<<20, 4)}
	for _, f := range frames {
		require.True(t, f.intact())
	}
	require.Equal(t, uintptr(small)+16, uintptr(m.Allocate(1)), "the current block stays the current one")

	m.Deallocate(c, 1<<20)
	require.Equal(t, 3, m.Stats().Blocks, "the last one goes back at once")
	m.Deallocate(a, 113)
	require.Equal(t, 3, m.Stats().Blocks, "one behind another waits")
	m.Deallocate(b, 1000)
	require.Equal(t, 2, m.Stats().Blocks)
	require.Equal(t, 2, m.Live())
	m.Release()
	strict.requireClean(t)
}

func TestMonotonicSizesBeyondAllBounds(t *testing.T) {
	strict := newStrictFrames()
	strict.refuse = func(size uintptr) bool { return size > 1<<20 }
	m := NewMonotonic(strict, 0)
	for round := range 2 {
		asked := strict.asked
		for i := range uintptr(64) {
			require.Nil(t, m.Allocate(^uintptr(0)-i))
		}
		require.Equal(t, 32, strict.asked-asked, "sums that wrap around are not asked for")
		require.Nil(t, m.Allocate(^uintptr(0)/2+1))
		require.EqualValues(t, 65*(round+1), m.Stats().Refused)
		require.NotNil(t, m.Allocate(8))
	}
	m.Release()
	strict.requireClean(t)
}

func TestMonotonicReverseOrderTakesNoMore(t *testing.T) {
	strict := newStrictFrames()
	m := NewMonotonic(strict, 4096)
	for range 100 {
		var frames []heldFrame
		for i := range 30 {
			size := uintptr(i * 3)
			frames = append(frames, holdFrame(m.Allocate(size), size, byte(i)))
		}
		for i := len(frames) - 1; i >= 0; i-- {
			require.True(t, frames[i].intact())
			m.Deallocate(frames[i].p, frames[i].size)
		}
	}
	require.Equal(t, MonotonicStats{Blocks: 1, Bytes: 4096}, m.Stats())

	// In any other order, the memory of freed frames stays in use until Release.
	first, second := m.Allocate(64), m.Allocate(64)
	m.Deallocate(first, 64)
	require.Equal(t, uintptr(second)+64, uintptr(m.Allocate(64)))
	m.Release()
	strict.requireClean(t)
}

// A block may lie right behind another one. A frame at the end of the first is
// not the last frame of the second.
func TestMonotonicBlocksSideBySide(t *testing.T) {
	memory := make([]byte, 1024+16)
	base := unsafe.Pointer(&memory[-uintptr(unsafe.Pointer(&memory[0]))&15])
	side := &adjacentFrames{base: base}
	m := NewMonotonic(side, 128)
	a := m.Allocate(112) // fills its block
	b := m.Allocate(32)
	require.Equal(t, uintptr(a)+112+16, uintptr(b))
	m.Deallocate(a, 112)
	c := m.Allocate(32)
	require.Equal(t, uintptr(b)+32, uintptr(c))
	m.Deallocate(c, 32)
	m.Deallocate(b, 32)
	require.Equal(t, b, m.Allocate(32))
	m.Release()
	require.Equal(t, 2, side.freed)
}

// adjacentFrames hands out one piece of memory from front to back.
type adjacentFrames struct {
	base  unsafe.Pointer
	used  uintptr
	freed int
}

func (f *adjacentFrames) Allocate(size uintptr) unsafe.Pointer {
	p := unsafe.Add(f.base, f.used)
	f.used += size
	return p
}

func (f *adjacentFrames) Deallocate(unsafe.Pointer, uintptr) { f.freed++ }

// next refuses the n-th request, for every n: nothing is leaked or broken.
func TestMonotonicNextRefuses(t *testing.T) {
	for n := 1; n <= 40; n++ {
		strict := newStrictFrames()
		strict.refuse = func(uintptr) bool { return strict.asked == n }
		m := NewMonotonic(strict, 256)
		random := rand.New(rand.NewPCG(5, 5))
		var held []heldFrame
		refused := 0
		for i := range 200 {
			size := uintptr(random.Uint64N(400))
			p := m.Allocate(size)
			if p == nil {
				refused++
				continue
			}
			held = append(held, holdFrame(p, size, byte(i)))
		}
		for _, f := range held {
			require.True(t, f.intact())
		}
		require.Equal(t, 1, refused, "request %d", n)
		s := m.Stats()
		require.EqualValues(t, 1, s.Refused)
		require.Equal(t, len(held), s.Live)
		require.Len(t, strict.live, s.Blocks)
		m.Release()
		strict.requireClean(t)
	}
}

func TestMonotonicAgainstModel(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 9))
		strict := newStrictFrames()
		strict.refuse = func(uintptr) bool { return random.IntN(20) == 0 }
		m := NewMonotonic(strict, 128<<random.IntN(6))
		var held []heldFrame
		for range 10_000 {
			switch r := random.IntN(1000); {
			case r == 0:
				m.Release()
				held = held[:0]
				strict.requireClean(t)
			case r < 450 && len(held) > 0:
				j := len(held) - 1
				if random.IntN(2) == 0 {
					j = random.IntN(len(held))
				}
				f := held[j]
				require.True(t, f.intact())
				m.Deallocate(f.p, f.size)
				held = append(held[:j], held[j+1:]...)
			default:
				size := uintptr(random.Uint64N(1 << random.IntN(12)))
				if p := m.Allocate(size); p != nil {
					require.Zero(t, uintptr(p)%16)
					held = append(held, holdFrame(p, size, byte(random.Uint32())))
				}
			}
			s := m.Stats()
			require.Equal(t, len(held), s.Live)
			require.Equal(t, len(held), m.Live())
			require.Len(t, strict.live, s.Blocks)
			var bytes uintptr
			for _, size := range strict.live {
				bytes += size
			}
			require.Equal(t, bytes, s.Bytes)
		}
		for _, f := range held {
			require.True(t, f.intact())
		}
		m.Release()
		strict.requireClean(t)
	}
}

func TestMonotonicOverMonotonic(t *testing.T) {
	strict := newStrictFrames()
	below := NewMonotonic(strict, 8192)
	m := NewMonotonic(below, 512)
	require.NoError(t, churn(m, 1, 2000, 20, 700))
	require.Zero(t, m.Live())
	require.Equal(t, m.Stats().Blocks, below.Live())
	m.Release()
	require.Zero(t, below.Live())
	below.Release()
	strict.requireClean(t)
}

func TestMonotonicMisuse(t *testing.T) {
	require.PanicsWithValue(t, "arena: NewMonotonic without an allocator: pass the one that the blocks come from",
		func() { NewMonotonic(nil, 0) })
	m := NewMonotonic(new(Heap), 0)
	require.Panics(t, func() { m.Deallocate(unsafe.Pointer(new(int64)), 1) })
	p := m.Allocate(1)
	m.Release()
	require.Panics(t, func() { m.Deallocate(p, 1) }, "Release has freed it")
	require.Zero(t, m.Live())
	m.Release() // nothing to release is nothing wrong
}

func TestMonotonicAllocatesNothingOnTheGoHeap(t *testing.T) {
	if race.Enabled {
		return // the detector allocates
	}
	a, err := New()
	require.NoError(t, err)
	c := a.NewCache()
	m := NewMonotonic(c, 4096)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		for i := range uintptr(100) {
			m.Allocate(i * 2)
		}
		m.Release()
	}))
	c.Close()
	require.NoError(t, a.Close())
}

func BenchmarkMonotonic(b *testing.B) {
	a, err := New()
	require.NoError(b, err)
	c := a.NewCache()
	m := NewMonotonic(c, 0)
	for b.Loop() {
		for range 1000 {
			m.Allocate(128)
		}
		m.Release()
	}
}
