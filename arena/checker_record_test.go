package arena

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The system may give the address of a large frame that was freed to a region of
// slabs.
func TestFrameWhereALargeOneWas(t *testing.T) {
	a, err := New(WithChecks(0))
	require.NoError(t, err)
	p := a.Allocate(100)
	require.NotNil(t, p)
	a.checker.large[uintptr(p)] = &record{state: frameFreed, size: 100_000}
	require.NotPanics(t, func() { a.Deallocate(p, 100) })
	require.Zero(t, a.Stats().Total.Live)
	require.NoError(t, a.Close())
}
