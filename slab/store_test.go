package slab_test

import (
	"bytes"
	"errors"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// note is a descriptor with a pointer, as a user may have it.
type note struct {
	id   int
	text *string
}

var zeros [slab.Size]byte

// newStore returns a Store that is closed at the end of the test.
func newStore(t testing.TB, c slab.Config) *slab.Store[note] {
	s := slab.NewStore[note](c)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func acquire(t testing.TB, s *slab.Store[note]) *slab.Slab[note] {
	sl, err := s.Acquire()
	require.NoError(t, err)
	return sl
}

// bytesOf returns the n bytes at p.
func bytesOf(p unsafe.Pointer, n uintptr) []byte { return unsafe.Slice((*byte)(p), n) }

// fill writes x to every byte of sl.
func fill(sl *slab.Slab[note], x byte) {
	b := bytesOf(sl.Base(), slab.Size)
	b[0] = x
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

func requireZero(t testing.TB, p unsafe.Pointer, n uintptr) {
	t.Helper()
	for n > 0 {
		part := min(n, slab.Size)
		require.True(t, bytes.Equal(bytesOf(p, part), zeros[:part]), "memory at %p is not zero", p)
		p, n = unsafe.Add(p, part), n-part
	}
}

func TestSlabsAreAlignedZeroAndApart(t *testing.T) {
	configs := []struct {
		name string
		slab.Config
	}{
		{"default", slab.Config{}},
		{"one slab a region", slab.Config{RegionBytes: slab.Size}},
		{"three slabs a region", slab.Config{RegionBytes: 2*slab.Size + 1}},
		{"huge pages", slab.Config{RegionBytes: 4 * slab.Size, HugePages: true}},
		{"prefault", slab.Config{RegionBytes: 4 * slab.Size, Prefault: true}},
		{"huge pages, prefault", slab.Config{RegionBytes: 4 * slab.Size, HugePages: true, Prefault: true}},
	}
	for _, c := range configs {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t, c.Config)
			var all []*slab.Slab[note]
			for i := range 7 {
				sl := acquire(t, s)
				require.Zero(t, uintptr(sl.Base())%slab.Size)
				require.Zero(t, sl.Desc)
				requireZero(t, sl.Base(), slab.Size)
				fill(sl, byte(i+1))
				sl.Desc.id = i
				all = append(all, sl)
			}
			for i, sl := range all {
				b := bytesOf(sl.Base(), slab.Size)
				require.Equal(t, len(b), bytes.Count(b, []byte{byte(i + 1)}), "slabs do not overlap")
				require.Equal(t, i, sl.Desc.id)
				require.Same(t, sl, s.Find(sl.Base()))
			}
		})
	}
}

func TestReturnedSlabIsHandedOutZero(t *testing.T) {
	s := newStore(t, slab.Config{RegionBytes: 2 * slab.Size})
	text := "kept by the descriptor"
	first, second := acquire(t, s), acquire(t, s)
	for round := range 3 {
		for _, sl := range []*slab.Slab[note]{first, second} {
			fill(sl, 0xa5)
			sl.Desc = note{id: 7, text: &text}
			require.NoError(t, s.Return(sl))
			require.Zero(t, sl.Desc, "a returned slab keeps nothing of its user's reachable")
		}
		require.Equal(t, 2, s.Stats().FreeSlabs)
		first, second = acquire(t, s), acquire(t, s)
		for _, sl := range []*slab.Slab[note]{first, second} {
			require.Zero(t, sl.Desc)
			requireZero(t, sl.Base(), slab.Size)
		}
		require.EqualValues(t, 2*slab.Size, s.Stats().Reserved, "round %d: returned slabs come before new regions", round)
	}
}

func TestDiscardTakesWholePagesOnly(t *testing.T) {
	page := slab.PageSize()
	tests := []struct {
		name          string
		from, n       uintptr
		zeroAt, zeroN uintptr // what becomes zero
	}{
		{"nothing", 0, 0, 0, 0},
		{"less than a page", 0, page - 1, 0, 0},
		{"a page", 0, page, 0, page},
		{"a page, not aligned", 1, page, 0, 0},
		{"two pages less a byte, not aligned", 1, 2*page - 2, 0, 0},
		{"up to a page's end", 1, 2*page - 1, page, page},
		{"with a tail", page, 2*page + 5, page, 2 * page},
		{"with head and tail", page - 1, 3*page + 2, page, 3 * page},
		{"the last page", slab.Size - page, page, slab.Size - page, page},
		{"the last byte", slab.Size - 1, 1, 0, 0},
		{"everything", 0, slab.Size, 0, slab.Size},
	}
	s := newStore(t, slab.Config{RegionBytes: 4 * slab.Size})
	sl := acquire(t, s)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fill(sl, 0x5a)
			before := s.Stats()
			require.NoError(t, s.Discard(unsafe.Add(sl.Base(), test.from), test.n))
			b := bytesOf(sl.Base(), slab.Size)
			zero := test.zeroN
			if slab.FromHeap {
				zero = 0
			} else {
				requireZero(t, unsafe.Add(sl.Base(), test.zeroAt), zero)
			}
			require.EqualValues(t, slab.Size-zero, bytes.Count(b, []byte{0x5a}), "what is not in a whole page stays")
			before.HandedBack += uint64(zero)
			require.Equal(t, before, s.Stats())
		})
	}
}

func TestDiscardElsewhereIsUnknown(t *testing.T) {
	s := newStore(t, slab.Config{RegionBytes: 4 * slab.Size})
	sl, returned := acquire(t, s), acquire(t, s)
	require.NoError(t, s.Return(returned))
	large, err := s.Map(1)
	require.NoError(t, err)
	other := new([64]byte)
	tests := []struct {
		name string
		p    unsafe.Pointer
		n    uintptr
	}{
		{"nil", nil, 1},
		{"the Go heap", unsafe.Pointer(other), 64},
		{"a mapping", large, 1},
		{"a returned slab", returned.Base(), slab.Size},
		{"a slab that was never used", unsafe.Add(sl.Base(), 3*slab.Size), 1},
		{"beyond the slab", unsafe.Add(sl.Base(), 1), slab.Size},
		{"more than a slab", sl.Base(), slab.Size + 1},
		{"around the address space", unsafe.Add(sl.Base(), 5), ^uintptr(0)},
	}
	fill(sl, 1)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.ErrorIs(t, s.Discard(test.p, test.n), slab.ErrUnknown)
		})
	}
	require.Equal(t, int(slab.Size), bytes.Count(bytesOf(sl.Base(), slab.Size), []byte{1}), "nothing was discarded")
}

func TestReturnOfWhatIsNotInUsePanics(t *testing.T) {
	s, other := newStore(t, slab.Config{RegionBytes: slab.Size}), newStore(t, slab.Config{RegionBytes: slab.Size})
	twice, live, foreign := acquire(t, s), acquire(t, s), acquire(t, other)
	require.NoError(t, s.Return(twice))
	copied := *live
	before := s.Stats()
	for name, sl := range map[string]*slab.Slab[note]{
		"returned twice":  twice,
		"another store's": foreign,
		"a copy":          &copied,
		"made up":         {},
		"nil":             nil,
	} {
		t.Run(name, func(t *testing.T) {
			require.PanicsWithValue(t, "slab: Return of a slab that is not in use: returned twice, or another store's",
				func() { _ = s.Return(sl) })
			require.Equal(t, before, s.Stats(), "and the store goes on")
		})
	}
	require.NoError(t, other.Return(foreign))
	require.NoError(t, s.Return(live))
}

func TestSlabsVisitsThoseInUseInOrder(t *testing.T) {
	s := newStore(t, slab.Config{RegionBytes: 2 * slab.Size})
	for range s.Slabs {
		t.Fatal("there is no slab yet")
	}
	inUse := make(map[*slab.Slab[note]]bool)
	for i := range 9 {
		sl := acquire(t, s)
		sl.Desc.id = i
		inUse[sl] = true
	}
	for sl := range inUse {
		if sl.Desc.id%3 == 0 {
			require.NoError(t, s.Return(sl))
			delete(inUse, sl)
		}
	}
	last := uintptr(0)
	seen := make(map[*slab.Slab[note]]bool)
	for sl := range s.Slabs {
		require.Greater(t, uintptr(sl.Base()), last)
		last = uintptr(sl.Base())
		seen[sl] = true
	}
	require.Equal(t, inUse, seen)

	visited := 0
	for range s.Slabs {
		if visited++; visited == 2 {
			break
		}
	}
	require.Equal(t, 2, visited)

	for sl := range s.Slabs {
		require.NoError(t, s.Return(sl), "the store can be used meanwhile")
	}
	require.Zero(t, s.Stats().Slabs)
}

func TestClosedStoreRefusesAll(t *testing.T) {
	s := slab.NewStore[note](slab.Config{RegionBytes: 2 * slab.Size})
	sl := acquire(t, s)
	large, err := s.Map(1)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing again does nothing")

	_, err = s.Acquire()
	require.ErrorIs(t, err, slab.ErrClosed)
	_, err = s.Map(1)
	require.ErrorIs(t, err, slab.ErrClosed)
	require.ErrorIs(t, s.Unmap(large, 1), slab.ErrClosed)
	require.ErrorIs(t, s.Return(sl), slab.ErrClosed)
	require.ErrorIs(t, s.Discard(sl.Base(), 1), slab.ErrClosed)
	require.Nil(t, s.Find(sl.Base()))
	require.Zero(t, s.MappingSize(large))
	for range s.Slabs {
		t.Fatal("a closed store has no slab")
	}
}

func TestClosingAnUnusedStore(t *testing.T) {
	s := slab.NewStore[struct{}](slab.Config{BeforeMap: func(uintptr) error { return errors.New("not asked for") }})
	require.Zero(t, s.Stats(), "a new store has no memory")
	require.NoError(t, s.Close())
	require.Zero(t, s.Stats())
}

// What a slab is given back with Return is not given back again by Close; but on
// the Go heap, where Return gives nothing back, Close does.
func TestEveryByteIsHandedBackOnce(t *testing.T) {
	s := slab.NewStore[note](slab.Config{RegionBytes: 4 * slab.Size})
	first, second := acquire(t, s), acquire(t, s)
	require.NoError(t, s.Return(first))
	large, err := s.Map(slab.Size)
	require.NoError(t, err)
	_, err = s.Map(1)
	require.NoError(t, err)
	require.NoError(t, s.Unmap(large, slab.Size))
	want := uint64(slab.Size)
	if !slab.FromHeap {
		want += slab.Size
	}
	require.Equal(t, want, s.Stats().HandedBack)
	require.NotNil(t, second)
	require.NoError(t, s.Close())
	require.Equal(t, slab.Stats{HandedBack: 3*slab.Size + uint64(slab.PageSize())}, s.Stats())
}
