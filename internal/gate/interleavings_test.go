//go:build framearena_explore

package gate

import (
	"errors"
	"testing"

	"github.com/framearena/framearena/internal/interleave"
)

var errClosed = errors.New("closed")

// A call that is let into a Gate has left when Close returns, and none is let in afterwards.
func gateModel(r *interleave.Run) {
	g := New()
	var inside interleave.Int32
	var closed interleave.Bool
	for _, name := range []string{"one", "two"} {
		r.Thread(name, func() {
			if err := g.Enter(); err != nil {
				r.Require(err == errClosed, "the error is %v", err)
				return
			}
			r.Require(!closed.Load(), "let in when the gate was closed")
			inside.Add(1)
			inside.Add(-1)
			g.Leave()
		})
	}
	r.Thread("closer", func() {
		g.Close(errClosed)
		closed.Store(true)
		n := inside.Load()
		r.Require(n == 0, "%d are inside of a closed gate", n)
	})
}

func TestInterleavingsOfGates(t *testing.T) {
	interleave.Check(t, gateModel)
}

func TestInterleavingsOfGatesBroken(t *testing.T) {
	tests := []struct {
		name  string
		fault interleave.Fault
	}{
		{"entering is not atomic", interleave.Fault{In: "gate.(*Gate).Enter", Op: "add", Does: interleave.Torn}},
		{"leaving is not atomic", interleave.Fault{In: "gate.(*Gate).Leave", Op: "add", Does: interleave.Torn}},
		{"closing is not atomic", interleave.Fault{Line: "g.state.Add(closed)", Does: interleave.Torn}},
		{"closing does not wait", interleave.Fault{Line: "interleave.Receive(g.empty)", Does: interleave.Skipped}},
		{"the last one to leave says nothing", interleave.Fault{In: "gate.(*Gate).left", Op: "try to send", Does: interleave.Skipped}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { interleave.Catch(t, gateModel, interleave.Break(tt.fault)) })
	}
}
