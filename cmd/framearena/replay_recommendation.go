package main

import (
	"cmp"
	"fmt"
	"slices"
)

// replayRecommendation is the recommended allocator, with the reason.
type replayRecommendation struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Reason string `json:"reason"`
	Noise  string `json:"noise"`  // why the times do not tell it from a simpler one; empty: they do
	Option string `json:"option"` // what to launch tasks with, for those frames
}

// The rules of a recommendation.
const (
	muchMemory     = 2.0     // more than this many times the memory of the leanest is too much,
	memoryNoObject = 4 << 20 // unless it is fewer than this many bytes more
	sameTime       = 1.1     // up to this many times the time of the fastest is as good
)

// recommend returns the first of the rows whose time is as good as that of the fastest.
// Rows that require the least of their user come first; the first one is the Go heap. Rows
// that refused frames, or that hold much more memory than the leanest, are left out.
func recommend(rows []replayRow) replayRecommendation {
	fits := slices.DeleteFunc(slices.Clone(rows), func(r replayRow) bool { return r.wraps || r.Refusals > 0 })
	if len(fits) == 0 {
		return replayRecommendation{Reason: "Every allocator refused frames of this trace."}
	}
	leanest := slices.MinFunc(fits, func(a, b replayRow) int { return cmp.Compare(a.HeldBytes, b.HeldBytes) }).HeldBytes
	fits = slices.DeleteFunc(fits, func(r replayRow) bool {
		return float64(r.HeldBytes) > muchMemory*float64(leanest) && r.HeldBytes > leanest+memoryNoObject
	})
	fastest := slices.MinFunc(fits, func(a, b replayRow) int { return cmp.Compare(a.NsPerOperation, b.NsPerOperation) })
	best := fits[slices.IndexFunc(fits, func(r replayRow) bool {
		return r.NsPerOperation <= sameTime*fastest.NsPerOperation
	})]
	return replayRecommendation{
		Name: best.Name, Title: best.Title, Reason: reasonFor(best, fastest, rows),
		Noise: noiseOf(best, fits), Option: best.option,
	}
}

// noiseOf returns a sentence if best is too close to one of the rows before it, which require less
// of their user: if its lead is smaller than the spread of its rounds, or of the other's.
func noiseOf(best replayRow, fits []replayRow) string {
	for _, r := range fits {
		if r.Name == best.Name {
			break
		}
		lead := r.NsPerOperation - best.NsPerOperation
		spread := max(best.Spread*best.NsPerOperation, r.Spread*r.NsPerOperation)
		if spread > lead {
			return fmt.Sprintf("Too noisy to tell: its lead over the %s is %s an operation, and rounds differ by %s. Use more --rounds, or a machine that does nothing else.",
				r.Title, humanTime(lead), humanTime(spread))
		}
	}
	return ""
}

// reasonFor returns the reason for a recommendation, with figures.
func reasonFor(best, fastest replayRow, rows []replayRow) string {
	if best.Name == replayHeap {
		return fmt.Sprintf("%s an operation, and nothing that fits is more than a tenth faster (%s: %s). %s",
			humanTime(best.NsPerOperation), fastest.Title, humanTime(fastest.NsPerOperation), best.care)
	}
	heap := rows[0]
	reason := fmt.Sprintf("%s of the Go heap's time (%s against %s an operation), and %s held at the peak against %s. %s",
		part(best.RatioToHeap), humanTime(best.NsPerOperation), humanTime(heap.NsPerOperation),
		humanBytes(float64(best.HeldBytes)), humanBytes(float64(heap.HeldBytes)), best.care)
	shared := slices.IndexFunc(rows, func(r replayRow) bool { return r.Name == replayArena && r.Refusals == 0 })
	if shared >= 0 && best.Name != replayArena && slices.IndexFunc(rows, func(r replayRow) bool { return r.Name == best.Name }) > shared {
		reason += fmt.Sprintf(" Without one, the %s takes %s of the heap's time.", rows[shared].Title, part(rows[shared].RatioToHeap))
	}
	return reason
}
