package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
)

const usage = `Usage: framearena [flags]

Framearena shows what tasks on recycled arena frames cost, beside the
alternatives: a chain of tasks with frames from several allocators, and many
suspended tasks beside as many parked goroutines. It takes about half a minute.

  -n int        iterations of the chain per round (default 30000)
  -tasks int    number of suspended tasks, and of parked goroutines (default 1000000)
  -only string  make one part of the tour: chain or tasks
  -json         print everything as one JSON document
  -cpu int      run with this GOMAXPROCS (default: unchanged)
  -h, -help     print this and exit

Exit status: 0 if all went well, 1 if a check or anything else failed, 2 for a
wrong flag or value, 130 if interrupted.
`

// options are what the flags say.
type options struct {
	iterations int
	tasks      int
	only       string // onlyChain, onlyTasks or, for both, empty
	json       bool
	cpu        int // 0: unchanged
}

const (
	onlyChain = "chain"
	onlyTasks = "tasks"
)

// Limits catch slips of the finger before they take all memory.
const (
	maxCount = 1_000_000_000
	maxCPU   = 1024
)

// parseOptions returns flag.ErrHelp if help is asked for.
func parseOptions(args []string) (options, error) {
	o := options{iterations: 30_000, tasks: 1_000_000}
	flags := flag.NewFlagSet("framearena", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what goes where is the caller's to decide
	flags.Func("n", "", wholeNumber(&o.iterations, maxCount))
	flags.Func("tasks", "", wholeNumber(&o.tasks, maxCount))
	flags.Func("cpu", "", wholeNumber(&o.cpu, maxCPU))
	flags.BoolVar(&o.json, "json", false, "")
	flags.Func("only", "", func(s string) error {
		if s != onlyChain && s != onlyTasks {
			return errors.New("must be chain or tasks")
		}
		o.only = s
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

// wholeNumber returns a function that sets *n from a flag's value.
func wholeNumber(n *int, most int) func(string) error {
	return func(s string) error {
		v, err := strconv.Atoi(s)
		if err != nil || v < 1 || v > most {
			return fmt.Errorf("must be a whole number from 1 to %d", most)
		}
		*n = v
		return nil
	}
}
