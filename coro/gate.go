package coro

import (
	"math"
	"sync"
	"sync/atomic"
)

// gate is what launches on an executor pass, from before they make a frame until
// they have posted it, so that the executor can wait for them before it closes
// the arena. It is shared by all environments of the executor.
//
// Passing costs two atomic additions, and leaves nothing else to do about
// launches for an executor that closes: once the gate is closed, its queue gets
// nothing more from outside.
type gate struct {
	_ [64]byte // launches write state; what lies around is only read

	// state is how many launches are inside, plus gateClosed once that is so.
	// Additions are the only changes: whoever adds 1 to a state that is not
	// negative is seen by close, and whoever takes the last 1 away sees close.
	state atomic.Int64

	_ [56]byte

	err   error         // what launches get; written before state is negative
	empty chan struct{} // gets a value when nobody is inside of a closed gate
	once  sync.Once     // close
}

const gateClosed = math.MinInt64 / 2

func newGate() *gate { return &gate{empty: make(chan struct{}, 1)} }

// enter returns nil, and leave must be called, or the error of a closed gate.
func (g *gate) enter() error {
	if g.state.Add(1) < 0 {
		g.leave()
		return g.err
	}
	return nil
}

func (g *gate) leave() {
	if g.state.Add(-1) == gateClosed {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// close makes enter return err, and returns when nobody is inside any more.
func (g *gate) close(err error) {
	g.once.Do(func() {
		g.err = err
		if g.state.Add(gateClosed) != gateClosed {
			<-g.empty
		}
	})
}
