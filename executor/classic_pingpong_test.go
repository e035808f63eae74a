package executor_test

import (
	"testing"

	"github.com/framearena/framearena/internal/workloads"
)

var pingPong = program[int]{workloads.PingPong, workloads.PingPongGoroutines}

func TestPingPong(t *testing.T) { pingPong.test(t, 0, 1, scaled(5000)) }

// BenchmarkPingPong's operation is a round trip.
func BenchmarkPingPong(b *testing.B) { pingPong.bench(b) }
