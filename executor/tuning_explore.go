//go:build framearena_explore

package executor

import "time"

// What is explored is small: so all that happens with full queues happens soon, nobody looks
// again for the sake of speed, and the monitor's timer does not go off by itself.
const (
	dequeSize     = 4
	searchRounds  = -1
	longestPeriod = 1000 * time.Hour
)
