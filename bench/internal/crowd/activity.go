package crowd

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/framearena/framearena/internal/workloads"
)

// begin is what an activity does before it is suspended.
func begin(a *workloads.Activity) {
	a.Fill()
	begun.Add(1)
}

// end is what an activity does when it is resumed: it is counted, if its state is what it
// was.
func end(a *workloads.Activity) {
	if a.Intact() {
		endedIDs.Add(a.ID)
		ended.Add(1)
	}
}

var (
	begun    atomic.Int64  // how many activities have begun
	ended    atomic.Int64  // how many have ended, and were what they had been
	endedIDs atomic.Uint64 // the sum of their ids
)

// await waits until the counter has reached n.
func await(counter *atomic.Int64, n int) {
	for counter.Load() < int64(n) {
		runtime.Gosched()
	}
}

// crowd is many activities of one sort. Most of them are idle; the busy ones serve requests.
type crowd interface {
	// open starts the busy activities.
	open(busy int) error

	// create starts n idle activities, with the IDs 1 to n, and returns when each is suspended
	// or about to be.
	create(n int) error

	// request sends a request to a busy activity.
	request(busy int, r request)

	// finish lets all idle activities end. It need not wait for their end.
	finish()

	// close ends the busy activities, and returns an error if anything is left.
	close() error
}

// checkEnded returns an error unless n idle activities have ended with the state with which
// they were suspended.
func checkEnded(n int) error {
	if got, want := endedIDs.Load(), workloads.SumOfIDs(n); got != want || ended.Load() != int64(n) {
		return fmt.Errorf("check failed: %d activities have ended, whose ids add up to %d, want %d and %d", ended.Load(), got, n, want)
	}
	return nil
}
