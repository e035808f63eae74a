package executor_test

import (
	"testing"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
)

// sleepers' result is how many of them have woken.
var sleepers = program[int64]{
	tasks: func(ex coro.Executor, n int) (int64, error) {
		before := workloads.SleepersWoken.Load()
		err := workloads.Sleepers(ex, n, sleepersSpread)
		return workloads.SleepersWoken.Load() - before, err
	},
	goroutines: func(n int) int64 {
		before := workloads.SleepersWoken.Load()
		workloads.SleepersGoroutines(n, sleepersSpread)
		return workloads.SleepersWoken.Load() - before
	},
}

// sleepersSpread makes a million sleepers wake within ten seconds.
const sleepersSpread = 10 * time.Microsecond

func TestSleepers(t *testing.T) { sleepers.test(t, 0, 1, scaled(5000)) }

// BenchmarkSleepers' operation is a sleeper; ask for a million with -benchtime 1000000x.
// What counts is the CPU time: the rest is sleep.
func BenchmarkSleepers(b *testing.B) { sleepers.bench(b) }
