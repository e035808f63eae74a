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
	n := flag.Int("n", 20, "which Fibonacci number to compute, from 0 to 40")
	runs := flag.Int("runs", 20, "how often to run each tree; the fastest run counts")
	flag.Parse()
	if err := run(*n, *runs, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "counting:", err)
		os.Exit(1)
	}
}

// run counts the frames for the n-th Fibonacci number, and prints a table.
func run(n, runs int, out io.Writer) error {
	if n < 0 || n > 40 || runs < 1 {
		return errors.New("-n must be from 0 to 40, and -runs at least 1")
	}
	ex := executor.NewInline()
	tasks, number := tasksOf(n)
	fmt.Fprintf(out, "%d tasks compute fib(%d) = %d.\n\n", tasks, n, number)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "levels in the root's frame\tallocations\tper task\tfrom the arena\tfrom the Go heap\t")
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
	fmt.Fprintln(out, "\nTimes are per task, with the allocation of its frame, if it has one, and the counting.")
	return ex.Close() // an error if a frame was live
}

// count runs the tree, with room in the root's frame for so many levels. It returns how many
// frames the tree allocates from next, and the time of its fastest run.
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
