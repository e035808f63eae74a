package soak

import "time"

// Options configure a soak.
type Options struct {
	Duration time.Duration // no round begins after it, if there were enough; 0: there are just enough
	Rounds   int           // how many rounds are enough; 0: one
	Seed     uint64        // decides what a round does, together with the number of the round
	Round    int           // the only round, again and again; 0: all, from 1

	// Stall is how long the soak may make no progress. 0 is 2 minutes.
	Stall time.Duration

	// Progress is called now and then, on the goroutine that called Run. It may be nil.
	Progress func(Summary) `json:"-"`

	env []string // more environment for the child; for tests
}

const defaultStall = 2 * time.Minute
