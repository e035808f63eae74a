package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/internal/workloads"
)

var contention = program[int]{
	tasks: workloads.Contention,
	goroutines: func(n int) int {
		var mu sync.Mutex
		return workloads.ContentionGoroutines(n, mu.Lock, mu.Unlock)
	},
}

func TestMutexContention(t *testing.T) { contention.test(t, 0, 1, scaled(20_000)) }

// BenchmarkMutexContention's operation is to have the mutex once.
func BenchmarkMutexContention(b *testing.B) { contention.bench(b) }
