package soak

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/testkit/resident"
)

// memorySeries has the resident memory of the process at the ends of rounds, in bytes. It
// belongs to the goroutine that runs the rounds.
type memorySeries struct {
	samples []uint64
	max     uint64
}

const (
	minWarmUp = 3 // rounds that are not judged: free lists, stacks and pools of the library fill
	minJudged = 8 // rounds that are needed for a judgement, after the warm-up
)

// allowed returns by how many bytes the median of the later half may exceed that of the first
// half. Free lists keep what the busiest moment needed, and the race detector keeps a shadow
// of all memory that was ever touched.
func allowed(first uint64) uint64 {
	if race.Enabled {
		return first/4 + 128<<20
	}
	return first/10 + 32<<20
}

// sample returns the free memory of the Go heap to the system, and adds a sample.
func (r *memorySeries) sample() {
	debug.FreeOSMemory()
	rss := resident.Bytes()
	r.samples = append(r.samples, rss)
	r.max = max(r.max, rss)
}

// judged returns the samples after the warm-up.
func (r *memorySeries) judged() []uint64 {
	return r.samples[min(max(minWarmUp, len(r.samples)/4), len(r.samples)):]
}

func (r *memorySeries) figures() RSS {
	if len(r.samples) == 0 {
		return RSS{}
	}
	start, judged := r.samples[len(r.samples)-1], r.judged()
	if len(judged) > 0 {
		start = judged[0]
	}
	return RSS{Start: start, End: r.samples[len(r.samples)-1], Max: r.max, Judged: len(judged) >= minJudged && start > 0}
}

// growth returns an error if the memory grows.
func (r *memorySeries) growth() error {
	if !r.figures().Judged {
		return nil
	}
	judged := r.judged()
	first, later := median(judged[:len(judged)/2]), median(judged[len(judged)/2:])
	if later <= first+allowed(first) {
		return nil
	}
	return fmt.Errorf("resident memory grows: its median is %d MiB in the first half of %d rounds and %d MiB in the later one, and may grow by %d MiB",
		first>>20, len(judged), later>>20, allowed(first)>>20)
}

func median(samples []uint64) uint64 {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[len(sorted)/2]
}
