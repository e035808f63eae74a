//go:build framearena_explore

package coro

// Which stripe and which list it is follows from addresses, which differ from execution to
// execution. The explorer needs models that are the same each time.
const (
	numStripes  = 1
	sharedLists = 1
)
