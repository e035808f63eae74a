//go:build framearena_explore

package coro

import (
	"errors"
	"testing"

	"github.com/framearena/framearena/internal/interleave"
)

var errGateClosed, errGateDrains = errors.New("closed"), errors.New("drains")

// When close returns, all goroutines that have entered the gate have left it, and none enters later.
func gateModel(r *interleave.Run) {
	g := newGate()
	var inside interleave.Int32
	var closed interleave.Bool
	for _, name := range []string{"one", "two"} {
		r.Thread(name, func() {
			if err := g.enter(); err != nil {
				r.Require(err == errGateClosed, "the error is %v", err)
				return
			}
			r.Require(!closed.Load(), "let in when the gate was closed")
			inside.Add(1)
			inside.Add(-1)
			g.leave()
		})
	}
	r.Thread("closer", func() {
		g.close(errGateClosed)
		closed.Store(true)
		n := inside.Load()
		r.Require(n == 0, "%d are inside of a closed gate", n)
	})
}

// Who drains and finds no root finds none later: a launch that was let in was counted.
func drainModel(r *interleave.Run) {
	x := newExecRuntime()
	var drained interleave.Bool
	var live interleave.Int32
	for _, name := range []string{"one", "two"} {
		r.Thread(name, func() {
			if err := x.launching.launch(false); err != nil {
				r.Require(err == errGateDrains, "the error is %v", err)
				x.roots.notifyIfDraining()
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
		x.launching.drain(errGateDrains)
		x.roots.draining.Store(true)
		for x.liveRoots() != 0 {
			interleave.Receive(x.roots.notices)
		}
		drained.Store(true)
		n := live.Load()
		r.Require(n == 0, "%d roots are live when all is drained", n)
	})
}

func TestInterleavingsOfGates(t *testing.T) {
	interleave.Check(t, gateModel)
	interleave.Check(t, drainModel)
}

func TestInterleavingsOfGatesBroken(t *testing.T) {
	tests := []struct {
		name  string
		model func(*interleave.Run)
		fault interleave.Fault
	}{
		{"entering is not atomic", gateModel, interleave.Fault{In: "coro.(*gate).enter", Op: "add", Does: interleave.Torn}},
		{"leaving is not atomic", gateModel, interleave.Fault{In: "coro.(*gate).leave", Op: "add", Does: interleave.Torn}},
		{"closing is not atomic", gateModel, interleave.Fault{Line: "g.state.Add(gateClosed)", Does: interleave.Torn}},
		{"closing does not wait", gateModel, interleave.Fault{Line: "interleave.Receive(g.empty)", Does: interleave.Skipped}},
		{"the last one to leave says nothing", gateModel, interleave.Fault{In: "coro.(*gate).left", Op: "try to send", Does: interleave.Skipped}},
		{"launches are not stopped", drainModel, interleave.Fault{Line: "g.state.Or(gateDraining)", Does: interleave.Skipped}},
		{"launching is not atomic", drainModel, interleave.Fault{In: "coro.(*gate).launch", Op: "add", Does: interleave.Torn}},
		{"ends are not noticed", drainModel, interleave.Fault{In: "coro.(*rootCounts).notify", Op: "try to send", Does: interleave.Skipped}},
		{"who ends a root does not see that somebody drains", drainModel, interleave.Fault{In: "coro.(*rootCounts).notifyIfDraining", Op: "load", Does: interleave.Blind}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { interleave.Catch(t, tt.model, interleave.Break(tt.fault)) })
	}
}
