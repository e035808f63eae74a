package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/measure"
)

// breakEven writes the section on when tasks pay, compared with goroutines: from how many
// activities on, and in which operations. docs/when-not.md refers to it by its title.
func (r *report) breakEven() {
	r.line("## Break-even with goroutines\n")
	r.line("From where on tasks pay in place of goroutines, by the figures of this run.\n")
	r.breakEvenByNumber()
	r.breakEvenByOperation()
}

// crowdPoint compares our tasks with goroutines, in one metric at one number of activities.
type crowdPoint struct {
	size    int
	unit    contest.Unit
	outcome outcome
	saved   float64 // by how much ours is less
}

func pointOf(d *measure.Discipline, m contest.Metric) crowdPoint {
	c := compare(d, m)
	p := crowdPoint{size: d.Size, unit: m.Unit}
	if e, ok := c.best(isGoroutine); ok {
		if p.outcome = c.outcome(e); p.outcome != unknown {
			p.saved = e.summary.Median - c.reference.summary.Median
		}
	}
	return p
}

// difference describes by how much ours is less or more. Memory is that of all activities.
func (p crowdPoint) difference() string {
	saved, write := p.saved, format(p.unit)
	if p.unit == contest.Bytes {
		saved *= float64(p.size)
	}
	switch p.outcome {
	case better:
		return "▲ " + write(saved) + " less"
	case worse:
		return "▼ " + write(-saved) + " more"
	case even:
		return "= even"
	default:
		return "—"
	}
}

// paysFrom describes the smallest number of activities from which on ours is better at all
// numbers that were measured. points are in ascending order.
func paysFrom(points []crowdPoint) string {
	points = slices.DeleteFunc(slices.Clone(points), func(p crowdPoint) bool { return p.outcome == unknown })
	from := len(points)
	for from > 0 && points[from-1].outcome == better {
		from--
	}
	switch {
	case len(points) == 0:
		return "not measured"
	case from == len(points):
		return "nowhere here"
	case from == 0:
		return grouped(points[0].size) + ", the fewest measured"
	default:
		return grouped(points[from].size)
	}
}

func (r *report) breakEvenByNumber() {
	var crowds []*measure.Discipline
	for i := range r.samples.Disciplines {
		if d := &r.samples.Disciplines[i]; isCrowd(d) {
			crowds = append(crowds, d)
		}
	}
	if len(crowds) == 0 {
		return
	}
	slices.SortStableFunc(crowds, func(a, b *measure.Discipline) int { return cmp.Compare(a.Size, b.Size) })

	r.line("### By the number of activities\n")
	r.line("How much less, or more, it is with tasks. Memory is that of all activities together. Tasks pay from the smallest number on from which they are " +
		"better at every larger one that was measured, by the rule of the other tables; what is even does not pay. “—” was not measured, for the reasons " +
		"given above.\n")
	head := []string{""}
	for _, d := range crowds {
		head = append(head, grouped(d.Size))
	}
	r.header(append(head, "pays from")...)
	for _, m := range crowds[0].Metrics {
		if m.Unit == contest.Count {
			continue
		}
		title := m.Title
		if m.Unit == contest.Bytes {
			title = strings.TrimSuffix(title, " of an idle one") + " of all"
		}
		cells := []string{title}
		var points []crowdPoint
		for _, d := range crowds {
			p := pointOf(d, m)
			points = append(points, p)
			cells = append(cells, p.difference())
		}
		r.row(append(cells, paysFrom(points))...)
	}
	r.line("")
}

func (r *report) breakEvenByOperation() {
	type pair struct {
		comparison
		goroutines entry
	}
	var pairs []pair
	counts := map[outcome]int{}
	for _, c := range r.comparisons() {
		if e, ok := c.best(isGoroutine); ok && !isCrowd(c.discipline) && c.outcome(e) != unknown {
			pairs = append(pairs, pair{c, e})
			counts[c.outcome(e)]++
		}
	}
	if len(pairs) == 0 {
		return
	}
	r.line("### By operation\n")
	r.line("These count at any number of activities. Each row is our first contestant beside the best that uses goroutines. "+
		"Of %d operations, tasks are better in %d, even in %d and worse in %d.\n", len(pairs), counts[better], counts[even], counts[worse])
	r.header("", "tasks", "goroutines", "tasks are")
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.ratio(a.goroutines), b.ratio(b.goroutines)) })
	for _, p := range pairs {
		write := format(p.metric.Unit)
		r.row(p.discipline.Title, write(p.reference.summary.Median), write(p.goroutines.summary.Median), p.verdict(p.goroutines))
	}
	r.line("")
}

// isGoroutine reports whether a Go contestant has a goroutine for each activity, without a
// package that manages goroutines.
func isGoroutine(e entry) bool { return inGo(e) && strings.Contains(e.Name, "goroutine") }

// grouped writes a whole number with commas.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
