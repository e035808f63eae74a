package tasktree

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/race"
)

// seeds returns how many trees a test has.
func seeds(n int) int {
	if testing.Short() {
		n /= 4
	}
	if race.Enabled {
		n /= 2
	}
	return max(n, 2)
}

// All executors, each with all allocators.
func TestTrees(t *testing.T) {
	for w, world := range Worlds() {
		t.Run(world.Name, func(t *testing.T) {
			t.Parallel()
			for m, memory := range Memories() {
				t.Run(memory.Name, func(t *testing.T) {
					first := uint64(1000 * (100*w + m))
					for seed := range uint64(seeds(24)) {
						here, there := world.New(), requireMemory(t, memory)
						for i := range uint64(4) { // one tree after the other
							tree := Generate(first+4*seed+i, 8+int(seed)%5*12)
							require.NoError(t, Run(context.Background(), tree, here.Executor, here.With(there)))
						}
						require.NoError(t, here.Close())
						require.NoError(t, there.Close())
					}
				})
			}
		})
	}
}

func requireMemory(t *testing.T, memory NamedMemory) Memory {
	t.Helper()
	m, err := memory.New()
	require.NoError(t, err)
	return m
}
