package main

import (
	"math"
	"time"
)

// theory is what is to be expected of an M/M/c queue in the long run.
type theory struct {
	waits float64 // the part of customers who have to wait: Erlang's C
	wait  float64 // the mean waiting time of all customers, in seconds
	pace  float64 // at which those who wait are served: of them, exp(-pace*t) wait for longer than t
}

// theoryOf returns it for tellers who are busy for a part load of their time, less than 1,
// and take a mean time of service for a customer.
func theoryOf(tellers int, load float64, service time.Duration) theory {
	// Erlang's B, the part of customers who would be lost if nobody could wait.
	offered := load * float64(tellers)
	lost := 1.0
	for n := 1; n <= tellers; n++ {
		lost = offered * lost / (float64(n) + offered*lost)
	}
	var t theory
	t.waits = lost / (1 - load*(1-lost))
	t.pace = (float64(tellers) - offered) / service.Seconds()
	t.wait = t.waits / t.pace
	return t
}

// longer returns the part of all customers who wait for longer than d.
func (t theory) longer(d time.Duration) float64 { return t.waits * math.Exp(-t.pace*d.Seconds()) }
