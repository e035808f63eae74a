package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/workloads/programs"
)

// programsPrefix is before the name of a program in the order to a child. Its programs.Form is behind
// the name, after a slash.
const programsPrefix = "program/"

// programsReport has what programs take.
type programsReport struct {
	Machine machine      `json:"machine"`
	Rounds  int          `json:"rounds"` // of which the figures are medians
	Rows    []programRow `json:"rows"`
}

// programRow is the measurement of one program.
type programRow struct {
	Name       string         `json:"name"`
	Title      string         `json:"title"`
	Size       int            `json:"size"`
	Goal       int            `json:"goal"`  // the ratio that is wanted; 0: none
	Ratio      float64        `json:"ratio"` // of the memory with goroutines to that in plain Go
	Tasks      programFigures `json:"tasks"`
	Plain      programFigures `json:"plain"`
	Goroutines programFigures `json:"goroutines"`
}

// form returns the figures of a form.
func (r *programRow) form(form programs.Form) *programFigures {
	return map[programs.Form]*programFigures{
		programs.Tasks: &r.Tasks, programs.Plain: &r.Plain, programs.Goroutines: &r.Goroutines}[form]
}

// programFigures are the figures of a program in one form.
type programFigures struct {
	Lines        int     `json:"lines"`        // of code
	MemoryBytes  float64 `json:"memory_bytes"` // while everything waits, beyond the process before the program
	MemorySource string  `json:"memory_source"`
	GCFullNs     float64 `json:"gc_full_ns"` // of a runtime.GC() meanwhile
	TimeNs       float64 `json:"time_ns"`    // of the program, without that
	CPUNs        float64 `json:"cpu_ns"`     // of all CPUs for that; 0: not known
}

func newProgramsCommand(c *streams) *cobra.Command {
	part, rounds, cpu := 1.0, 3, 0
	command := &cobra.Command{
		Use:   "programs",
		Short: "Five programs and the same with goroutines: memory, time, lines",
		Long: `Programs runs the five programs that one writes first: a health checker, a chat
room, open orders, an ordered pipeline and a rate-limited crawler. Each is
written with tasks by hand, in plain Go that is compiled to tasks, and with
goroutines, and runs in a process of its own. The command checks that the forms
have the same results, and prints their lines of code, the resident memory while
everything waits, how long a garbage collection takes then, and the time that
the program takes. The figures are medians of rounds in which the forms take
turns.

The first four are in examples, to read and to copy from.`,
		Args: cobra.NoArgs,
	}
	command.Flags().Var(&positivePart{&part}, "part", "size of the programs, as a `fraction` of the full size")
	command.Flags().Var(&wholeNumber{&rounds, maxRounds}, "rounds", "rounds of which the medians are taken")
	addCPUFlag(command, &cpu)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if cpu > 0 {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpu))
		}
		return runPrograms(cmd.Context(), c, part, rounds)
	}
	return command
}

// runPrograms measures all programs, at a part of their size, and prints the tables.
func runPrograms(ctx context.Context, c *streams, part float64, rounds int) error {
	r := programsReport{Machine: thisMachine(), Rounds: rounds}
	if err := c.print(r.Machine.text()); err != nil {
		return err
	}
	for i, p := range programs.Programs {
		row := programRow{Name: p.Name, Title: p.Title, Size: max(10, int(math.Round(float64(p.Size)*part))), Goal: p.Goal}
		c.progress.part(i, len(programs.Programs))
		if err := row.measure(ctx, c, p, rounds); err != nil {
			return err
		}
		r.Rows = append(r.Rows, row)
	}
	if err := c.print(r.text()); err != nil {
		return err
	}
	return c.encode(r)
}

// measure measures a program in all forms, which take turns.
func (r *programRow) measure(ctx context.Context, c *streams, p *programs.Program, rounds int) error {
	runs := map[programs.Form][]programRun{}
	for range rounds {
		for _, form := range programs.Forms {
			c.progress.step(fmt.Sprintf("%s %s, form: %s", grouped(r.Size), r.Title, form))
			var run programRun
			name := programsPrefix + p.Name + "/" + string(form)
			if err := measureInChild(ctx, name, r.Size, c.stderr, c.progress.detail, &run); err != nil {
				return fmt.Errorf("%s, form %s: %w", p.Name, form, err)
			}
			if first := runs[programs.Forms[0]]; len(first) > 0 && first[0].Result != run.Result {
				return fmt.Errorf("%s, form %s: check failed: the result is %q, and that of form %s was %q",
					p.Name, form, run.Result, programs.Forms[0], first[0].Result)
			}
			runs[form] = append(runs[form], run)
		}
	}
	for form, runs := range runs {
		of := func(figure func(programRun) float64) float64 {
			var figures []float64
			for _, run := range runs {
				figures = append(figures, figure(run))
			}
			return median(figures)
		}
		*r.form(form) = programFigures{
			Lines:        p.Lines[form],
			MemoryBytes:  of(func(r programRun) float64 { return r.MemoryBytes }),
			MemorySource: runs[0].MemorySource,
			GCFullNs:     of(func(r programRun) float64 { return r.GCFullNs }),
			TimeNs:       of(func(r programRun) float64 { return r.TimeNs }),
			CPUNs:        of(func(r programRun) float64 { return r.CPUNs }),
		}
	}
	r.Ratio = quotient(r.Goroutines.MemoryBytes, r.Plain.MemoryBytes)
	return nil
}

// programRun is one run of a program, in a child.
type programRun struct {
	programFigures
	Result string `json:"result"`
}

// measureProgramHere runs a program of size n in this process. order is its name, a slash, and its
// form.
func measureProgramHere(order string, n int, stage func(string)) (r programRun, err error) {
	name, as, _ := strings.Cut(order, "/")
	p, err := programs.Find(name)
	if err != nil {
		return r, err
	}
	if !slices.Contains(programs.Forms, programs.Form(as)) {
		return r, errors.New("a program is measured with tasks, in plain Go or with goroutines")
	}
	var before uint64
	o, err := p.Run(n, programs.Form(as), func(frames arena.Stats) {
		collectionNs() // what was made before the program, and the collector itself
		before, _ = residentMemory(frames.MappedBytes)
		stage("beginning")
	}, func(frames arena.Stats) {
		stage("collecting garbage")
		after, source := residentMemory(frames.MappedBytes)
		r.MemoryBytes, r.MemorySource = float64(after)-float64(before), source
		r.GCFullNs = fastestCollectionNs()
		stage("ending")
	})
	if err != nil {
		return r, fmt.Errorf("check failed: %w", err)
	}
	r.Result, r.TimeNs, r.CPUNs = o.Result, float64(o.Time), float64(o.CPU)
	return r, nil
}

// text returns the tables of programs.
func (r *programsReport) text() string {
	title := fmt.Sprintf("Five programs, with tasks by hand, in plain Go, and with goroutines: medians of %s; ratios are of goroutines to plain Go",
		counted(r.Rounds, "round", "rounds"))
	text := "\n" + wrapped(title, columns)

	forms := []string{"by hand", "plain Go", "goroutines", "ratio"}
	t := table{append([]string{"memory (from " + r.Rows[0].Tasks.MemorySource + ")", "size"}, forms...)}
	for _, row := range r.Rows {
		t = append(t, append([]string{row.Title, grouped(row.Size)}, row.cells(humanBytes, func(f programFigures) float64 { return f.MemoryBytes })...))
	}
	text += "\n" + t.text()

	for _, figure := range []struct {
		title string
		human func(float64) string
		of    func(programFigures) float64
	}{
		{"lines of code", func(n float64) string { return grouped(int(n)) }, func(f programFigures) float64 { return float64(f.Lines) }},
		{"time", humanTime, func(f programFigures) float64 { return f.TimeNs }},
		{"CPU time", humanTime, func(f programFigures) float64 { return f.CPUNs }},
		{"runtime.GC() meanwhile", humanTime, func(f programFigures) float64 { return f.GCFullNs }},
	} {
		if figure.of(r.Rows[0].Plain) == 0 {
			continue // the system does not report it
		}
		t := table{append([]string{figure.title}, forms...)}
		for _, row := range r.Rows {
			t = append(t, append([]string{row.Title}, row.cells(figure.human, figure.of)...))
		}
		text += "\n" + t.text()
	}
	return text
}

// cells returns a figure of each form, and the ratio.
func (r *programRow) cells(human func(float64) string, of func(programFigures) float64) (cells []string) {
	for _, form := range programs.Forms {
		cells = append(cells, human(of(*r.form(form))))
	}
	return append(cells, humanRatio(of(r.Goroutines), of(r.Plain)))
}

// positivePart is the value of a flag: a number above 0 and up to 10.
type positivePart struct{ x *float64 }

// Set parses the value of the flag.
func (v *positivePart) Set(s string) error {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x > 0 && x <= 10) {
		return errors.New("must be a number above 0, up to 10")
	}
	*v.x = x
	return nil
}

func (v *positivePart) String() string { return strconv.FormatFloat(*v.x, 'g', -1, 64) }

func (v *positivePart) Type() string { return "float" }
