// Command bench compares framearena with other packages and languages, side by side on the
// machine that it runs on, and writes docs/benchmarks.md.
//
//	go run .          # everything, in less than 15 minutes
//	go run . -quick   # few and short samples, in less than 2
//
// It also builds programs in C, C++ and Rust. The page lists those that it skips because a
// compiler or a library is missing. Samples are kept as JSON, beside the plots or in the file
// of -json; -from renders the page again from such a file.
//
// Package contest describes what is compared. Packages frames, chain, tasks and crowd have
// the contestants, and native has those in other languages; a new contestant is a line in the
// Disciplines of one of them. What tasks and goroutines do is in internal/workloads of the
// library's module. Package measure takes the samples, stats sums them up, and report writes
// the page.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/framearena/framearena/bench/internal/chain"
	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/crowd"
	"github.com/framearena/framearena/bench/internal/frames"
	"github.com/framearena/framearena/bench/internal/measure"
	"github.com/framearena/framearena/bench/internal/native"
	"github.com/framearena/framearena/bench/internal/report"
	"github.com/framearena/framearena/bench/internal/tasks"
)

func main() {
	if measure.Child(disciplines(), os.Stdout) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// disciplines returns all disciplines, in the order of the page.
func disciplines() []contest.Discipline {
	return slices.Concat(frames.Disciplines(), chain.Disciplines(), tasks.Disciplines(), crowd.Disciplines())
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	quick := flags.Bool("quick", false, "take few and short samples")
	rounds := flags.Int("rounds", 0, "how many `rounds` (default 7, or 3 with -quick)")
	each := flags.Duration("sample", 0, "how long a sample takes, about (default 200ms, or 40ms with -quick)")
	only := flags.String("only", "", "measure only those whose \"discipline/contestant\" matches this `regexp`")
	out := flags.String("out", filepath.Join("..", "docs"), "the `directory` to write benchmarks.md and its plots to")
	samplesFile := flags.String("json", "", "the `file` to write samples to (default OUT/benchmarks/samples.json)")
	from := flags.String("from", "", "measure nothing, render the samples in this `file`")
	list := flags.Bool("list", false, "list disciplines and contestants")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("what is %q? There are only flags", flags.Arg(0))
	case *rounds < 0 || *each < 0:
		return errors.New("-rounds and -sample have to be positive")
	case *list:
		for _, d := range disciplines() {
			for _, c := range d.Contestants {
				fmt.Fprintf(stdout, "%s/%s\n", d.ID, c.Name)
			}
		}
		return nil
	case *from != "":
		s, err := measure.Load(*from)
		if err != nil {
			return err
		}
		return write(s, *out, stdout)
	}

	// The page shows the flags that decide what is measured, and not those for files.
	o := measure.Options{Command: "go run .", Quick: *quick, Rounds: 7, Each: 200 * time.Millisecond, Progress: stderr}
	if *quick {
		o.Rounds, o.Each = 3, 40*time.Millisecond
		o.Command += " -quick"
	}
	if *rounds > 0 {
		o.Rounds = *rounds
		o.Command += fmt.Sprint(" -rounds ", o.Rounds)
	}
	if *each > 0 {
		o.Each = *each
		o.Command += fmt.Sprint(" -sample ", o.Each)
	}
	if *only != "" {
		o.Command += fmt.Sprintf(" -only '%s'", *only)
	}
	matches, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	o.Only = func(d contest.Discipline, c contest.Contestant) bool {
		return matches.MatchString(d.ID + "/" + c.Name)
	}
	if *samplesFile == "" {
		*samplesFile = filepath.Join(*out, "benchmarks", "samples.json")
	}
	if err := os.MkdirAll(filepath.Dir(*samplesFile), 0o777); err != nil {
		return err
	}

	dir, err := os.MkdirTemp("", "framearena-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintln(stderr, "building programs in other languages")
	if o.Programs, err = native.Build(ctx, dir); err != nil {
		return err
	}
	s, err := measure.Run(ctx, disciplines(), o)
	if err != nil {
		return err
	}
	if err := s.Save(*samplesFile); err != nil {
		return err
	}
	if err := write(s, *out, stdout); err != nil {
		return err
	}
	if failures := s.Failures(); len(failures) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failures, "; "))
	}
	return nil
}

// write writes the page, and its path to stdout.
func write(s *measure.Samples, dir string, stdout io.Writer) error {
	if err := report.Write(s, dir); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "wrote", filepath.Join(dir, "benchmarks.md"))
	return nil
}
