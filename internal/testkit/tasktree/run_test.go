package tasktree

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/race"
)

// seeds returns how many of n trees a test runs in this build.
func seeds(n int) int {
	if testing.Short() {
		n /= 8
	}
	if race.Enabled {
		n /= 2
	}
	return max(n, 2)
}

// Trees have the right outcomes on all executors, each with all allocators.
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

// Trees leave nothing behind when their executor is closed while they run.
func TestTreesOnAnExecutorThatIsClosed(t *testing.T) {
	for w, world := range Worlds() {
		t.Run(world.Name, func(t *testing.T) {
			t.Parallel()
			for m, memory := range Memories() {
				for i := range seeds(24) {
					there := requireMemory(t, memory)
					tree := Generate(uint64(1_000_000+1000*(100*w+m)+i), 8+i%5*12)
					here := world.New()
					require.NoError(t, RunClosing(tree, here, here.With(there), time.Duration(i*i)*time.Microsecond), memory.Name)
					require.NoError(t, there.Close())
				}
			}
		})
	}
}

// Trees on one executor do not disturb each other.
func TestTreesAtTheSameTime(t *testing.T) {
	for w, world := range Worlds() {
		if world.Name == "loop" || world.Name == "virtual loop" { // a tree drives it
			continue
		}
		t.Run(world.Name, func(t *testing.T) {
			t.Parallel()
			here := world.New()
			var all sync.WaitGroup
			for m, memory := range Memories() {
				there := requireMemory(t, memory)
				all.Go(func() {
					opts := here.With(there)
					opts.Arena = nil // other trees have frames there
					for i := range seeds(40) {
						tree := Generate(uint64(2_000_000+1000*(100*w+m)+i), 8+i%5*12)
						if err := Run(context.Background(), tree, here.Executor, opts); err != nil {
							t.Error(memory.Name, err)
							return
						}
					}
					if err := there.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			require.NoError(t, here.Close())
		})
	}
}

// When the caller's context ends, Run returns its cause and leaves no frame behind.
func TestRunOfAContextThatEnds(t *testing.T) {
	cause := errors.New("it takes too long")
	for _, world := range Worlds() {
		for seed := range uint64(seeds(40)) {
			ctx, cancel := context.WithCancelCause(context.Background())
			if seed%2 == 0 {
				cancel(cause)
			} else {
				time.AfterFunc(time.Duration(seed)*10*time.Microsecond, func() { cancel(cause) })
			}
			here, there := world.New(), requireMemory(t, Memories()[1])
			if err := Run(ctx, Generate(seed, 30), here.Executor, here.With(there)); seed%2 == 0 {
				require.ErrorIs(t, err, cause)
			} else if err != nil {
				require.Equal(t, cause, err)
			}
			cancel(nil)
			require.NoError(t, here.Close())
			require.NoError(t, there.Close())
		}
	}
}

func requireMemory(t *testing.T, memory NamedMemory) Memory {
	t.Helper()
	m, err := memory.New()
	require.NoError(t, err)
	return m
}
