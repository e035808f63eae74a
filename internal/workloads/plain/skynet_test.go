package plain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
)

// BenchmarkSkynet's operation is a tree of a million leaves.
func BenchmarkSkynet(b *testing.B) {
	const leaves = 1_000_000
	sum := int64(leaves) * (leaves - 1) / 2
	run := func(name string, skynet func() any) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.Equal(b, int(sum), skynet()) // which wraps where an int has 32 bits
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/leaves, "ns/leaf")
		})
	}
	for _, on := range executors {
		for _, form := range []struct {
			name string
			run  func(ex coro.Executor, n int) (any, error)
		}{
			{"plain", func(ex coro.Executor, n int) (any, error) { return skynet.plain(ex, n) }},
			{"hand", skynet.hand},
		} {
			ex := on.open()
			run(on.name+"/"+form.name, func() any {
				sum, err := form.run(ex, leaves)
				require.NoError(b, err)
				return sum
			})
			require.NoError(b, ex.Close())
		}
	}
	run("goroutines", func() any { return workloads.SkynetGoroutines(leaves) })
}
