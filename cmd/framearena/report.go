package main

import (
	"fmt"
	"strings"
)

// text returns the machine as one line.
func (m machine) text() string {
	cpus := fmt.Sprintf("%d CPUs", m.CPUs)
	if m.CPUs == 1 {
		cpus = "1 CPU"
	}
	return fmt.Sprintf("framearena on %s/%s, %s, GOMAXPROCS %d, %s\n", m.OS, m.Arch, cpus, m.GOMAXPROCS, m.Go)
}

// text returns the table of the tour's first part.
func (r *chainReport) text() string {
	t := table{{"frames from", "ns/frame", "spread", "ratio", "heap allocs/frame", "GC cycles"}}
	for _, row := range r.Rows {
		t = append(t, []string{
			row.Title,
			fmt.Sprintf("%.1f", row.NsPerFrame),
			fmt.Sprintf("%.0f %%", 100*row.Spread),
			fmt.Sprintf("%.2f", row.Ratio),
			fmt.Sprintf("%.2f", row.AllocsPerFrame),
			fmt.Sprint(row.GCCycles),
		})
	}
	return fmt.Sprintf("\nA chain of tasks, 4 deep: %d frames an iteration, %s iterations a round, median of %d rounds\n\n%s",
		r.FramesPerIteration, grouped(r.Iterations), r.Rounds, t.text())
}

// text returns the table of the tour's second part. Its last row compares the first two.
func (r *crowdReport) text() string {
	n := float64(r.Activities)
	t := table{{"", "create each", "memory each", "memory all", "GC before", "GC while suspended", "finish each"}}
	for _, row := range r.Rows {
		t = append(t, []string{
			row.Title,
			humanTime(row.CreateNs),
			humanBytes(row.MemoryBytes),
			humanBytes(row.MemoryBytes * n),
			humanTime(row.GCEmptyNs),
			humanTime(row.GCSuspendedNs),
			humanTime(row.FinishNs),
		})
	}
	tasks, goroutines := r.Rows[0], r.Rows[1]
	t = append(t, []string{
		"goroutines / tasks",
		humanRatio(goroutines.CreateNs, tasks.CreateNs),
		humanRatio(goroutines.MemoryBytes, tasks.MemoryBytes),
		humanRatio(goroutines.MemoryBytes, tasks.MemoryBytes),
		"",
		humanRatio(goroutines.GCSuspendedNs, tasks.GCSuspendedNs),
		humanRatio(goroutines.FinishNs, tasks.FinishNs),
	})
	return fmt.Sprintf("\n%s idle activities, each sort in a process of its own (memory from %s)\n\n%s",
		grouped(r.Activities), tasks.MemorySource, t.text())
}

// table is a list of rows, all with the same number of cells. The first column is aligned to
// the left. The others have figures and are aligned to the right.
type table [][]string

// text returns the table with its columns aligned.
func (t table) text() string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range t {
		fmt.Fprintf(&b, "  %-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
