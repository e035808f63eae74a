//go:build framearena_explore

package executor

import "time"

// The explorer needs small numbers: so a deque is full after a few tasks, no worker looks
// again only to be faster, and the monitor's timer does not fire by itself.
const (
	dequeSize     = 4
	searchRounds  = -1
	longestPeriod = 1000 * time.Hour
)
