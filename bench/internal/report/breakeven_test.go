package report

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/measure"
)

// crowdOf returns a crowd of a size with the bytes of an activity; 0 means not measured.
func crowdOf(size int, ours, goroutines float64) crowdPoint {
	d := &measure.Discipline{Size: size, Contestants: []measure.Contestant{
		contestantOf("framearena", contest.Ours, ours),
		contestantOf("structs by hand", contest.Peer, 1),
		{Name: "goroutines", Lang: "Go", Role: contest.Peer, Skipped: "no memory"},
	}}
	if goroutines > 0 {
		d.Contestants[2] = contestantOf("goroutines", contest.Peer, goroutines)
	}
	return pointOf(d, contest.Time)
}

func TestPaysFrom(t *testing.T) {
	few, some, many := crowdOf(1_000, 100, 50), crowdOf(10_000, 100, 101), crowdOf(1_000_000, 100, 300)
	none := crowdOf(10_000_000, 100, 0)
	for _, tc := range []struct {
		points []crowdPoint
		want   string
	}{
		{[]crowdPoint{few, some, many}, "1,000,000"},
		{[]crowdPoint{few, some, many, none}, "1,000,000"},
		{[]crowdPoint{few, crowdOf(10_000, 100, 150), many}, "10,000"},
		{[]crowdPoint{crowdOf(1_000, 100, 150), some, many}, "1,000,000"}, // better, even, better
		{[]crowdPoint{crowdOf(1_000, 100, 150), many}, "1,000, the fewest measured"},
		{[]crowdPoint{few, some}, "nowhere here"},
		{[]crowdPoint{many, crowdOf(10_000_000, 100, 50)}, "nowhere here"},
		{[]crowdPoint{none}, "not measured"},
		{nil, "not measured"},
	} {
		before := slices.Clone(tc.points)
		require.Equal(t, tc.want, paysFrom(tc.points))
		require.Equal(t, before, tc.points)
	}
}

func TestDifference(t *testing.T) {
	require.Equal(t, "▲ 200 ns less", crowdOf(1000, 100, 300).difference())
	require.Equal(t, "▼ 50 ns more", crowdOf(1000, 100, 50).difference())
	require.Equal(t, "= even", crowdOf(1000, 100, 102).difference())
	require.Equal(t, "—", crowdOf(1000, 100, 0).difference())

	memory := crowdOf(1000, 100, 300)
	memory.unit = contest.Bytes
	require.Equal(t, "▲ 200 KB less", memory.difference())
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 10_000_000: "10,000,000", 1_002_003: "1,002,003"} {
		require.Equal(t, want, grouped(n))
	}
}
