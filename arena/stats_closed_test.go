package arena_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
