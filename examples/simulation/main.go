package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"time"
)

// These are the values of -as.
const (
	asTasks = "tasks"
	asPlain = "plain"
)

func main() {
	var s scenario
	as := asPlain
	flag.IntVar(&s.customers, "entities", 1_000_000, "number of customers")
	flag.IntVar(&s.tellers, "tellers", 3, "number of tellers")
	flag.Float64Var(&s.load, "load", 0.8, "share of their time in which tellers are busy, between 0 and 1")
	flag.DurationVar(&s.service, "service", 3*time.Minute, "mean time that a teller needs for a customer")
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the random numbers")
	flag.StringVar(&as, "as", as, "plain: customers are tasks in plain Go; tasks: tasks with steps by hand")
	flag.Parse()
	s.plain = as == asPlain
	if as != asTasks && as != asPlain {
		fmt.Fprintf(os.Stderr, "simulation: -as must be %q or %q, not %q\n", asTasks, asPlain, as)
		os.Exit(2)
	}
	if err := run(s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "simulation:", err)
		os.Exit(1)
	}
}

// run runs the simulation and prints the result.
func run(s scenario, out io.Writer) error {
	if s.customers < 1 || s.tellers < 1 || s.service <= 0 || !(s.load > 0 && s.load < 1) {
		return errors.New("-entities and -tellers must be at least 1, -service more than 0, and -load between 0 and 1")
	}
	if days := float64(s.customers) * s.service.Hours() / (s.load * float64(s.tellers)) / 24; days > 100_000 {
		return fmt.Errorf("the simulation would take %.0f days of virtual time, and a time.Duration holds no more than 106,000", days)
	}
	start := time.Now()
	b, err := s.open()
	if err != nil {
		return err
	}
	took := time.Since(start)
	var memory uint64 // of frames
	for _, class := range b.loop.Arena().Stats().Classes {
		memory += class.Live * uint64(class.Size)
	}
	start = time.Now()
	runtime.GC()
	collection := time.Since(start)
	fmt.Fprintf(out, "%d customers were made in %v. Each one sleeps in a frame of %d bytes.\n",
		s.customers, rounded(took), memory/uint64(s.customers))
	fmt.Fprintf(out, "While they sleep, a garbage collection takes %v.\n\n", rounded(collection))

	start = time.Now()
	r, err := b.run()
	took = time.Since(start)
	if err := errors.Join(err, b.loop.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "The bank was open for %.1f days. The simulation took %v: %.2f µs for each customer.\n\n",
		r.end.Hours()/24, rounded(took), float64(took.Microseconds())/float64(r.customers))

	t := theoryOf(s.tellers, s.load, s.service)
	fmt.Fprintf(out, "%-34s %10s %10s\n", "", "simulation", "theory")
	fmt.Fprintf(out, "%-34s %9.2f%% %9.2f%%\n", "tellers are busy", 100*r.service/(r.end.Seconds()*float64(s.tellers)), 100*s.load)
	fmt.Fprintf(out, "%-34s %9.2f%% %9.2f%%\n", "customers have to wait", 100*float64(r.waited)/float64(r.customers), 100*t.waits)
	fmt.Fprintf(out, "%-34s %10v %10v\n", "mean waiting time", rounded(seconds(r.wait/float64(r.customers))), rounded(seconds(t.wait)))
	for minutes := 1; minutes < minutesShown; minutes++ {
		here := r.longer(minutes)
		fmt.Fprintf(out, "%-34s %9.2f%% %9.2f%%  %s\n", fmt.Sprintf("customers wait longer than %d min", minutes),
			100*here, 100*t.longer(time.Duration(minutes)*time.Minute), strings.Repeat("▒", int(math.Round(50*here))))
	}
	fmt.Fprintf(out, "\ndigest %016x, the same for each run with these flags\n", r.digest)
	return nil
}

func rounded(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	default:
		return d.Round(10 * time.Microsecond)
	}
}
