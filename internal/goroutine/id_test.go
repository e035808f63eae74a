package goroutine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/goroutine"
)

func TestID(t *testing.T) {
	mine := goroutine.ID()
	seen := map[uint64]bool{mine: true}
	for range 100 {
		ids := make(chan uint64, 2)
		go func() {
			ids <- goroutine.ID()
			ids <- goroutine.ID()
		}()
		first, second := <-ids, <-ids
		require.Equal(t, first, second)
		require.False(t, seen[first], "two goroutines with one number")
		seen[first] = true
	}
	require.Equal(t, mine, goroutine.ID())
}
