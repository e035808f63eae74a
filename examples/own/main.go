package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

func main() {
	below := flag.Int64("below", 1_000_000, "where sequences begin")
	goroutines := flag.Int("goroutines", 2, "of the executor")
	slots := flag.Int("slots", 10, "of the allocator")
	flag.Parse()
	if err := run(*below, *goroutines, *slots, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "own:", err)
		os.Exit(1)
	}
}

// longest is a sequence: where it begins, and how many steps it takes to 1.
type longest struct{ start, steps int64 }

// part is the state of a task that looks through some sequences.
type part struct {
	from, to int64 // without the latter
	best     longest
}

// look goes through a part, a thousand sequences in a step.
var look = coro.Define("look", func(f *coro.Frame[part, longest]) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	for range 1000 {
		if s.from == s.to {
			return f.Return(s.best)
		}
		steps := int64(0)
		for n := s.from; n != 1; steps++ {
			if n%2 == 0 {
				n /= 2
			} else {
				n = 3*n + 1
			}
		}
		if steps > s.best.steps {
			s.best = longest{s.from, steps}
		}
		s.from++
	}
	return coro.Yield(f, 1)
})

// searching is the held part of search: slices are on the Go heap.
type searching struct {
	parts []part
	found []longest
}

// search looks through all parts, as many at a time as its state says.
var search = coro.DefineHeld("search", func(f *coro.Frame[int, longest], held *searching) coro.Step {
	if f.At() == 0 {
		held.found = make([]longest, len(held.parts))
		return coro.All(f, 1, look, held.parts, held.found, coro.Limit(f.State))
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	best := longest{1, 0}
	for _, l := range held.found {
		if l.steps > best.steps {
			best = l
		}
	}
	return f.Return(best)
})

// rooms is how many frames there are beside the parts: that of search, and of its All.
const rooms = 2

// run searches, and reports.
func run(below int64, goroutines, n int, out io.Writer) (err error) {
	if below < 2 || goroutines < 1 || n <= rooms {
		return fmt.Errorf("there must be a sequence, a goroutine and more than %d slots", rooms)
	}
	a, err := arena.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }() // an error if somebody has a frame
	frames, err := newSlots(a, 256, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, frames.Close()) }() // the same
	ex := newCrew(goroutines, a)
	defer ex.Close()

	var parts []part
	for from := int64(1); from < below; from += 10_000 {
		parts = append(parts, part{from: from, to: min(from+10_000, below)})
	}
	start := time.Now()
	h, err := coro.Start(ex, search.With(n-rooms, searching{parts: parts}), coro.Allocator(frames))
	if err != nil {
		return err
	}
	best, err := h.Wait(context.Background())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Of all Collatz sequences that begin below %d, that of %d is the longest: %d steps to 1.\n", below, best.start, best.steps)
	fmt.Fprintf(out, "%d tasks found that out, in %d slots, on %d goroutines, in %v.\n",
		len(parts)+1, n, goroutines, time.Since(start).Round(time.Millisecond))
	return nil
}
