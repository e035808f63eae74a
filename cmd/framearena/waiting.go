package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/framearena/framearena/internal/workloads/waiting"
)

// waitingPrefix is before the name of a form in the order to a child.
const waitingPrefix = "waiting/"

// waitingReport has what a waiting root takes, by form of launch and of wait.
type waitingReport struct {
	Roots int          `json:"roots"` // of each form
	Rows  []waitingRow `json:"rows"`
}

// waitingRow is the measurement of one form.
type waitingRow struct {
	Name         string  `json:"name"`
	Group        string  `json:"group"`
	Title        string  `json:"title"`
	LaunchNs     float64 `json:"launch_ns_each"`    // until the root waits
	MemoryBytes  float64 `json:"memory_bytes_each"` // beyond the process without the roots
	MemorySource string  `json:"memory_source"`     // where the figure is from
	HeapBytes    float64 `json:"heap_bytes_each"`   // after a collection; without stacks
	HeapObjects  float64 `json:"heap_objects_each"` // after a collection
	GCWaitingNs  float64 `json:"gc_waiting_ns"`     // of a runtime.GC() while all roots waited
}

// measureWaiting measures n roots of each form, each form in a child.
func measureWaiting(ctx context.Context, n int, stderr io.Writer, progress *progress) (*waitingReport, error) {
	report := &waitingReport{Roots: n}
	for i, form := range waiting.Forms {
		progress.part(i, len(waiting.Forms))
		progress.step(fmt.Sprintf("%s waiting roots: %s", grouped(n), form.Name))
		var row waitingRow
		if err := measureInChild(ctx, waitingPrefix+form.Name, n, stderr, progress.detail, &row); err != nil {
			return nil, fmt.Errorf("%s: %w", form.Title, err)
		}
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}

// measureWaitingHere measures n roots of a form in this process. It calls stage at the beginning of
// each stage.
func measureWaitingHere(name string, n int, stage func(string)) (row waitingRow, err error) {
	form, err := waiting.Find(name)
	if err != nil {
		return row, err
	}
	c := form.OpenOnPool()
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Prepare(n); err != nil {
		return row, err
	}
	row = waitingRow{Name: form.Name, Group: form.Group, Title: form.Title}
	heap := c.Memory()
	before, _ := residentMemory(c.MappedBytes())

	stage("launching")
	start := time.Now()
	if err := c.Launch(n); err != nil {
		return row, err
	}
	row.LaunchNs = float64(time.Since(start).Nanoseconds()) / float64(n)
	after, source := residentMemory(c.MappedBytes())
	row.MemoryBytes = (float64(after) - float64(before)) / float64(n)
	row.MemorySource = source

	stage("collecting garbage")
	m := c.Memory().Sub(heap)
	row.HeapBytes, row.HeapObjects = float64(m.Heap)/float64(n), float64(m.Objects)/float64(n)
	row.GCWaitingNs = fastestCollectionNs()

	stage("releasing")
	if err := c.Release(); err != nil {
		return row, fmt.Errorf("check failed: %w", err)
	}
	return row, nil
}

// text returns the table of waiting roots.
func (r *waitingReport) text() string {
	t := table{{"", "RSS", "Go heap", "objects", "GC"}}
	group := ""
	for _, row := range r.Rows {
		if row.Group != group {
			group = row.Group
			t = append(t, []string{group, "", "", "", ""})
		}
		t = append(t, []string{
			"  " + row.Title,
			wholeBytes(row.MemoryBytes),
			wholeBytes(row.HeapBytes),
			fmt.Sprintf("%.1f", max(row.HeapObjects, 0)),
			humanTime(row.GCWaitingNs),
		})
	}
	title := fmt.Sprintf("%s of each form, in a process of its own: what each takes (memory from %s), and a runtime.GC() meanwhile",
		counted(r.Roots, "waiting root", "waiting roots"), r.Rows[0].MemorySource)
	return "\n" + wrapped(title, columns) + "\n" + t.text()
}

// wholeBytes formats a size in bytes without another unit.
func wholeBytes(n float64) string { return grouped(int(math.Round(max(n, 0)))) + " B" }
