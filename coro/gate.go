package coro

import (
	"github.com/framearena/framearena/internal/interleave"
)

// gate is what launches on an executor pass, from before they make a frame until
// they have posted it, so that the executor can wait for them before it closes
// the arena. It is shared by all environments of the executor.
//
// Passing costs two atomic additions, and leaves nothing else to do about
// launches for an executor that closes: once the gate is closed, its queue gets
// nothing more from outside. The same two additions count launches.
type gate struct {
	_ [64]byte // launches write state; what lies around is only read

	// state is, from the lowest bit: how many are inside; gateDraining; gateClosed; how
	// many launches have been begun and not taken back, modulo 2^31. Additions are the
	// only changes, except that gateDraining is set by an Or: whoever adds 1 before close
	// adds gateClosed is seen by close, and whoever takes the last 1 away sees close.
	// In the same way, a launch that does not see gateDraining is counted when whoever has
	// set that reads the count.
	state interleave.Uint64

	_ [56]byte

	err       error           // what all get once closed; written before gateClosed is set
	drainErr  error           // what launches get before that; written before gateDraining is set
	empty     chan struct{}   // gets a value when nobody is inside of a closed gate
	once      interleave.Once // close
	drainOnce interleave.Once // drain
}

const (
	// As many may be inside as tasks are woken by one call of what has a gate for that, so
	// there is room for more than fit into memory; and so there is for live roots, which is
	// what launches are counted for.
	gateInside   = 1<<31 - 1
	gateDraining = 1 << 31
	gateClosed   = 1 << 32
	gateLaunch   = 1 << gateLaunches
	gateLaunches = 33
)

func newGate() *gate {
	g := new(gate)
	g.init()
	return g
}

func (g *gate) init() { g.empty = make(chan struct{}, 1) }

// enter returns nil, and leave must be called, or the error of a closed gate.
func (g *gate) enter() error {
	if g.state.Add(1)&gateClosed != 0 {
		g.leave()
		return g.err
	}
	return nil
}

func (g *gate) leave() { g.left(g.state.Add(^uint64(0))) }

// launch is enter for who makes a root. inside says that the root will be part of a tree
// that is live on the same executor, and so may begin although that drains. leaveLaunch
// must be called if the error is nil.
func (g *gate) launch(inside bool) error {
	s := g.state.Add(gateLaunch + 1)
	if s&(gateClosed|gateDraining) == 0 || inside && s&gateClosed == 0 {
		return nil
	}
	g.takeBack()
	if s&gateClosed != 0 {
		return g.err
	}
	return g.drainErr
}

// admits is launch for who is in a step of the executor. Its root is live, and so is every
// worker of it, so nobody who drains or closes has to be told: one finds what is launched
// here counted before that root has ended, and the other waits for the worker.
func (g *gate) admits(inside bool) error {
	switch s := g.state.Load(); {
	case s&gateClosed != 0:
		return g.err
	case s&gateDraining != 0 && !inside:
		return g.drainErr
	default:
		return nil
	}
}

// takeBack is leave for a launch that has made no root.
func (g *gate) takeBack() { g.left(g.state.Add(^uint64(gateLaunch))) }

func (g *gate) left(s uint64) {
	if s&(gateClosed|gateInside) == gateClosed {
		interleave.TrySend(g.empty, struct{}{})
	}
}

// drain makes launch return err.
func (g *gate) drain(err error) {
	g.drainOnce.Do(func() {
		g.drainErr = err
		g.state.Or(gateDraining)
	})
}

// launches returns how many roots were launched, modulo 2^31.
func (g *gate) launches() uint32 { return uint32(g.state.Load() >> gateLaunches) }

// close makes enter return err, and returns when nobody is inside any more.
func (g *gate) close(err error) {
	g.once.Do(func() {
		g.err = err
		if g.state.Add(gateClosed)&gateInside != 0 {
			interleave.Receive(g.empty)
		}
	})
}
