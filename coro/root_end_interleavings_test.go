//go:build framearena_explore

package coro

import (
	"errors"
	"testing"

	"github.com/framearena/framearena/internal/interleave"
)

var errGateDrains = errors.New("drains")

// A drainer that finds no root finds none later: a launch that was let in was counted.
func drainModel(r *interleave.Run) {
	x := newExecRuntime(1)
	var drained interleave.Bool
	var live interleave.Int32
	for _, name := range []string{"one", "two"} {
		r.Thread(name, func() {
			if err := x.enterLaunch(nil, false); err != nil {
				r.Require(err == errGateDrains, "the error is %v", err)
				return
			}
			live.Add(1)
			r.Require(!drained.Load(), "a root begins when all is drained")
			x.leaveLaunch(true)
			live.Add(-1)
			x.roots.elsewhere.Add(1)
			x.roots.notifyIfDraining()
		})
	}
	r.Thread("drainer", func() {
		x.launching.Drain(errGateDrains)
		x.roots.draining.Store(true)
		for x.liveRoots() != 0 {
			interleave.Receive(x.roots.notices)
		}
		drained.Store(true)
		n := live.Load()
		r.Require(n == 0, "%d roots are live when all is drained", n)
	})
}

func TestInterleavingsOfDrains(t *testing.T) {
	interleave.Check(t, drainModel)
}

func TestInterleavingsOfDrainsBroken(t *testing.T) {
	tests := []struct {
		name  string
		fault interleave.Fault
	}{
		{"launches are not stopped", interleave.Fault{Line: "g.state.Or(draining)", Does: interleave.Skipped}},
		{"launching is not atomic", interleave.Fault{In: "gate.(*Gate).Launch", Op: "add", Does: interleave.Torn}},
		{"ends are not noticed", interleave.Fault{In: "coro.(*rootCounts).notify", Op: "try to send", Does: interleave.Skipped}},
		{"who ends a root does not see that somebody drains", interleave.Fault{In: "coro.(*rootCounts).notifyIfDraining", Op: "load", Does: interleave.Blind}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { interleave.Catch(t, drainModel, interleave.Break(tt.fault)) })
	}
}
