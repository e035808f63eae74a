//go:build !framearena_explore

package coro

const (
	numStripes = 64 // of a runtime; a power of two

	// sharedLists is how many lists the scope of a sharedEnvironment has.
	sharedLists = 4
)
