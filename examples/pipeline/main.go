package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/framearena/framearena/examples/pipeline/ordered"
	"github.com/framearena/framearena/executor"
)

// options are the flags.
type options struct {
	n  int    // items
	as string // a ordered.Form
}

func main() {
	o := options{n: 50_000, as: string(ordered.Plain)}
	flag.IntVar(&o.n, "n", o.n, "number of items")
	flag.StringVar(&o.as, "as", o.as, "plain: each item is a task in plain Go; tasks: a task with steps by hand; goroutines: each is a goroutine")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pipeline:", err)
		os.Exit(1)
	}
}

// run runs items through a pipeline.
func run(o options, out io.Writer) error {
	pool := executor.NewPool()
	defer pool.Close()
	as := ordered.Form(o.as)
	if as != ordered.Tasks && as != ordered.Plain && as != ordered.Goroutines {
		return fmt.Errorf("-as must be %q, %q or %q, not %q", ordered.Tasks, ordered.Plain, ordered.Goroutines, o.as)
	}
	before := memory(pool)
	_, err := ordered.Flood(as, pool, o.n, func() {
		fmt.Fprintf(out, "%d items are in work, each with %d B of memory.\n", o.n, (memory(pool)-before)/max(1, uint64(o.n)))
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "All results came, in order.")
	return nil
}

// memory returns the memory of the Go heap, of stacks and of frames, in bytes.
func memory(pool *executor.Pool) uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse + uint64(pool.Arena().Stats().MappedBytes)
}
