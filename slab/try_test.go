package slab_test

import (
	"testing"

	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// TryAcquire and TryMap do what Acquire and Map do, and a refusal allocates nothing.
func TestTry(t *testing.T) {
	refuse := false
	s := slab.NewStore[note](slab.Config{RegionBytes: slab.Size, BeforeMap: func(uintptr) error {
		if refuse {
			return errNoMore
		}
		return nil
	}})
	sl, p := s.TryAcquire(), s.TryMap(100)
	require.NotNil(t, sl)
	require.NotNil(t, p)
	refuse = true
	allocs := testing.AllocsPerRun(100, func() {
		if s.TryAcquire() != nil || s.TryMap(100) != nil || s.TryMap(^uintptr(0)) != nil {
			t.Error("not refused")
		}
	})
	if !race.Enabled {
		require.Zero(t, allocs)
	}
	require.EqualValues(t, 3*101, s.Stats().Refusals)
	require.NoError(t, s.Unmap(p, 100))
	require.NoError(t, s.Return(sl))
	require.Same(t, sl, s.TryAcquire(), "a slab that was used before")
	require.NoError(t, s.Close())
	require.Nil(t, s.TryAcquire())
	require.Nil(t, s.TryMap(1))
}
