package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

func main() {
	n := flag.Int("n", 20, "the number of the Fibonacci number, from 0 to 40")
	runs := flag.Int("runs", 20, "how often a tree is run; the time is that of the fastest")
	flag.Parse()
	if err := run(*n, *runs, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "counting:", err)
		os.Exit(1)
	}
}

// run counts what the n-th Fibonacci number takes, and reports.
func run(n, runs int, out io.Writer) error {
	if n < 0 || n > 40 || runs < 1 {
		return errors.New("-n is from 0 to 40, and there is a run at least")
	}
	ex := executor.NewInline()
	tasks, number := tasksOf(n)
	fmt.Fprintf(out, "fib(%d) is %d, which %d tasks find out.\n\n", n, number, tasks)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "levels in the root's frame\tallocations\ta task\tfrom the arena\tfrom the Go heap\t")
	for levels := 1; ; levels = min(levels+max(n/4, 1), n) {
		allocations, fromArena, err := count(ex, ex.Arena(), n, levels, runs)
		if err != nil {
			return errors.Join(err, ex.Close())
		}
		_, fromHeap, err := count(ex, new(arena.Heap), n, levels, runs)
		if err != nil {
			return errors.Join(err, ex.Close())
		}
		perTask := func(d time.Duration) string { return fmt.Sprintf("%.1f ns", float64(d)/float64(tasks)) }
		fmt.Fprintf(w, "%d\t%d\t%.2f\t%s\t%s\t\n", levels, allocations,
			float64(allocations)/float64(tasks), perTask(fromArena), perTask(fromHeap))
		if levels >= n {
			break
		}
	}
	w.Flush()
	fmt.Fprintln(out, "\nThe times are those of a task, with its frame, if it has one, and the counting.")
	return ex.Close() // an error if a frame was live
}

// count runs the tree, with room in the root's frame for so many levels of it, and returns
// how many frames it allocates from next, and the least time that it takes.
func count(ex *executor.Inline, next arena.FrameAllocator, n, levels, runs int) (allocations int64, least time.Duration, err error) {
	_, want := tasksOf(n)
	chain := slices.Repeat([]interface{ FrameSize() uintptr }{fib}, levels)
	for i := range runs {
		frames := newCounting(next)
		launch := coro.RunAsync(ex,
			coro.Allocator(frames),
			coro.RootFrameSize(coro.ChainSize(chain...)),
			coro.OnError(func(e error) { err = e }),
			coro.OnResult(func(got int32) {
				if got != want {
					err = fmt.Errorf("fib(%d) is %d, not %d", n, want, got)
				}
			}))
		start := time.Now()
		if err := launch(fib.With(fibonacci{n: int32(n)})); err != nil {
			return 0, 0, err
		}
		took := time.Since(start) // an Inline has run it by now
		if err != nil {
			return 0, 0, err
		}
		if live := frames.live.Load(); live != 0 {
			return 0, 0, fmt.Errorf("%d frames are live after the end", live)
		}
		if i == 0 || took < least {
			least = took
		}
		allocations = frames.allocations.Load()
	}
	return allocations, least, nil
}
