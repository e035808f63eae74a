package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/measure"
	"github.com/framearena/framearena/bench/internal/stats"
)

// entry is a contestant in one metric.
type entry struct {
	*measure.Contestant
	summary  stats.Summary
	measured bool
}

// comparison is a discipline in one metric.
type comparison struct {
	discipline *measure.Discipline
	metric     contest.Metric
	entries    []entry // in the order of the discipline
	reference  *entry  // our first contestant; nil if it has no sample
}

func compare(d *measure.Discipline, metric contest.Metric) comparison {
	c := comparison{discipline: d, metric: metric, entries: make([]entry, len(d.Contestants))}
	for i := range d.Contestants {
		e := &c.entries[i]
		e.Contestant = &d.Contestants[i]
		if samples := e.Of(metric.Key); len(samples) > 0 && e.Failed == "" {
			e.summary, e.measured = stats.Of(samples), true
		}
		if e.Role == contest.Ours && e.measured && c.reference == nil {
			c.reference = e
		}
	}
	return c
}

// ratio returns e's figure in multiples of our reference's, or 0 if one of them is unknown.
func (c comparison) ratio(e entry) float64 {
	if c.reference == nil || !e.measured || c.reference.summary.Median == 0 {
		return 0
	}
	return e.summary.Median / c.reference.summary.Median
}

// evenWithin is the relative difference below which two medians are called even.
const evenWithin = 0.05

// outcome is the result of comparing our reference with a peer.
type outcome int

const (
	unknown outcome = iota // not a peer, or not measured
	better
	even
	worse
)

func (c comparison) outcome(e entry) outcome {
	switch {
	case e.Role != contest.Peer || c.metric.Unit == contest.Count || c.ratio(e) == 0:
		return unknown
	case math.Abs(c.ratio(e)-1) < evenWithin || c.reference.summary.Overlaps(e.summary):
		return even
	case e.summary.Median > c.reference.summary.Median:
		return better
	default:
		return worse
	}
}

// verdict describes the outcome in words.
func (c comparison) verdict(e entry) string {
	faster, slower := "faster", "slower"
	if c.metric.Unit == contest.Bytes {
		faster, slower = "smaller", "larger"
	}
	switch c.outcome(e) {
	case better:
		return "▲ " + times(c.ratio(e)) + " " + faster
	case worse:
		return "▼ " + times(1/c.ratio(e)) + " " + slower
	case even:
		return "= even"
	}
	return ""
}

// ranked returns the entries that were measured, the best first.
func (c comparison) ranked() (all []entry) {
	for _, e := range c.entries {
		if e.measured {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.summary.Median, b.summary.Median) })
	return all
}

// best returns the best of the peers for which the function reports true.
func (c comparison) best(is func(entry) bool) (entry, bool) {
	for _, e := range c.ranked() {
		if e.Role == contest.Peer && is(e) {
			return e, true
		}
	}
	return entry{}, false
}

func inGo(e entry) bool    { return e.Lang == "Go" }
func notInGo(e entry) bool { return e.Lang != "Go" }

// absent returns the reason why e was not measured.
func absent(e entry) string {
	switch {
	case e.Failed != "":
		return "failed: " + e.Failed
	case e.Skipped != "":
		return "skipped: " + e.Skipped
	default:
		return "not measured here"
	}
}

func median(samples []float64) float64 { return stats.Of(samples).Median }
