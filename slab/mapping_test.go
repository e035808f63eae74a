package slab_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

func TestMappingsAreWholeZeroPages(t *testing.T) {
	page := slab.PageSize()
	tests := []struct{ size, mapped uintptr }{
		{0, page},
		{1, page},
		{page - 1, page},
		{page, page},
		{page + 1, 2 * page},
		{slab.Size, slab.Size},
		{3*slab.Size - 1, 3 * slab.Size},
	}
	for _, prefault := range []bool{false, true} {
		s := newStore(t, slab.Config{Prefault: prefault})
		for _, test := range tests {
			t.Run(fmt.Sprintf("%d, prefault %t", test.size, prefault), func(t *testing.T) {
				before := s.Stats()
				p, err := s.Map(test.size)
				require.NoError(t, err)
				require.Zero(t, uintptr(p)%page)
				requireZero(t, p, test.mapped)
				for i := range test.mapped {
					*(*byte)(unsafe.Add(p, i)) = byte(i)
				}
				require.Equal(t, test.mapped, s.MappingSize(p))
				require.Zero(t, s.MappingSize(unsafe.Add(p, 1)), "only where a mapping begins")
				during := before
				during.Large++
				during.LargeBytes += test.mapped
				require.Equal(t, during, s.Stats())

				require.NoError(t, s.Unmap(p, test.size))
				require.Zero(t, s.MappingSize(p))
				before.HandedBack += uint64(test.mapped)
				require.Equal(t, before, s.Stats())
				require.ErrorIs(t, s.Unmap(p, test.size), slab.ErrUnknown, "unmapped twice")
				require.Equal(t, before, s.Stats())
			})
		}
	}
}

func TestUnmapOfWhatIsNoMapping(t *testing.T) {
	page := slab.PageSize()
	s, other := newStore(t, slab.Config{RegionBytes: slab.Size}), newStore(t, slab.Config{})
	p, err := s.Map(2 * page)
	require.NoError(t, err)
	foreign, err := other.Map(1)
	require.NoError(t, err)
	one, err := s.Map(1)
	require.NoError(t, err)
	before := s.Stats()
	tests := []struct {
		name string
		p    unsafe.Pointer
		size uintptr
	}{
		{"nil", nil, 1},
		{"inside", unsafe.Add(p, page), page},
		{"a slab", acquire(t, s).Base(), slab.Size},
		{"another store's", foreign, 1},
		{"too small", p, page},
		{"too large", p, 2*page + 1},
		{"0 for two pages", p, 0},
		{"around the address space", one, ^uintptr(0)},
		{"nearly around the address space", one, ^uintptr(0) - page + 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.ErrorIs(t, s.Unmap(test.p, test.size), slab.ErrUnknown)
			require.Equal(t, 2*page, s.MappingSize(p))
			require.Equal(t, page, s.MappingSize(one))
			require.Equal(t, before.Large, s.Stats().Large)
		})
	}
	require.NoError(t, s.Unmap(p, page+1), "any size that rounds to the same pages is right")
	require.NoError(t, s.Unmap(one, 0))
}

func TestImpossibleMappingsAreRefused(t *testing.T) {
	s := newStore(t, slab.Config{BeforeMap: func(uintptr) error {
		t.Error("the system need not be asked")
		return nil
	}})
	page := slab.PageSize()
	sizes := []uintptr{slab.MaxMapping + 1, ^uintptr(0) >> 1, ^uintptr(0) - page, ^uintptr(0) - page + 2, ^uintptr(0)}
	for i, size := range sizes {
		p, err := s.Map(size)
		require.ErrorIs(t, err, slab.ErrRefused)
		require.ErrorContains(t, err, "more than the address space")
		require.Nil(t, p)
		require.Equal(t, slab.Stats{Refusals: uint64(i + 1)}, s.Stats())
	}
}

func TestRefusedMapping(t *testing.T) {
	page := slab.PageSize()
	refuse := error(nil)
	var asked []uintptr
	s := newStore(t, slab.Config{BeforeMap: func(n uintptr) error {
		asked = append(asked, n)
		return refuse
	}})
	refuse = errNoMore
	p, err := s.Map(page + 1)
	require.Nil(t, p)
	require.ErrorIs(t, err, slab.ErrRefused)
	require.ErrorIs(t, err, errNoMore)
	require.ErrorContains(t, err, fmt.Sprint(2*page))
	require.Equal(t, slab.Stats{Refusals: 1}, s.Stats())
	refuse = nil
	p, err = s.Map(page + 1)
	require.NoError(t, err)
	require.NoError(t, s.Unmap(p, page+1))
	require.Equal(t, []uintptr{2 * page, 2 * page}, asked)
}

// Close gives back the mappings that are left.
func TestCloseWithMappings(t *testing.T) {
	s := slab.NewStore[note](slab.Config{})
	for range 3 {
		_, err := s.Map(1)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	require.Equal(t, slab.Stats{HandedBack: 3 * uint64(slab.PageSize())}, s.Stats())
}
