package executor_test

import (
	"testing"

	"github.com/framearena/framearena/internal/workloads"
)

// skynet's size is the number of leaves, a power of ten.
var skynet = program[int]{workloads.Skynet, workloads.SkynetGoroutines}

func TestSkynet(t *testing.T) { skynet.test(t, 1, 10, 1000, 10*scaled(10_000)) }

// BenchmarkSkynet's operation is a tree of 1,111,111 tasks, or of 11,111 with -short.
func BenchmarkSkynet(b *testing.B) {
	if testing.Short() {
		skynet.benchOf(b, 10_000, 11_111)
		return
	}
	skynet.benchOf(b, 1_000_000, 1_111_111)
}
