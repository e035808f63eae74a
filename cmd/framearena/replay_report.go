package main

import (
	"fmt"
	"strings"
)

func (r *replayReport) text() string {
	var b strings.Builder
	b.WriteString(r.Machine.text())
	b.WriteString(r.Trace.text())
	b.WriteString("\n" + wrapped(fmt.Sprintf("Each allocator, median of %s; memory at the peak (RSS: %s)",
		counted(r.Rounds, "round", "rounds"), r.RSSSource), columns) + "\n")
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
		b.WriteString(wrapped(fmt.Sprintf("not played: %s: %s", l.Title, l.Reason), columns))
	}
	if r.Recommendation.Name == "" {
		b.WriteString("\n" + wrapped("No recommendation. "+r.Recommendation.Reason, columns))
	} else {
		fmt.Fprintf(&b, "\nRecommended: %s.\n%s", r.Recommendation.Title, wrapped(r.Recommendation.Reason, columns))
		for _, more := range []string{r.Recommendation.Noise, r.Recommendation.Option} {
			if more != "" {
				b.WriteString(wrapped(more, columns))
			}
		}
	}
	return b.String()
}

func (t replayTrace) text() string {
	var b strings.Builder
	b.WriteByte('\n')
	line := func(format string, args ...any) { b.WriteString(wrapped(fmt.Sprintf(format, args...), columns)) }
	line("The trace: %s by %s; %s allocated, %s freed", counted(t.Operations, "operation", "operations"), counted(t.Threads, "thread", "threads"),
		counted(t.Allocations, "frame", "frames"), grouped(t.Deallocations))
	line("At the peak, %s live in %s, which take %s of an arena",
		humanBytes(float64(t.PeakBytes)), counted(t.PeakFrames, "frame", "frames"), humanBytes(float64(t.PeakFootprint)))
	if t.Moved > 0 {
		line("Freed by another thread than had allocated them: %s", counted(t.Moved, "frame", "frames"))
	}
	if t.Refused > 0 {
		line("Not played: %s that the recorded allocator refused", counted(t.Refused, "request", "requests"))
	}
	if t.Unknown > 0 {
		line("Not played: the freeing of %s whose allocation was not recorded", counted(t.Unknown, "frame", "frames"))
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
