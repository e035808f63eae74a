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
	below := flag.Int64("below", 1_000_000, "search the sequences that begin below this number")
	goroutines := flag.Int("goroutines", 2, "goroutines of the executor")
	slots := flag.Int("slots", 10, "slots of the allocator")
	flag.Parse()
	if err := run(*below, *goroutines, *slots, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "own:", err)
		os.Exit(1)
	}
}

// longest is a sequence: the number where it begins, and its number of steps to 1.
type longest struct{ start, steps int64 }

// part is the state of look: the sequences that begin at from, up to but not including to.
type part struct {
	from, to int64
	best     longest // so far
}

// look searches a part, a thousand sequences in each step.
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

// searching is the held part of search. Slices have pointers, so they cannot be in its state.
type searching struct {
	parts []part
	found []longest
}

// search searches all parts. Its state is the most parts that are searched at a time.
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

// rooms is the number of frames besides those of the parts: that of search, and that of All.
const rooms = 2

// run searches with n slots, and prints the result.
func run(below int64, goroutines, n int, out io.Writer) (err error) {
	if below < 2 || goroutines < 1 || n <= rooms {
		return fmt.Errorf("-below must be at least 2, -goroutines at least 1, and -slots more than %d", rooms)
	}
	a, err := arena.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }() // an error if a frame is live
	frames, err := newSlots(a, 256, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, frames.Close()) }() // an error if a slot is in use
	ex := newPool(goroutines, a)
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
	fmt.Fprintf(out, "Of all Collatz sequences that begin below %d, the one of %d is the longest: %d steps to 1.\n", below, best.start, best.steps)
	fmt.Fprintf(out, "%d tasks found it, in %d slots, on %d goroutines, in %v.\n",
		len(parts)+1, n, goroutines, time.Since(start).Round(time.Millisecond))
	return nil
}
