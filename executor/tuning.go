//go:build !framearena_explore

package executor

import "time"

const (
	dequeSize = 256 // tasks that a deque holds; a power of two

	// searchRounds is how often the only searching worker lets other goroutines run and
	// looks again before it becomes idle. Waking a worker costs both sides more than such
	// a round, and a goroutine that has posted one task is likely to post another.
	searchRounds = 16

	// longestPeriod is the upper limit of the monitor's period.
	longestPeriod = time.Millisecond
)
