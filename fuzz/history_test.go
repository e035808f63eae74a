package fuzz

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A history keeps its bounds, frees what is live only, and is the same each time.
func TestHistories(t *testing.T) {
	for _, c := range []*config{
		newConfig[Option](), withEverything(), newConfig(Sizes(1)), newConfig(MaxSize(300)),
		newConfig(Budget(64<<10, nil)), newConfig(Budget(10, func(uintptr) uintptr { return 100 })),
	} {
		for n := range 2 * len(histories) {
			for _, operations := range []int{1, 100, 20_000} {
				p := c.history(rand.New(rand.NewPCG(1, 2)), n, operations)
				require.Equal(t, p, c.history(rand.New(rand.NewPCG(1, 2)), n, operations))
				require.LessOrEqual(t, len(p), operations+2+2) // caches are opened, and Collect
				live := make(map[int]uintptr)
				bytes, cost := uintptr(0), uintptr(0)
				for _, op := range p {
					switch op.Do {
					case Allocate:
						require.LessOrEqual(t, op.Size, c.maxSize)
						live[op.Frame] = op.Size
						bytes, cost = bytes+op.Size, cost+c.cost(op.Size)
					case Free, FreeElsewhere:
						size, ok := live[op.Frame]
						require.True(t, ok)
						delete(live, op.Frame)
						bytes, cost = bytes-size, cost-c.cost(size)
					}
					if len(live) > maxHistoryLive || bytes > maxLiveBytes || c.budgeted && cost > c.budget {
						t.Fatalf("%d frames are live, with %d bytes", len(live), bytes)
					}
				}
			}
		}
	}
}

// With more operations there are more live frames and longer histories.
func TestHistoriesGrowWithOperations(t *testing.T) {
	peak := func(operations int) (most int) {
		live := 0
		for _, op := range newConfig[Option]().history(rand.New(rand.NewPCG(1, 2)), 3, operations) {
			switch op.Do {
			case Allocate:
				live++
			case Free, FreeElsewhere:
				live--
			}
			most = max(most, live)
		}
		return most
	}
	require.Equal(t, 2000, peak(10_000))
	require.Equal(t, 20_000, peak(100_000))
}
