package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/testkit/replay"
)

// replayReport has the results of a replay. It is the document that replay --json prints.
type replayReport struct {
	Machine        machine              `json:"machine"`
	Trace          replayTrace          `json:"trace"`
	Rounds         int                  `json:"rounds"`
	RunsPerRound   int                  `json:"runs_per_round"` // of the trace, timed
	RSSSource      string               `json:"rss_source"`     // where the figures of RSS growth are from
	Rows           []replayRow          `json:"rows"`
	LeftOut        []replayLeftOut      `json:"left_out"`
	Recommendation replayRecommendation `json:"recommendation"`
}

// replayTrace has what a trace requires of allocators.
type replayTrace struct {
	Operations     int           `json:"operations"`
	Allocations    int           `json:"allocations"`
	Deallocations  int           `json:"deallocations"`
	Refused        int           `json:"refused_when_recorded"`
	Unknown        int           `json:"unknown_frames_freed"`
	Threads        int           `json:"threads"`
	Moved          int           `json:"freed_by_another_thread"`
	AllocatedBytes uint64        `json:"allocated_bytes"`
	PeakOperation  int           `json:"peak_operation"`
	PeakFrames     int           `json:"peak_live_frames"` // at the peak of live bytes
	PeakBytes      uint64        `json:"peak_live_bytes"`  // as requested
	PeakFootprint  uint64        `json:"peak_arena_bytes"` // rounded up to classes
	Classes        []replayClass `json:"classes"`
}

type replayClass struct {
	FrameBytes  uintptr `json:"frame_bytes"` // 0: too large for the classes
	Allocations int     `json:"allocations"`
	PeakFrames  int     `json:"peak_live_frames"`
}

// replayRow is one allocator.
type replayRow struct {
	Name           string    `json:"name"`
	Title          string    `json:"title"`
	NsPerOperation float64   `json:"ns_per_operation"` // median of the rounds
	Spread         float64   `json:"spread"`           // from the fastest round to the slowest, in medians
	RatioToHeap    float64   `json:"ratio_to_heap"`    // of the times
	HeldBytes      uint64    `json:"held_bytes"`       // at the peak
	Waste          float64   `json:"waste"`            // HeldBytes divided by the live bytes, minus 1
	RSSGrowth      int64     `json:"rss_growth_bytes"` // up to the peak
	HeapAllocs     float64   `json:"heap_allocs_per_operation"`
	GCCycles       uint32    `json:"gc_cycles"` // in all rounds
	Refusals       int       `json:"refusals"`  // in one run
	RoundsNs       []float64 `json:"rounds_ns_per_operation"`

	care   string
	option string
	wraps  bool
}

// replayLeftOut is an allocator that can't play the trace.
type replayLeftOut struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Reason string `json:"reason"`
}

// runsPerRound returns how often a round plays a trace. A short trace is played so often
// that the clock can measure it, but not so often that a trace of large frames, which the
// Go heap clears, takes long.
func runsPerRound(r *replay.Recording) int {
	const (
		operations = 100_000
		most       = 1000
		bytes      = 1 << 30
	)
	return max(1, min(operations/r.Operations(), most, int(bytes/max(1, r.AllocatedBytes))))
}

// replayAll plays r on the contenders. It plays it once on each for the counts and the
// checks, and then in rounds, in which the allocators take turns, for the times.
func replayAll(ctx context.Context, r *replay.Recording, contenders []replayContender, limits replay.Limits, rounds int, progress *progress) (*replayReport, error) {
	report := &replayReport{
		Machine:      thisMachine(),
		Trace:        describeTrace(r),
		Rounds:       rounds,
		RunsPerRound: runsPerRound(r),
		LeftOut:      []replayLeftOut{},
	}
	_, report.RSSSource = residentMemory(0)
	var runs []*replayRun
	progress.part(0, len(contenders))
	progress.step("replay: checking")
	for i, c := range contenders {
		progress.part(i, len(contenders))
		progress.detail(c.title)
		run := &replayRun{contender: c, recording: r, limits: limits}
		var reason cantPlay
		if err := run.check(ctx); errors.As(err, &reason) {
			report.LeftOut = append(report.LeftOut, replayLeftOut{c.name, c.title, string(reason)})
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", c.title, err)
		}
		runs = append(runs, run)
	}
	for round := range rounds {
		progress.part(round*len(runs), rounds*len(runs))
		progress.step(fmt.Sprintf("replay: round %d of %d", round+1, rounds))
		for i, run := range runs {
			progress.part(round*len(runs)+i, rounds*len(runs))
			progress.detail(run.contender.title)
			if err := run.measure(ctx, report.RunsPerRound); err != nil {
				return nil, fmt.Errorf("%s: %w", run.contender.title, err)
			}
		}
	}
	for _, run := range runs {
		report.Rows = append(report.Rows, run.summary())
	}
	for i, row := range report.Rows {
		report.Rows[i].RatioToHeap = quotient(row.NsPerOperation, report.Rows[0].NsPerOperation)
	}
	report.Recommendation = recommend(report.Rows)
	return report, nil
}

func describeTrace(r *replay.Recording) replayTrace {
	t := replayTrace{
		Operations:     r.Operations(),
		Allocations:    r.Allocations,
		Deallocations:  r.Deallocations,
		Refused:        r.Refused,
		Unknown:        r.Unknown,
		Threads:        r.Threads,
		Moved:          r.Moved,
		AllocatedBytes: r.AllocatedBytes,
		PeakOperation:  r.Peak.Operation,
		PeakFrames:     r.Peak.Frames,
		PeakBytes:      r.Peak.Bytes,
		PeakFootprint:  r.Footprint,
		Classes:        []replayClass{},
	}
	for k, use := range r.Classes {
		if use.Allocations > 0 {
			t.Classes = append(t.Classes, replayClass{classBytes(k), use.Allocations, use.Live})
		}
	}
	return t
}

// replayRun is a contender with its measurements so far.
type replayRun struct {
	contender replayContender
	recording *replay.Recording
	limits    replay.Limits
	row       replayRow

	mallocs    uint64
	operations float64
}

// with opens the allocator, calls f and closes the allocator.
func (u *replayRun) with(thorough bool, f func(played, *replay.Player) error) error {
	allocator, err := u.contender.open(u.recording, u.limits)
	if err != nil {
		return err
	}
	player := replay.NewPlayer(u.recording, thorough, allocator.allocators...)
	err = f(allocator, player)
	return errors.Join(err, player.Rewind(), allocator.close())
}

// check plays the trace once. It checks the contents of frames thoroughly, and measures
// memory at the peak.
func (u *replayRun) check(ctx context.Context) error {
	heapBytes() // collects what the allocator before has left, in pools too
	debug.FreeOSMemory()
	return u.with(true, func(p played, player *replay.Player) error {
		heapBefore := heapBytes()
		residentBefore, _ := residentMemory(p.mapped())
		if err := player.Play(ctx, u.recording.Peak.Operation); err != nil {
			return err
		}
		resident, _ := residentMemory(p.mapped())
		u.row.RSSGrowth = int64(resident) - int64(residentBefore)
		if p.held != nil {
			u.row.HeldBytes = p.held()
		} else {
			u.row.HeldBytes = uint64(max(0, int64(heapBytes())-int64(heapBefore)))
		}
		u.row.Waste = max(0, quotient(float64(u.row.HeldBytes), float64(u.recording.Peak.Bytes))-1)
		err := player.Play(ctx, u.recording.Operations())
		u.row.Refusals = player.Refusals()
		return err
	})
}

// measure plays the trace once to warm up, and then runs times more. It measures the time
// of the latter.
func (u *replayRun) measure(ctx context.Context, runs int) error {
	return u.with(false, func(p played, player *replay.Player) error {
		var elapsed time.Duration
		var before, after runtime.MemStats
		for run := range 1 + runs {
			if err := player.Rewind(); err != nil {
				return err
			}
			if p.release != nil {
				p.release()
			}
			switch run {
			case 0:
				runtime.GC() // collects the garbage of the allocator before
			case 1:
				runtime.ReadMemStats(&before)
				elapsed = 0
			}
			start := time.Now()
			if err := player.Play(ctx, u.recording.Operations()); err != nil {
				return err
			}
			elapsed += time.Since(start)
		}
		runtime.ReadMemStats(&after)
		operations := float64(runs) * float64(u.recording.Operations())
		u.row.RoundsNs = append(u.row.RoundsNs, float64(elapsed.Nanoseconds())/operations)
		u.operations += operations
		u.mallocs += after.Mallocs - before.Mallocs
		u.row.GCCycles += after.NumGC - before.NumGC
		return nil
	})
}

// summary returns the completed row.
func (u *replayRun) summary() replayRow {
	row := u.row
	row.Name, row.Title = u.contender.name, u.contender.title
	row.care, row.option, row.wraps = u.contender.care, u.contender.option, u.contender.wraps
	fastest, slowest := slices.Min(row.RoundsNs), slices.Max(row.RoundsNs)
	row.NsPerOperation = median(row.RoundsNs)
	row.Spread = quotient(slowest-fastest, row.NsPerOperation)
	row.HeapAllocs = float64(u.mallocs) / u.operations
	return row
}

// classBytes returns the size of a class's frames, or 0 for frames that are too large for
// the classes.
func classBytes(k int) uintptr {
	if k >= bins.Classes {
		return 0
	}
	return bins.Class(k).Size()
}
