package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/framearena/framearena/examples/orders/shop"
	"github.com/framearena/framearena/executor"
)

// options are the flags.
type options struct {
	n  int    // orders
	as string // asTasks, asPlain or asGoroutines
}

// These are the values of -as.
const (
	asTasks      = "tasks"
	asPlain      = "plain"
	asGoroutines = "goroutines"
)

// times are longer than the program runs: it measures orders that are open.
var times = shop.Times{Reminder: time.Hour, Release: 2 * time.Hour, Expiry: 24 * time.Hour}

func main() {
	o := options{n: 100_000, as: asPlain}
	flag.IntVar(&o.n, "n", o.n, "number of orders")
	flag.StringVar(&o.as, "as", o.as, "plain: each order is a task in plain Go; tasks: a task with steps by hand; goroutines: each is a goroutine")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

// run runs the day of a shop, and prints how the orders ended.
func run(o options, out io.Writer) error {
	pool := executor.NewPool()
	defer pool.Close()
	var clerk shop.Clerk
	var s shop.Shop
	switch o.as {
	case asTasks:
		s = &shop.Tasks{Executor: pool, Times: times, Clerk: &clerk}
	case asPlain:
		s = &shop.Plain{Executor: pool, Times: times, Clerk: &clerk}
	case asGoroutines:
		s = &shop.Goroutines{Times: times, Clerk: &clerk}
	default:
		return fmt.Errorf("-as must be %q, %q or %q, not %q", asTasks, asPlain, asGoroutines, o.as)
	}
	before := memory(pool)
	books, err := shop.Day(s, o.n, func() {
		fmt.Fprintf(out, "%d orders are open, each with %d B of memory.\n", o.n, (memory(pool)-before)/max(1, uint64(o.n)))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d were paid, and %d cancelled.\n", books.Paid, books.Cancelled)
	return nil
}

// memory returns the memory of the Go heap, of stacks and of frames, in bytes.
func memory(pool *executor.Pool) uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse + uint64(pool.Arena().Stats().MappedBytes)
}
