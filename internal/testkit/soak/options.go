package soak

import "time"

// Options say what a soak does.
type Options struct {
	Duration time.Duration // after which no round begins; 0: there is one round
	Seed     uint64        // decides, with the number of the round, what a round does
	Round    int           // the only round, again and again; 0: all, from 1

	// Stall is how long nothing may be done: 2 minutes, if it is 0.
	Stall time.Duration

	// Progress is called now and then, by the goroutine that called Run; it may be nil.
	Progress func(Summary) `json:"-"`

	env []string // for the child, of tests
}

const defaultStall = 2 * time.Minute
