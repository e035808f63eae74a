package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/framearena/framearena/internal/workloads"
)

const (
	chainRounds = 7

	// chainStretch is how many iterations run between two checks of the context. They
	// take a few milliseconds at most, so an interruption takes effect soon.
	chainStretch = 500
)

// chainReport has the results of the chain's part of the tour.
type chainReport struct {
	Iterations         int        `json:"iterations"` // per round
	FramesPerIteration int        `json:"frames_per_iteration"`
	Rounds             int        `json:"rounds"`
	Rows               []chainRow `json:"rows"`
}

// chainRow is the measurement of one contender.
type chainRow struct {
	Name           string    `json:"name"`
	Title          string    `json:"title"`
	NsPerFrame     float64   `json:"ns_per_frame"`          // median of the rounds
	Spread         float64   `json:"spread"`                // from the fastest round to the slowest, in medians
	Ratio          float64   `json:"ratio"`                 // of NsPerFrame to that of the first row
	AllocsPerFrame float64   `json:"heap_allocs_per_frame"` // over all rounds
	GCCycles       uint32    `json:"gc_cycles"`             // in all rounds
	Rounds         []float64 `json:"rounds_ns_per_frame"`   // in the order they ran
}

// measureChain runs the chain on all contenders, which take turns round by round: a
// disturbance of the machine then affects all of them alike.
func measureChain(ctx context.Context, contenders []contender, iterations int, progress *progress) (*chainReport, error) {
	progress.part(0, 0)
	progress.step("chain: warming up")
	var runs []*chainRun
	for _, c := range contenders {
		r := &chainRun{contender: c, chain: c.open()}
		if err := r.iterate(ctx, min(iterations, chainStretch)); err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	for round := range chainRounds {
		progress.part(round*len(runs), chainRounds*len(runs))
		progress.step(fmt.Sprintf("chain: round %d of %d", round+1, chainRounds))
		for i, r := range runs {
			progress.part(round*len(runs)+i, chainRounds*len(runs))
			progress.detail(r.contender.title)
			if err := r.measure(ctx, iterations); err != nil {
				return nil, err
			}
		}
	}
	report := &chainReport{Iterations: iterations, FramesPerIteration: workloads.FramesPerIteration, Rounds: chainRounds}
	for _, r := range runs {
		if err := r.chain.close(); err != nil {
			return nil, fmt.Errorf("chain, %s: close: %w", r.contender.title, err)
		}
		row := r.row()
		row.Ratio = 1
		if len(report.Rows) > 0 {
			row.Ratio = quotient(row.NsPerFrame, report.Rows[0].NsPerFrame)
		}
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}

// chainRun is a contender with its measurements so far.
type chainRun struct {
	contender contender
	chain     chain

	nsPerFrame []float64 // of each round
	frames     float64   // in all rounds, as mallocs and gcCycles
	mallocs    uint64
	gcCycles   uint32
}

// measure runs one round and adds its figures.
func (r *chainRun) measure(ctx context.Context, iterations int) error {
	runtime.GC() // collects the garbage of the contender before
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	if err := r.iterate(ctx, iterations); err != nil {
		return err
	}
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)

	frames := float64(iterations) * workloads.FramesPerIteration
	r.nsPerFrame = append(r.nsPerFrame, float64(elapsed.Nanoseconds())/frames)
	r.frames += frames
	r.mallocs += after.Mallocs - before.Mallocs
	r.gcCycles += after.NumGC - before.NumGC
	return nil
}

// iterate runs the chain and checks that it has reached each leaf and that no frame is
// live.
func (r *chainRun) iterate(ctx context.Context, iterations int) error {
	workloads.ChainLeaves.Store(0)
	for left := iterations; left > 0; left -= chainStretch {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.chain.run(min(left, chainStretch)); err != nil {
			return fmt.Errorf("chain, %s: %w", r.contender.title, err)
		}
	}
	if got, want := workloads.ChainLeaves.Load(), uint64(iterations)*workloads.LeavesPerIteration; got != want {
		return fmt.Errorf("chain, %s: check failed: %d leaves were reached in %d iterations, want %d", r.contender.title, got, iterations, want)
	}
	if live := r.chain.live(); live != 0 {
		return fmt.Errorf("chain, %s: check failed: %d frames are live after the run, want 0", r.contender.title, live)
	}
	return nil
}

// row summarises the rounds.
func (r *chainRun) row() chainRow {
	fastest, slowest := slices.Min(r.nsPerFrame), slices.Max(r.nsPerFrame)
	middle := median(r.nsPerFrame)
	return chainRow{
		Name:           r.contender.name,
		Title:          r.contender.title,
		NsPerFrame:     middle,
		Spread:         quotient(slowest-fastest, middle),
		AllocsPerFrame: float64(r.mallocs) / r.frames,
		GCCycles:       r.gcCycles,
		Rounds:         r.nsPerFrame,
	}
}

// median returns the middle one of the figures, or the mean of the two in the middle.
func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
