package cases

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/framearena/framearena/internal/forcing"
)

// plan says what happens at each operation of package task that a program reaches.
type plan struct {
	name     string
	suspends func(k int) bool // whether the k-th operation suspends; k begins with 1
	moves    bool             // frames move at each suspension
	givesWay bool             // where nothing suspends, the worker is asked to let others run
	workers  int              // how many run a program with parts beside each other; 0 is 1
	collects bool             // a garbage collection at each operation
}

func never(int) bool  { return false }
func always(int) bool { return true }

func only(at int) func(int) bool { return func(k int) bool { return k == at } }

// random suspends at every second operation or so. It depends on nothing but k.
func random(seed uint64) func(int) bool {
	return func(k int) bool { return rand.New(rand.NewPCG(seed, uint64(k))).IntN(2) == 0 }
}

// event is what happens at one operation, before it.
type event struct {
	kind eventKind
	at   int // which operation; the first is 1
}

type eventKind uint8

const (
	nothing   eventKind = iota
	cancelled           // the program's context is cancelled
	panics              // the operation panics
	ends                // the executor ends, while the operation waits
)

func (e event) String() string {
	return fmt.Sprint([]string{"undisturbed", "cancelled", "panic", "end of the executor"}[e.kind], " at ", e.at)
}

// conductor decides for one run.
type conductor struct {
	plan   plan
	event  event
	cancel context.CancelCauseFunc
	task   bool // the program is compiled
	beside bool // others may wait for what panics

	mu      sync.Mutex
	reached int
	ending  chan struct{} // closed when the executor is to end
}

// forcedPanic is what an operation panics with.
type forcedPanic struct{ at int }

// next is called when an operation is reached.
func (c *conductor) next() forcing.Choice {
	c.mu.Lock()
	c.reached++
	k := c.reached
	c.mu.Unlock()
	if c.plan.collects {
		runtime.GC()
	}
	happens := c.event.kind != nothing && k == c.event.at
	switch {
	case happens && c.event.kind == cancelled:
		c.cancel(errCause)
	case happens && c.event.kind == panics:
		if c.beside {
			c.cancel(errCause)
		}
		panic(forcedPanic{k})
	case c.event.kind == ends && k >= c.event.at:
		if happens && c.ending != nil {
			close(c.ending)
		}
		if !c.task {
			runtime.Goexit()
		}
		return forcing.Stay
	}
	if c.plan.suspends(k) {
		return forcing.Suspend
	}
	return forcing.Complete
}
