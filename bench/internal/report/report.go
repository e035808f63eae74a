// Package report renders samples as docs/benchmarks.md and its plots.
package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/measure"
)

const (
	page  = "benchmarks.md"
	plots = "benchmarks" // beside the page
)

// Write writes the page and its plots below dir.
func Write(s *measure.Samples, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, plots), 0o777); err != nil {
		return err
	}
	r := report{samples: s, plot: func(name string, c chart) error {
		var b bytes.Buffer
		c.write(&b)
		return os.WriteFile(filepath.Join(dir, plots, name), b.Bytes(), 0o666)
	}}
	text, err := r.render()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, page), []byte(text), 0o666)
}

type report struct {
	samples *measure.Samples
	plot    func(name string, c chart) error
	out     strings.Builder
}

func (r *report) line(format string, args ...any) { fmt.Fprintf(&r.out, format+"\n", args...) }

// picture adds a plot.
func (r *report) picture(name string, c chart) error {
	r.line("![%s](%s/%s)\n", c.title, plots, name)
	return r.plot(name, c)
}

// row adds a line of a table.
func (r *report) row(cells ...string) {
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", "\\|")
	}
	r.line("| %s |", strings.Join(cells, " | "))
}

func (r *report) header(cells ...string) {
	r.row(cells...)
	r.line("|%s", strings.Repeat("---|", len(cells)))
}

func (r *report) render() (string, error) {
	s := r.samples
	r.line("<!-- Written by a command, all of it: change bench, not this page. -->\n")
	r.line("# Benchmarks\n")
	r.line("This page is written by a command, all of it, which builds and runs everything on your machine too:\n")
	r.line("    cd bench && go run .          # less than 15 minutes, on a quiet machine")
	r.line("    cd bench && go run . -quick   # less than 2\n")
	r.line("It is of %s, by `%s`, which took %v.", s.Ended.Format("2 January 2006, 15:04 MST"), s.Command, s.Ended.Sub(s.Began).Round(time.Second))
	if s.Quick {
		r.line("That was a quick run: its samples are few and short, and figures vary more.")
	}
	r.line("")
	if failures := s.Failures(); len(failures) > 0 {
		r.line("**Something failed:**\n")
		for _, f := range failures {
			r.line("- %s", f)
		}
		r.line("")
	}
	r.machine()
	if err := r.short(); err != nil {
		return "", err
	}
	group := ""
	for i := range s.Disciplines {
		d := &s.Disciplines[i]
		if d.Group != group {
			group = d.Group
			r.line("## %s\n", group)
			if isCrowd(d) {
				if err := r.crowds(); err != nil {
					return "", err
				}
			}
		}
		if !isCrowd(d) {
			if err := r.discipline(d); err != nil {
				return "", err
			}
		}
	}
	r.breakEven()
	r.method()
	return strings.TrimRight(r.out.String(), "\n") + "\n", nil
}

// isCrowd reports whether all metrics of d count, not only the first.
func isCrowd(d *measure.Discipline) bool { return len(d.Metrics) > 2 }

func (r *report) machine() {
	m := r.samples.Machine
	r.line("## The machine\n")
	r.header("", "")
	cpu := fmt.Sprintf("%s, %d CPUs", m.CPU, m.CPUs)
	if m.Virtual {
		cpu += ", virtual"
	}
	r.row("processor", cpu)
	if m.Memory > 0 {
		r.row("memory", fmt.Sprintf("%.0f GiB", float64(m.Memory)/(1<<30)))
	}
	r.row("system", strings.TrimSuffix(m.System+", "+m.Kernel, ", "))
	r.row("Go", fmt.Sprintf("%s, GOMAXPROCS %d", m.Go, m.Procs))
	for _, title := range slices.Sorted(maps.Keys(m.Versions)) {
		r.row(title, m.Versions[title])
	}
	if len(m.Loads) > 0 {
		load := fmt.Sprintf("%.2f before the run; up to %.2f in it, the run itself included", m.Loads[0], slices.Max(m.Loads))
		r.row("load average", load)
	}
	r.line("")
	if len(m.Loads) > 0 && m.Loads[0] > 0.25*float64(m.CPUs) {
		r.line("**The machine had other work when the run began: the figures are not to be relied on.**\n")
	}
}

// comparisons returns all comparisons that have a winner: those of the first metric of a
// discipline, or of all metrics if the discipline is a crowd.
func (r *report) comparisons() (all []comparison) {
	for i := range r.samples.Disciplines {
		d := &r.samples.Disciplines[i]
		metrics := d.Metrics[:1]
		if isCrowd(d) {
			metrics = d.Metrics
		}
		for _, m := range metrics {
			all = append(all, compare(d, m))
		}
	}
	return all
}

// loss is a row of a comparison in which framearena is worse.
type loss struct {
	comparison
	entry
}

// short writes the summary.
func (r *report) short() error {
	counts := map[outcome]int{}
	var losses []loss
	for _, c := range r.comparisons() {
		for _, e := range c.entries {
			o := c.outcome(e)
			counts[o]++
			if o == worse {
				losses = append(losses, loss{c, e})
			}
		}
	}
	r.line("## In short\n")
	r.line("Of %d comparisons with others, framearena is better in %d, even in %d and worse in %d.\n",
		counts[better]+counts[even]+counts[worse], counts[better], counts[even], counts[worse])

	best := chart{title: "The best of the others, compared with framearena", axis: "times what framearena takes", format: times, base: 1}
	for _, side := range []struct {
		title string
		is    func(entry) bool
	}{{"The best in Go", inGo}, {"The best in another language", notInGo}} {
		g := barGroup{title: side.title}
		for _, c := range r.comparisons() {
			if isCrowd(c.discipline) {
				continue
			}
			e, ok := c.best(side.is)
			if !ok || c.ratio(e) == 0 {
				continue
			}
			looks := map[outcome]look{better: lookWin, even: lookEven, worse: lookLoss}
			g.bars = append(g.bars, bar{label: c.discipline.Title + ": " + e.Name, value: c.ratio(e), look: looks[c.outcome(e)]})
		}
		if len(g.bars) > 0 {
			best.groups = append(best.groups, g)
		}
	}
	if len(best.groups) > 0 {
		if err := r.picture("overview.svg", best); err != nil {
			return err
		}
	}

	if len(losses) == 0 {
		return nil
	}
	r.line("### Where framearena is worse\n")
	slices.SortStableFunc(losses, func(a, b loss) int { return cmp.Compare(a.ratio(a.entry), b.ratio(b.entry)) })
	r.header("", "than", "framearena", "the other", "framearena is")
	for _, l := range losses {
		title, write := l.discipline.Title, format(l.metric.Unit)
		if isCrowd(l.discipline) {
			title += ": " + l.metric.Title
		}
		r.row(title, l.Name, write(l.reference.summary.Median), write(l.summary.Median), l.verdict(l.entry))
	}
	r.line("")
	return nil
}

// discipline writes the section of a discipline whose first metric decides.
func (r *report) discipline(d *measure.Discipline) error {
	r.line("### %s\n", d.Title)
	r.line("%s\n", d.About)
	c := compare(d, d.Metrics[0])
	picture := chart{title: d.Title, axis: d.Metrics[0].Title + ", less is better", format: format(c.metric.Unit), groups: []barGroup{{bars: r.bars(c)}}}
	if err := r.picture(d.ID+".svg", picture); err != nil {
		return err
	}

	more := d.Metrics[1:]
	head := []string{"", c.metric.Title, "spread", "ratio", "framearena is"}
	for _, m := range more {
		head = append(head, m.Title)
	}
	r.header(head...)
	write := format(c.metric.Unit)
	for _, e := range c.ranked() {
		cells := []string{name(e), write(e.summary.Median), "—", "", c.verdict(e)}
		if e.summary.N > 1 {
			cells[2] = percent(e.summary.Spread())
		}
		if ratioOf := c.ratio(e); ratioOf > 0 {
			cells[3] = ratio(ratioOf)
		}
		for _, m := range more {
			cell := ""
			if samples := e.Of(m.Key); len(samples) > 0 {
				cell = format(m.Unit)(median(samples))
			}
			cells = append(cells, cell)
		}
		r.row(cells...)
	}
	for _, e := range c.entries {
		if !e.measured {
			r.row(append([]string{name(e), absent(e)}, make([]string, len(head)-2)...)...)
		}
	}
	r.line("")
	r.notes(d)
	return nil
}

// name writes a contestant's name. Ours are marked, and so are rows that are no contestants.
func name(e entry) string {
	switch e.Role {
	case contest.Ours:
		return "**" + e.Name + "**"
	case contest.Floor:
		return "*" + e.Name + "*"
	default:
		return e.Name
	}
}

func (r *report) notes(d *measure.Discipline) {
	any := false
	for _, c := range d.Contestants {
		if c.Note != "" {
			r.line("- %s: %s", c.Name, c.Note)
			any = true
		}
	}
	if any {
		r.line("")
	}
}

// bars returns the bars of a comparison, the best first.
func (r *report) bars(c comparison) (all []bar) {
	for _, e := range c.ranked() {
		all = append(all, bar{label: e.Name, value: e.summary.Median, low: e.summary.Low, high: e.summary.High, look: lookOf(e)})
	}
	return all
}

func lookOf(e entry) look {
	switch {
	case e.Role == contest.Ours:
		return lookOurs
	case e.Role == contest.Floor:
		return lookFloor
	case e.Lang == "C" || e.Lang == "C++":
		return lookC
	case e.Lang == "Rust":
		return lookRust
	default:
		return lookGo
	}
}

// crowds writes the section of the disciplines with many metrics.
func (r *report) crowds() error {
	var all []*measure.Discipline
	for i := range r.samples.Disciplines {
		if d := &r.samples.Disciplines[i]; isCrowd(d) {
			all = append(all, d)
		}
	}
	r.line("Activities with a state of 72 bytes are created and wait. 1024 others serve 10,000 requests a second, each of which leaves " +
		"1 KB to the collector; how long one takes counts from when it came due. Then the same while a collection begins " +
		"every 250 ms: with much memory there are few by themselves, and those are the ones that are felt.\n")
	r.line("Each table says how many collections there were. Where there were none by themselves, that is because so much memory is in use " +
		"that the next one was not due yet.\n")
	r.notes(all[0])

	for _, plotted := range []struct{ key, title string }{
		{"bytes", "Memory of an idle activity"},
		{"gc", "A collection while all are idle"},
		{"c999", "Requests while collecting: 99.9 % take no longer"},
	} {
		var c chart
		for _, d := range all {
			for _, m := range d.Metrics {
				if m.Key != plotted.key {
					continue
				}
				of := compare(d, m)
				c.title, c.axis, c.format = plotted.title, m.Title+", less is better", format(m.Unit)
				g := barGroup{title: d.Title, bars: r.bars(of)}
				for _, e := range of.entries {
					if !e.measured {
						g.bars = append(g.bars, bar{label: e.Name, look: lookOf(e), instead: absent(e)})
					}
				}
				c.groups = append(c.groups, g)
			}
		}
		if err := r.picture("crowd-"+plotted.key+".svg", c); err != nil {
			return err
		}
	}

	for _, d := range all {
		r.line("### %s\n", d.Title)
		head := []string{""}
		for _, c := range d.Contestants {
			head = append(head, c.Name)
			if c.Role == contest.Peer {
				head = append(head, "framearena is")
			}
		}
		r.header(head...)
		for _, m := range d.Metrics {
			c := compare(d, m)
			cells := []string{m.Title}
			for _, e := range c.entries {
				cell := "—"
				if e.measured {
					cell = format(m.Unit)(e.summary.Median)
					if e.summary.N > 1 {
						cell += " ± " + percent(e.summary.Spread()/2)
					}
				}
				cells = append(cells, cell)
				if e.Role == contest.Peer {
					cells = append(cells, c.verdict(e))
				}
			}
			r.row(cells...)
		}
		r.line("")
		gone := false
		for _, e := range compare(d, d.Metrics[0]).entries {
			if e.Skipped != "" || e.Failed != "" {
				r.line("- %s: %s", e.Name, absent(e))
				gone = true
			}
		}
		if gone {
			r.line("")
		}
	}
	return nil
}

// method writes how the figures were measured.
func (r *report) method() {
	s := r.samples
	r.line("## How this is measured\n")
	r.line("- Each sample is taken in a process of its own, so that nobody's memory, goroutines or collections are in another one's way. " +
		"Programs in other languages are built by the command, and have processes of their own too.")
	r.line("- There are %d rounds; in each, every contestant of every discipline has its turn once, in an order that moves on from round to round. "+
		"The disciplines of many activities have at most 3, and 1 in a quick run.", s.Rounds)
	r.line("- A sample repeats its operation until that takes %v, after it has done so for a shorter time. Results are checked: "+
		"a contestant that computes something wrong fails.", s.Each)
	r.line("- Figures are medians. The spread is that between the quartiles, as a part of the median; plots show the quartiles.")
	r.line("- The ratio is that of medians, the first row of framearena's in the discipline being 1: a ratio of 2 means twice that. " +
		"Other rows of framearena's are other ways to use it, and are not counted as wins.")
	r.line("- “▲” is a win of framearena's, “▼” a loss. Both mean that the quartiles do not overlap and that the medians differ by 5 %% or more; “=” is for the rest.")
	r.line("- The collector runs as by default, GOGC 100. What is allocated on the Go heap is paid for in the time.")
	r.line("- *Rows like this* are no contestants: they do less than what is measured.")
	r.line("- The raw samples are in [samples.json](%s/samples.json); `go run . -from FILE` renders them again.", plots)
	if skipped := r.skipped(); len(skipped) > 0 {
		r.line("\nSkipped:\n")
		for _, s := range skipped {
			r.line("- %s", s)
		}
	}
	io.WriteString(&r.out, "\n")
}

// skipped lists the contestants that were skipped, with the reasons.
func (r *report) skipped() (all []string) {
	for _, d := range r.samples.Disciplines {
		for _, c := range d.Contestants {
			if c.Skipped != "" {
				all = append(all, fmt.Sprintf("%s, %s: %s", d.Title, c.Name, c.Skipped))
			}
		}
	}
	return all
}
