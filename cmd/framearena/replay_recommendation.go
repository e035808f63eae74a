package main

import (
	"cmp"
	"fmt"
	"slices"
)

// replayRecommendation is one allocator, and why.
type replayRecommendation struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Reason string `json:"reason"`
}

// What a recommendation goes by.
const (
	muchMemory     = 2.0     // this many times what the leanest holds is too much,
	memoryNoObject = 4 << 20 // unless it is less than this many bytes more
	sameTime       = 1.1     // this many times the fastest's time is as good
)

// recommend picks the row that asks the least of its user among those that are as
// good as the fastest. Rows come in this order, those that ask the least first;
// the first is the Go heap. Those that refused frames, or that hold much more
// memory than others, are out.
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
	return replayRecommendation{Name: best.Name, Title: best.Title, Reason: reasonFor(best, fastest, rows)}
}

// reasonFor says in figures why it is best.
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
