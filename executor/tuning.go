//go:build !framearena_explore

package executor

import "time"

const (
	dequeSize = 256 // a power of two

	// searchRounds is how often a worker that is the only one searching lets other
	// goroutines run and looks again before it is idle. To be woken costs both sides
	// more, and who posts one task is likely to post more.
	searchRounds = 16

	// longestPeriod is how long the monitor's period is at most.
	longestPeriod = time.Millisecond
)
