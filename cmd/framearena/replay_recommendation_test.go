package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecommendation(t *testing.T) {
	// The heap, the arena and the cache with the given times.
	rows := func(heap, shared, cache float64, change func(rows []replayRow)) []replayRow {
		rows := []replayRow{
			{Name: replayHeap, Title: "Go heap", NsPerOperation: heap, HeldBytes: 100 << 20, care: "H."},
			{Name: replayArena, Title: "shared arena", NsPerOperation: shared, HeldBytes: 110 << 20, care: "A."},
			{Name: "cache", Title: "owner's cache", NsPerOperation: cache, HeldBytes: 110 << 20, care: "C."},
			{Name: "counting", NsPerOperation: 0.1, wraps: true},
		}
		change(rows)
		for i := range rows {
			rows[i].RatioToHeap = rows[i].NsPerOperation / heap
		}
		return rows
	}
	nothing := func([]replayRow) {}
	for _, c := range []struct {
		rows []replayRow
		name string
		says string
	}{
		{rows(50, 30, 20, nothing), "cache",
			"0.40 of the Go heap's time (20.0 ns against 50.0 ns an operation), and 115 MB held at the peak against 105 MB. C. Without one, the shared arena takes 0.60 of the heap's time."},
		{rows(50, 21, 20, nothing), replayArena,
			"0.42 of the Go heap's time (21.0 ns against 50.0 ns an operation), and 115 MB held at the peak against 105 MB. A."},
		{rows(20, 30, 19, nothing), replayHeap,
			"20.0 ns an operation, and nothing that fits is more than a tenth faster (owner's cache: 19.0 ns). H."},
		{rows(50, 30, 20, func(r []replayRow) { r[2].Refusals = 1 }), replayArena, "0.60"},
		{rows(50, 30, 20, func(r []replayRow) { r[2].HeldBytes = 201 << 20 }), replayArena, "0.60"},
		{rows(50, 30, 20, func(r []replayRow) { r[0].HeldBytes, r[1].HeldBytes, r[2].HeldBytes = 1000, 9000, 4<<20 }), "cache", "0.40"},
		{rows(50, 30, 20, func(r []replayRow) { r[0].Refusals, r[1].Refusals, r[2].Refusals = 1, 1, 1 }), "", "Every allocator refused"},
	} {
		got := recommend(c.rows)
		require.Equal(t, c.name, got.Name)
		require.Contains(t, got.Reason, c.says)
	}
}

func TestNoiseOfARecommendation(t *testing.T) {
	rows := []replayRow{
		{Name: replayHeap, Title: "Go heap", NsPerOperation: 50, Spread: 0.1},
		{Name: replayArena, Title: "shared arena", NsPerOperation: 30, Spread: 0.1},
		{Name: "cache", Title: "owner's cache", NsPerOperation: 20, Spread: 0.4, option: "Do."},
	}
	got := recommend(rows)
	require.Equal(t, "cache", got.Name)
	require.Empty(t, got.Noise)
	require.Equal(t, "Do.", got.Option)

	rows[2].Spread = 0.6
	noise := "Too noisy to tell: its lead over the shared arena is 10.0 ns an operation, and rounds differ by 12.0 ns. Use more --rounds, or a machine that does nothing else."
	require.Equal(t, noise, recommend(rows).Noise)
	rows[2].Spread, rows[1].Spread = 0, 0.4
	require.Equal(t, noise, recommend(rows).Noise)
	for _, c := range replayContenders() {
		require.Equal(t, c.wraps, c.option == "", c.name)
	}
}
