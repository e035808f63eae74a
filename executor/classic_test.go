package executor_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// program is a classic program of size n, written with tasks and with goroutines. Both
// give the same result, whatever runs the tasks.
type program[R any] struct {
	tasks      func(ex coro.Executor, n int) (R, error)
	goroutines func(n int) R
}

// classicExecutors are what the programs are tested on.
var classicExecutors = []struct {
	name string
	open func(...executor.BaseOption) closer
}{
	{"inline", func(opts ...executor.BaseOption) closer {
		return executor.NewInline(as[executor.InlineOption](opts)...)
	}},
	{"loop", func(opts ...executor.BaseOption) closer { return newDriven(as[executor.LoopOption](opts)...) }},
	{"pool-1", poolOf(1)},
	{"pool-2", poolOf(2)},
	{"pool-8", poolOf(8)},
}

func poolOf(workers int) func(...executor.BaseOption) closer {
	return func(opts ...executor.BaseOption) closer {
		return executor.NewPool(append(as[executor.PoolOption](opts), executor.WithWorkers(workers))...)
	}
}

// test compares the two on each executor. The root ends last in all programs, so no frame
// is live when it has.
func (p program[R]) test(t *testing.T, sizes ...int) {
	for _, n := range sizes {
		want := p.goroutines(n)
		for _, on := range classicExecutors {
			t.Run(fmt.Sprintf("%d/%s", n, on.name), func(t *testing.T) {
				a := newArena(t)
				ex := on.open(executor.WithArena(a))
				got, err := p.tasks(ex, n)
				require.NoError(t, err)
				require.Equal(t, want, got)
				// A worker that becomes idle publishes its free frames: while a batch is on
				// its way, Stats may take it for live.
				require.Eventually(t, func() bool { return a.Stats().Total.Live == 0 }, time.Minute, time.Millisecond)
				require.NoError(t, ex.Close())
			})
		}
	}
}

// bench compares programs whose size is a number of operations.
func (p program[R]) bench(b *testing.B) {
	p.each(b, func(b *testing.B, run func(int)) { run(b.N) })
}

// benchOf compares programs of one size, that of so many parts.
func (p program[R]) benchOf(b *testing.B, n, parts int) {
	p.each(b, func(b *testing.B, run func(int)) {
		for b.Loop() {
			run(n)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(parts), "ns/part")
	})
}

// each has all ways of running the program measured. It reports the CPU time too, which
// says what two workers cost each other, also on a machine that has other work.
func (p program[R]) each(b *testing.B, measure func(b *testing.B, run func(n int))) {
	for _, workers := range workerCounts {
		name := fmt.Sprintf("tasks-%dworkers", workers)
		if workers == 1 {
			name = "tasks-1worker"
		}
		b.Run(name, func(b *testing.B) {
			ex := executor.NewPool(executor.WithWorkers(workers))
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime(b)
			measure(b, func(n int) {
				if _, err := p.tasks(ex, n); err != nil {
					b.Fatal(err)
				}
			})
			b.StopTimer()
			reportCPU(b, cpu)
			require.NoError(b, ex.Close())
		})
	}
	b.Run("goroutines", func(b *testing.B) {
		b.ReportAllocs()
		cpu := cpuTime(b)
		measure(b, func(n int) { p.goroutines(n) })
		reportCPU(b, cpu)
	})
}

// reportCPU reports the CPU time that an operation has taken since before, where the system
// tells.
func reportCPU(b *testing.B, before time.Duration) {
	if before == 0 {
		return
	}
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// run runs the root of a program.
func run[R any](ex coro.Executor, root coro.Call[R]) (R, error) {
	return coro.Run(context.Background(), ex, root)
}
