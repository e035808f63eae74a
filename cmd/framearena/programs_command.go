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

// programsReport has the memory of programs at their fullest moment.
type programsReport struct {
	Machine machine      `json:"machine"`
	Rows    []programRow `json:"rows"`
}

// programRow is the measurement of one program.
type programRow struct {
	Name       string        `json:"name"`
	Title      string        `json:"title"`
	Size       int           `json:"size"`
	Goal       int           `json:"goal"`  // the ratio that is wanted; 0: none
	Ratio      float64       `json:"ratio"` // of the memory with goroutines to that with tasks by hand
	Tasks      programMemory `json:"tasks"`
	Plain      programMemory `json:"plain"`
	Goroutines programMemory `json:"goroutines"`
}

// programMemory is what a program has while everything waits.
type programMemory struct {
	MemoryBytes  float64 `json:"memory_bytes"` // beyond the process before the program
	MemorySource string  `json:"memory_source"`
	GCFullNs     float64 `json:"gc_full_ns"` // of a runtime.GC()
}

func newProgramsCommand(c *streams) *cobra.Command {
	part, cpu := 1.0, 0
	command := &cobra.Command{
		Use:   "programs",
		Short: "Five programs beside the same with goroutines: their memory",
		Long: `Programs runs the five programs that one writes first: a health checker, a chat
room, open orders, an ordered pipeline and a crawler. Each is written with tasks
by hand, in plain Go that is compiled to tasks, and with goroutines, and runs in
a process of its own. The command prints the resident memory of each while
everything waits, and how long a garbage collection takes then.

The first four are in examples, to read and to copy from.`,
		Args: cobra.NoArgs,
	}
	command.Flags().Var(&positivePart{&part}, "part", "size of the programs, as a `fraction` of the full size")
	addCPUFlag(command, &cpu)
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if cpu > 0 {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpu))
		}
		return runPrograms(cmd.Context(), c, part)
	}
	return command
}

// runPrograms measures all programs, at a part of their size, and prints the table.
func runPrograms(ctx context.Context, c *streams, part float64) error {
	r := programsReport{Machine: thisMachine()}
	if err := c.print(r.Machine.text()); err != nil {
		return err
	}
	for i, p := range programs.Programs {
		row := programRow{Name: p.Name, Title: p.Title, Size: max(10, int(math.Round(float64(p.Size)*part))), Goal: p.Goal}
		c.progress.part(i, len(programs.Programs))
		memories := map[programs.Form]*programMemory{
			programs.Tasks: &row.Tasks, programs.Plain: &row.Plain, programs.Goroutines: &row.Goroutines}
		for _, form := range programs.Forms {
			c.progress.step(fmt.Sprintf("%s %s, form: %s", grouped(row.Size), p.Title, form))
			name := programsPrefix + p.Name + "/" + string(form)
			if err := measureInChild(ctx, name, row.Size, c.stderr, c.progress.detail, memories[form]); err != nil {
				return fmt.Errorf("%s, form %s: %w", p.Name, form, err)
			}
		}
		row.Ratio = quotient(row.Goroutines.MemoryBytes, row.Tasks.MemoryBytes)
		r.Rows = append(r.Rows, row)
	}
	if err := c.print(r.text()); err != nil {
		return err
	}
	return c.encode(r)
}

// measureProgramHere runs a program of size n in this process. order is its name, a slash, and its
// form.
func measureProgramHere(order string, n int, stage func(string)) (m programMemory, err error) {
	name, as, _ := strings.Cut(order, "/")
	p, err := programs.Find(name)
	if err != nil {
		return m, err
	}
	if !slices.Contains(programs.Forms, programs.Form(as)) {
		return m, errors.New("a program is measured with tasks, in plain Go or with goroutines")
	}
	var before uint64
	err = p.Run(n, programs.Form(as), func(frames arena.Stats) {
		collectionNs() // what was made before the program, and the collector itself
		before, _ = residentMemory(frames.MappedBytes)
		stage("beginning")
	}, func(frames arena.Stats) {
		stage("collecting garbage")
		after, source := residentMemory(frames.MappedBytes)
		m.MemoryBytes, m.MemorySource = float64(after)-float64(before), source
		m.GCFullNs = fastestCollectionNs()
		stage("ending")
	})
	if err != nil {
		return m, fmt.Errorf("check failed: %w", err)
	}
	return m, nil
}

// text returns the table of programs.
func (r *programsReport) text() string {
	t := table{{"", "size", "tasks", "plain Go", "goroutines", "ratio"}}
	collections := table{{"runtime.GC() meanwhile", "tasks", "plain Go", "goroutines", "ratio"}}
	for _, row := range r.Rows {
		t = append(t, []string{
			row.Title, grouped(row.Size), humanBytes(row.Tasks.MemoryBytes), humanBytes(row.Plain.MemoryBytes), humanBytes(row.Goroutines.MemoryBytes),
			humanRatio(row.Goroutines.MemoryBytes, row.Tasks.MemoryBytes),
		})
		collections = append(collections, []string{
			row.Title, humanTime(row.Tasks.GCFullNs), humanTime(row.Plain.GCFullNs), humanTime(row.Goroutines.GCFullNs),
			humanRatio(row.Goroutines.GCFullNs, row.Tasks.GCFullNs),
		})
	}
	title := fmt.Sprintf("Five programs, with tasks by hand, in plain Go, and with goroutines: memory while everything waits (from %s)", r.Rows[0].Tasks.MemorySource)
	return "\n" + wrapped(title, columns) + "\n" + t.text() + "\n" + collections.text()
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
