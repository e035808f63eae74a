package arena_test

import (
	"fmt"
	"strconv"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/stretchr/testify/require"
)

// open returns an arena that must have no live frames when the test ends.
func open(t testing.TB, opts ...arena.Option) *arena.Arena {
	t.Helper()
	a, err := arena.New(opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

// frame is a frame, as a test remembers it.
type frame struct {
	p    unsafe.Pointer
	size uintptr // as asked for
	seed uint64  // of what fill wrote
}

func (f frame) bytes() []byte { return unsafe.Slice((*byte)(f.p), f.size) }

// fill writes to every byte of the frame what check expects.
func (f frame) fill() {
	x := f.seed
	for i := range f.bytes() {
		if i%8 == 0 {
			x = x*6364136223846793005 + 1442695040888963407
		}
		f.bytes()[i] = byte(x >> (i % 8 * 8))
	}
}

// check returns an error if the frame does not hold what fill wrote.
func (f frame) check() error {
	x := f.seed
	for i, b := range f.bytes() {
		if i%8 == 0 {
			x = x*6364136223846793005 + 1442695040888963407
		}
		if b != byte(x>>(i%8*8)) {
			return fmt.Errorf("byte %d of the frame of %d bytes at %p was overwritten", i, f.size, f.p)
		}
	}
	return nil
}

// isChecked reports whether all arenas are in checked mode, where frames are of a
// larger class than they would be and pages are not given back.
const isChecked = framecheck.Enabled

// guard is how many bytes more than it is asked for an arena takes for each frame.
// For a size that is to be the last of its class, tests ask for guard less.
var guard = func() uintptr {
	if isChecked {
		return 16
	}
	return 0
}()

// isLarge reports whether a frame of size bytes is a mapping of its own.
func isLarge(size uintptr) bool { return size+guard > 64<<10 }

// classSize is the size of a frame that is asked for with size bytes: the least
// power of two that is at least size, with the guard, and 128.
func classSize(size uintptr) uintptr {
	n := uintptr(128)
	for n < size+guard {
		n *= 2
	}
	return n
}

// classIndex is the place of size's class in Stats.
func classIndex(size uintptr) int {
	i := 0
	for n := uintptr(128); n < size+guard; n *= 2 {
		i++
	}
	return i
}

// requireAccounts fails the test unless, in each class, the arena's figures are
// consistent and live frames are as many as the test knows of. All goroutines must
// be at rest.
func requireAccounts(t *testing.T, a *arena.Arena, live [bins.Classes]int) {
	t.Helper()
	s := a.Stats()
	var total arena.ClassStats
	for i, c := range s.Classes {
		require.Equal(t, uintptr(128)<<i, c.Size)
		require.EqualValues(t, live[i], c.Live, "live frames of %d bytes", c.Size)
		require.Equal(t, c.Carved, c.Live+c.Private+c.Public, "carved frames of %d bytes", c.Size)
		require.LessOrEqual(t, uintptr(c.Carved)*c.Size, uintptr(c.Slabs)*(2<<20), "carved frames of %d bytes fit their slabs", c.Size)
		total.Slabs += c.Slabs
		total.Carved += c.Carved
		total.Live += c.Live
		total.Private += c.Private
		total.Public += c.Public
	}
	require.Equal(t, total, s.Total)
	require.Equal(t, uintptr(s.Total.Slabs)*(2<<20)+s.LargeBytes, s.MappedBytes)
}

// requireAllPublic fails the test unless every frame is free and where all caches
// find it.
func requireAllPublic(t *testing.T, a *arena.Arena) {
	t.Helper()
	s := a.Stats().Total
	if !isChecked { // there, all caches are served from one private list
		require.Zero(t, s.Private)
	}
	require.Equal(t, s.Carved, s.Private+s.Public)
}

// bothWays runs test with an arena and with a cache of one, whose frames lie in a.
func bothWays(t *testing.T, test func(t *testing.T, a *arena.Arena, f arena.FrameAllocator), opts ...arena.Option) {
	t.Run("arena", func(t *testing.T) {
		a := open(t, opts...)
		test(t, a, a)
	})
	t.Run("cache", func(t *testing.T) {
		a := open(t, opts...)
		c := a.NewCache()
		test(t, a, c)
		c.Close()
	})
}

func itoa(n uintptr) string { return strconv.FormatUint(uint64(n), 10) }
