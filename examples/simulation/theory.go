package main

import (
	"math"
	"time"
)

// theory has the expected figures of an M/M/c queue in the long run.
type theory struct {
	waits float64 // share of customers that have to wait: Erlang's C
	wait  float64 // mean waiting time of all customers, in seconds
	pace  float64 // of the customers that wait, the share exp(-pace*t) waits longer than t seconds
}

// theoryOf returns the figures for the given number of tellers, who are busy for the share
// load of their time, less than 1, and need the mean time service for a customer.
func theoryOf(tellers int, load float64, service time.Duration) theory {
	// lost is Erlang's B: the share of customers that would leave if no customer could wait.
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

// longer returns the share of all customers that wait longer than d, from 0 to 1.
func (t theory) longer(d time.Duration) float64 { return t.waits * math.Exp(-t.pace*d.Seconds()) }
