package stats_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/stats"
)

func TestOf(t *testing.T) {
	for _, tc := range []struct {
		name    string
		samples []float64
		want    stats.Summary
		spread  float64
	}{
		{"one", []float64{7}, stats.Summary{1, 7, 7, 7, 7, 7}, 0},
		{"two", []float64{3, 1}, stats.Summary{2, 2, 1.5, 2.5, 1, 3}, 0.5},
		{"odd, not in order", []float64{5, 1, 4, 2, 3}, stats.Summary{5, 3, 2, 4, 1, 5}, 2. / 3},
		{"even", []float64{1, 2, 3, 4}, stats.Summary{4, 2.5, 1.75, 3.25, 1, 4}, 0.6},
		{"an outlier moves neither", []float64{10, 10, 10, 10, 1000}, stats.Summary{5, 10, 10, 10, 10, 1000}, 0},
		{"zeros", []float64{0, 0, 0}, stats.Summary{3, 0, 0, 0, 0, 0}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := append([]float64(nil), tc.samples...)
			got := stats.Of(tc.samples)
			require.Equal(t, tc.want, got)
			require.InDelta(t, tc.spread, got.Spread(), 1e-12)
			require.Equal(t, before, tc.samples)
		})
	}
}

func TestOverlaps(t *testing.T) {
	low, middle, high := stats.Of([]float64{1, 2, 3}), stats.Of([]float64{2, 3, 4}), stats.Of([]float64{5, 6, 7})
	require.True(t, low.Overlaps(middle))
	require.True(t, middle.Overlaps(low))
	require.False(t, middle.Overlaps(high))
	require.False(t, high.Overlaps(low))
}

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for p, want := range map[float64]int{0: 1, 1: 1, 50: 50, 99: 99, 99.9: 100, 100: 100} {
		require.Equal(t, want, stats.Percentile(hundred, p), p)
	}
	require.Equal(t, 5, stats.Percentile([]int{5}, 99.9))
}
