package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
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
	title := fmt.Sprintf("A chain of tasks, 4 deep: %d frames an iteration, %s a round, median of %s",
		r.FramesPerIteration, counted(r.Iterations, "iteration", "iterations"), counted(r.Rounds, "round", "rounds"))
	return "\n" + wrapped(title, columns) + "\n" + t.text()
}

// text returns the table of the tour's second part. Its last row compares goroutines with the first.
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
	tasks, goroutines := r.Rows[0], r.Rows[len(r.Rows)-1]
	t = append(t, []string{
		"goroutines / tasks",
		humanRatio(goroutines.CreateNs, tasks.CreateNs),
		humanRatio(goroutines.MemoryBytes, tasks.MemoryBytes),
		humanRatio(goroutines.MemoryBytes, tasks.MemoryBytes),
		"",
		humanRatio(goroutines.GCSuspendedNs, tasks.GCSuspendedNs),
		humanRatio(goroutines.FinishNs, tasks.FinishNs),
	})
	title := fmt.Sprintf("%s, each sort in a process of its own (memory from %s)",
		counted(r.Activities, "idle activity", "idle activities"), tasks.MemorySource)
	return "\n" + wrapped(title, columns) + "\n" + t.text()
}

// table is a list of rows, all with the same number of cells. The first column is aligned to
// the left. The others have figures and are aligned to the right.
type table [][]string

// columns is the width that texts keep to.
const columns = 80

// text returns the table with its columns aligned, folded to the width of texts.
func (t table) text() string { return t.fold(columns) }

// fold returns the table with its columns aligned. Columns that do not fit into width follow in
// further blocks, each with the first column.
func (t table) fold(width int) string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for first := 1; first < len(widths); {
		end, taken := first, 2+widths[0]
		for end < len(widths) && (end == first || taken+2+widths[end] <= width) {
			taken += 2 + widths[end]
			end++
		}
		if first > 1 {
			b.WriteByte('\n')
		}
		for _, row := range t {
			line := fmt.Sprintf("  %-*s", widths[0], row[0])
			for i := first; i < end; i++ {
				line += fmt.Sprintf("  %*s", widths[i], row[i])
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		first = end
	}
	return b.String()
}

// wrapped returns text, in lines of at most width characters unless a word is longer.
func wrapped(text string, width int) string {
	var b strings.Builder
	n := 0 // characters of the line
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		switch {
		case n == 0:
		case n+1+size > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += size
	}
	return b.String() + "\n"
}
