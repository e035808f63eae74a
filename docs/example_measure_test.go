package docs_test

import (
	"fmt"
	"runtime/metrics"
)

// The cost of a program's goroutines, for when-not.md.

// waitingCost returns what the goroutines of the program cost at the moment.
func waitingCost() (goroutines, stackBytes, scannedBytes uint64) {
	samples := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/gc/scan/stack:bytes"}, // in the last collection
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()
}

func Example_waitingCost() {
	goroutines, stacks, _ := waitingCost()
	fmt.Println(goroutines > 0, stacks > 0)

	// Output:
	// true true
}
