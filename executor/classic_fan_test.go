package executor_test

import (
	"testing"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
)

var fanOutIn = program[uint64]{
	tasks:      func(ex coro.Executor, n int) (uint64, error) { return workloads.FanOutIn(ex, n, fanWork) },
	goroutines: func(n int) uint64 { return workloads.FanOutInGoroutines(n, fanWork) },
}

// fanWork takes little time, so that channels are what takes it.
func fanWork(job uint64) uint64 { return utsChild(job, int(job)) >> 32 }

func TestFanOutFanIn(t *testing.T) { fanOutIn.test(t, 0, 1, scaled(5000)) }

// BenchmarkFanOutFanIn's operation is a number that goes out and comes in.
func BenchmarkFanOutFanIn(b *testing.B) { fanOutIn.bench(b) }
