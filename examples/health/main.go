package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/framearena/framearena/examples/health/checker"
	"github.com/framearena/framearena/executor"
)

// options are the flags.
type options struct {
	n  int    // targets
	as string // a checker.Form
}

func main() {
	o := options{n: 10_000, as: string(checker.Plain)}
	flag.IntVar(&o.n, "n", o.n, "number of targets")
	flag.StringVar(&o.as, "as", o.as, "plain: each target has a task in plain Go; tasks: a task with steps by hand; goroutines: each has a goroutine")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "health:", err)
		os.Exit(1)
	}
}

// run checks all targets once, and prints how many are ill.
func run(o options, out io.Writer) error {
	pool := executor.NewPool()
	defer pool.Close()
	as := checker.Form(o.as)
	if as != checker.Tasks && as != checker.Plain && as != checker.Goroutines {
		return fmt.Errorf("-as must be %q, %q or %q, not %q", checker.Tasks, checker.Plain, checker.Goroutines, o.as)
	}
	w, err := checker.NewWorld(o.n)
	if err != nil {
		return err
	}
	before := memory(pool)
	ill, err := w.Round(as, pool, func() {
		fmt.Fprintf(out, "%d targets are watched, each with %d B of memory.\n", o.n, (memory(pool)-before)/max(1, uint64(o.n)))
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d are ill.\n", ill)
	return nil
}

// memory returns the memory of the Go heap, of stacks and of frames, in bytes.
func memory(pool *executor.Pool) uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse + uint64(pool.Arena().Stats().MappedBytes)
}
