// Package stats summarises samples.
package stats

import (
	"math"
	"slices"
)

// Summary has the figures that a table shows of samples.
type Summary struct {
	N              int
	Median         float64
	Low, High      float64 // the quartiles
	Smallest, Most float64
}

// Of returns the summary of samples. There must be at least one.
func Of(samples []float64) Summary {
	s := slices.Sorted(slices.Values(samples))
	return Summary{
		N:        len(s),
		Median:   quantile(s, 0.5),
		Low:      quantile(s, 0.25),
		High:     quantile(s, 0.75),
		Smallest: s[0],
		Most:     s[len(s)-1],
	}
}

// Spread returns the distance between the quartiles, as a part of the median.
func (s Summary) Spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return (s.High - s.Low) / s.Median
}

// Overlaps reports whether the middle halves of two sets of samples overlap. If they do,
// neither is called better.
func (s Summary) Overlaps(t Summary) bool { return s.Low <= t.High && t.Low <= s.High }

// quantile returns the q-quantile of sorted values, interpolated between neighbours.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(math.Floor(at))
	if i+1 >= len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// Percentile returns the value that p percent of the sorted values do not exceed.
func Percentile[T any](sorted []T, p float64) T {
	i := int(math.Ceil(p/100*float64(len(sorted)))) - 1
	return sorted[max(i, 0)]
}
