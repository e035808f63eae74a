package executor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
)

// callTimes makes n calls, calls pause before each and took after it, and returns the sum of
// the answers.
func callTimes(n int, call func(int) int, pause func(), took func(time.Duration)) (sum int) {
	for i := range n {
		pause()
		start := time.Now()
		sum += call(i)
		took(time.Since(start))
	}
	return sum
}

// callTask has a task on ex called by this goroutine n times.
func callTask(ex coro.Executor, n int, pause func(), took func(time.Duration)) (int, error) {
	call, hangUp, err := workloads.CallTask(ex)
	if err != nil {
		return 0, err
	}
	sum := callTimes(n, call, pause, took)
	return sum, hangUp()
}

func callGoroutine(n int, pause func(), took func(time.Duration)) int {
	call, hangUp := workloads.CallGoroutine()
	defer hangUp()
	return callTimes(n, call, pause, took)
}

// outsideWakes' result is the sum of the answers.
var outsideWakes = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		return callTask(ex, n, func() {}, func(time.Duration) {})
	},
	goroutines: func(n int) int { return callGoroutine(n, func() {}, func(time.Duration) {}) },
}

func TestOutsideWakes(t *testing.T) { outsideWakes.test(t, 0, 1, scaled(2000)) }

// BenchmarkOutsideWakes' operation is a call and its answer.
func BenchmarkOutsideWakes(b *testing.B) { outsideWakes.bench(b) }

// BenchmarkOutsideWakesIdle is the same, but all have been idle for a while before each
// call: its median is how long a wake takes, there and back.
func BenchmarkOutsideWakesIdle(b *testing.B) {
	measure := func(b *testing.B, run func(pause func(), took func(time.Duration))) {
		times := make([]time.Duration, 0, b.N)
		run(func() { time.Sleep(200 * time.Microsecond) }, func(d time.Duration) { times = append(times, d) })
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "ns/median")
		b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "ns/p99")
	}
	b.Run("tasks", func(b *testing.B) {
		ex := executor.NewPool()
		measure(b, func(pause func(), took func(time.Duration)) {
			_, err := callTask(ex, b.N, pause, took)
			require.NoError(b, err)
		})
		require.NoError(b, ex.Close())
	})
	b.Run("goroutines", func(b *testing.B) {
		measure(b, func(pause func(), took func(time.Duration)) { callGoroutine(b.N, pause, took) })
	})
}
