package main

import (
	"fmt"
	"strings"
)

func (r *replayReport) text() string {
	var b strings.Builder
	b.WriteString(r.Machine.text())
	b.WriteString(r.Trace.text())
	fmt.Fprintf(&b, "\nEach allocator, median of %s; memory at the peak of live bytes (RSS: %s)\n\n",
		counted(r.Rounds, "round", "rounds"), r.RSSSource)
	t := table{{"allocator", "time/op", "spread", "of heap", "held", "waste", "RSS growth", "heap allocs/op", "GC cycles", "refusals"}}
	for _, row := range r.Rows {
		t = append(t, []string{
			row.Title,
			humanTime(row.NsPerOperation),
			fmt.Sprintf("%.0f %%", 100*row.Spread),
			part(row.RatioToHeap),
			humanBytes(float64(row.HeldBytes)),
			fmt.Sprintf("%.0f %%", 100*row.Waste),
			humanBytes(float64(row.RSSGrowth)),
			fmt.Sprintf("%.2f", row.HeapAllocs),
			fmt.Sprint(row.GCCycles),
			grouped(row.Refusals),
		})
	}
	b.WriteString(t.text())
	if len(r.LeftOut) > 0 {
		b.WriteByte('\n')
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(&b, "  not played: %s: %s\n", l.Title, l.Reason)
	}
	if r.Recommendation.Name == "" {
		fmt.Fprintf(&b, "\nNo recommendation. %s\n", r.Recommendation.Reason)
	} else {
		fmt.Fprintf(&b, "\nRecommended: %s.\n%s\n", r.Recommendation.Title, r.Recommendation.Reason)
	}
	return b.String()
}

func (t replayTrace) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe trace: %s by %s; %s allocated, %s freed\n",
		counted(t.Operations, "operation", "operations"), counted(t.Threads, "thread", "threads"),
		counted(t.Allocations, "frame", "frames"), grouped(t.Deallocations))
	fmt.Fprintf(&b, "At the peak, %s live in %s; an arena's classes make %s of it\n",
		humanBytes(float64(t.PeakBytes)), counted(t.PeakFrames, "frame", "frames"), humanBytes(float64(t.PeakFootprint)))
	if t.Refused > 0 {
		fmt.Fprintf(&b, "Not played: %s that the recorded allocator refused\n", counted(t.Refused, "request", "requests"))
	}
	if t.Unknown > 0 {
		fmt.Fprintf(&b, "Not played: the freeing of %s whose allocation was not recorded\n", counted(t.Unknown, "frame", "frames"))
	}
	classes := table{{"class", "allocated", "most live"}}
	for _, c := range t.Classes {
		name := "larger"
		if c.FrameBytes > 0 {
			name = grouped(int(c.FrameBytes)) + " B"
		}
		classes = append(classes, []string{name, grouped(c.Allocations), grouped(c.PeakFrames)})
	}
	return b.String() + "\n" + classes.text()
}

// counted returns a number with the noun that it counts, in singular or plural.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}
