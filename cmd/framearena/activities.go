package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/internal/workloads"
)

// finished is the sum of the IDs of the activities that have ended, modulo 2⁶⁴.
var finished atomic.Uint64

// finish ends an activity: it adds its ID to finished, if its state is what it was.
func finish(a *workloads.Activity) {
	if a.Intact() {
		finished.Add(a.ID)
	}
}

// crowdSort is a row of the table of suspended activities.
type crowdSort struct {
	name  string // in JSON, and in the order to a child
	title string // in the table
	open  func() (crowd, error)
}

var crowdSorts = []crowdSort{
	{"task", "suspended tasks", newTaskCrowd},
	{"plain", "tasks in plain Go", newPlainCrowd},
	{"goroutine", "parked goroutines", newGoroutineCrowd},
}

// crowd is many activities of one sort.
type crowd interface {
	// create starts n activities, with the IDs 1 to n, and returns when each is
	// suspended.
	create(n int) error

	// finish lets all of them end, and returns when they have.
	finish()

	// mapped returns the memory in bytes that the crowd has mapped itself, without the
	// Go runtime.
	mapped() uintptr

	// close returns an error if anything of the crowd is left.
	close() error
}

// crowdReport has the results of the tour's part on suspended activities.
type crowdReport struct {
	Activities int        `json:"activities"`
	Rows       []crowdRow `json:"rows"`
}

// crowdRow is the measurement of one sort of activities.
type crowdRow struct {
	Name          string  `json:"name"`
	Title         string  `json:"title"`
	CreateNs      float64 `json:"create_ns_each"`
	MemoryBytes   float64 `json:"memory_bytes_each"` // while suspended
	MemorySource  string  `json:"memory_source"`     // where the figure is from
	GCEmptyNs     float64 `json:"gc_empty_ns"`       // of a runtime.GC() before the first was created
	GCSuspendedNs float64 `json:"gc_suspended_ns"`   // of one while all were suspended
	FinishNs      float64 `json:"finish_ns_each"`
}

// measureCrowds measures n activities of each sort.
func measureCrowds(ctx context.Context, n int, stderr io.Writer, progress *progress) (*crowdReport, error) {
	report := &crowdReport{Activities: n}
	for i, s := range crowdSorts {
		progress.part(i, len(crowdSorts))
		progress.step(fmt.Sprintf("%s %s", grouped(n), s.title))
		var row crowdRow
		if err := measureInChild(ctx, s.name, n, stderr, progress.detail, &row); err != nil {
			return nil, fmt.Errorf("%s: %w", s.title, err)
		}
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}

// measureCrowd measures n activities. It calls stage at the beginning of each stage.
func measureCrowd(c crowd, sort crowdSort, n int, stage func(string)) (crowdRow, error) {
	finished.Store(0)
	collectionNs() // the first collections of a process take longer: they start the collector
	row := crowdRow{Name: sort.name, Title: sort.title, GCEmptyNs: collectionNs()}
	each := func(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / float64(n) }

	stage("creating")
	before, _ := residentMemory(c.mapped())
	start := time.Now()
	if err := c.create(n); err != nil {
		return crowdRow{}, err
	}
	row.CreateNs = each(start)
	after, source := residentMemory(c.mapped())
	row.MemoryBytes = (float64(after) - float64(before)) / float64(n)
	row.MemorySource = source

	stage("collecting garbage")
	row.GCSuspendedNs = collectionNs()

	stage("finishing")
	start = time.Now()
	c.finish()
	row.FinishNs = each(start)

	if got, want := finished.Load(), workloads.SumOfIDs(n); got != want {
		return crowdRow{}, fmt.Errorf("check failed: the ids of what finished add up to %d, want %d", got, want)
	}
	if err := c.close(); err != nil {
		return crowdRow{}, fmt.Errorf("check failed: %w", err)
	}
	return row, nil
}

// collectionNs returns the nanoseconds that a runtime.GC() takes: the median of five.
func collectionNs() float64 { return median(collectionTimes(5)) }

// fastestCollectionNs returns the nanoseconds that a runtime.GC() takes: the fastest of three, which
// depends least on what else the machine does.
func fastestCollectionNs() float64 { return slices.Min(collectionTimes(3)) }

// collectionTimes returns the nanoseconds of n runs of runtime.GC().
func collectionTimes(n int) []float64 {
	times := make([]float64, n)
	for i := range times {
		start := time.Now()
		runtime.GC()
		times[i] = float64(time.Since(start).Nanoseconds())
	}
	return times
}
