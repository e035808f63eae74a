// Package gate has a counter that an executor closes and that its users pass: closing
// waits for those that are inside and refuses those that come later.
package gate

import (
	// The types of interleave are those of sync/atomic. The compiler knows that their methods
	// are single instructions only if that package is imported by name; otherwise Enter and
	// Leave are not inlined.
	_ "sync/atomic"

	"github.com/framearena/framearena/internal/interleave"
)

// A Gate is passed by the goroutines that may use something only while it is open: they
// call Enter before and Leave after. Close waits until nobody is inside, and nobody gets in
// afterwards. The environments of one executor share two Gates: one for launches and one for
// wakes, since tasks may wake others while launches are refused already.
//
// A launch passes its Gate from before it makes a frame until it has posted it. So once the
// Gate is closed, nobody outside of the executor allocates from its arena, and the
// executor's queue gets no more tasks from outside. The same addition to state counts the
// launch.
//
// A Gate must not be copied. All methods but Init may be called from any goroutine.
//
// # Why one word suffices
//
// All changes of state are atomic, so they have one order, and an addition returns the sum
// up to and including itself.
//
//   - Enter before Close: if the 1 is added before closed is, Enter's sum is without that
//     bit, and Close's sum has the 1 in it. Enter returns nil, and Close waits.
//   - Enter after Close: Enter's sum has the bit. Enter takes its 1 away and returns the
//     error.
//   - Leave: the goroutine whose subtraction makes the sum closed with nobody inside sends
//     to empty. Nobody is inside from then on, because all later calls of Enter see the
//     bit. So whenever Close receives, all that it had to wait for have left. The subtraction
//     after a refusal may be the last one too; it sends as well. empty has room for one
//     value and the send does not wait: if a value is there already, Close has what it
//     needs, and if Close has no need of it, the value stays.
//   - Drain and Launch: if Launch's addition comes before Drain sets draining, then the
//     launch is in the count that the drainer reads after Drain. Otherwise Launch sees the
//     bit, takes its addition back and returns the error.
//
// The models in interleavings_test.go, and in coro's for Drain, try all orders.
type Gate struct {
	_ [64]byte // launches write state; the fields before the Gate are mostly read

	// state has four parts, from the lowest bit: 31 bits for the number of calls that are
	// inside; draining; closed; and 31 bits for the number of launches that were begun and
	// not taken back, modulo 2^31. All goroutines change it: by additions alone, except
	// that Drain sets its bit by an Or. They read their own addition's sum, or load it.
	state interleave.Uint64

	_ [56]byte

	err       error           // returned once closed; written before closed is set, read by those that see it
	drainErr  error           // returned by Launch while draining; written before draining is set, read as err
	empty     chan struct{}   // gets a value when the last call leaves a closed Gate
	once      interleave.Once // Close
	drainOnce interleave.Once // Drain
}

// The parts of state. 31 bits are enough for the calls that are inside, since each of them
// is a goroutine or a task that is being woken, and memory has room for fewer; and
// enough for live roots, which launches are counted for.
const (
	insideMask  = 1<<31 - 1
	draining    = 1 << 31
	closed      = 1 << 32
	launchShift = 33
	launchUnit  = 1 << launchShift

	// LaunchBits is the number of bits of a count of launches: Launches is modulo
	// 1<<LaunchBits.
	LaunchBits = 64 - launchShift
)

// New returns an open Gate.
func New() *Gate {
	g := new(Gate)
	g.Init()
	return g
}

// Init makes the zero Gate an open one. It is called once, before any other method.
func (g *Gate) Init() { g.empty = make(chan struct{}, 1) }

// Enter returns nil, and the caller must call Leave; or it returns the error of a closed
// Gate.
func (g *Gate) Enter() error {
	if g.state.Add(1)&closed != 0 {
		g.Leave()
		return g.err
	}
	return nil
}

// Leave ends what Enter or Launch began. It does not wait.
func (g *Gate) Leave() { g.left(g.state.Add(^uint64(0))) }

// Launch is Enter for the launch of a root, and counts it. inside reports that the root will
// be part of a tree that is live on the same executor: such a root may begin while the
// executor drains. After nil the caller must call Leave if it has made the root, and
// TakeBack if it has not.
func (g *Gate) Launch(inside bool) error {
	s := g.state.Add(launchUnit + 1)
	if s&(closed|draining) == 0 || inside && s&closed == 0 {
		return nil
	}
	g.TakeBack()
	if s&closed != 0 {
		return g.err
	}
	return g.drainErr
}

// Admits returns the error that Launch would return, and changes nothing. It is for a launch
// in a step on a worker of the executor, which need not be inside: the worker and the
// step's own root are live until after the launch. A closer waits for the worker. The worker
// counts the launch itself, before the new root is in a queue and before the step's root has
// ended, and a drainer reads all ends before it reads launches: so it does not find
// that no root is live.
func (g *Gate) Admits(inside bool) error {
	switch s := g.state.Load(); {
	case s&closed != 0:
		return g.err
	case s&draining != 0 && !inside:
		return g.drainErr
	default:
		return nil
	}
}

// TakeBack ends what Launch began, for a launch that has made no root, and takes it off the
// count.
func (g *Gate) TakeBack() { g.left(g.state.Add(^uint64(launchUnit))) }

// left is called with the sum of a subtraction.
func (g *Gate) left(s uint64) {
	if s&(closed|insideMask) == closed {
		interleave.TrySend(g.empty, struct{}{})
	}
}

// Drain makes Launch and Admits return err from now on, except inside of live trees. It does
// not wait. The first call decides the error.
func (g *Gate) Drain(err error) {
	g.drainOnce.Do(func() {
		g.drainErr = err
		g.state.Or(draining)
	})
}

// Launches returns how many launches were begun and not taken back, modulo 1<<LaunchBits.
func (g *Gate) Launches() uint32 { return uint32(g.state.Load() >> launchShift) }

// SkipLaunches adds n to the count of launches, so that a test need not launch 2^31 roots to
// see it wrap.
func (g *Gate) SkipLaunches(n uint32) { g.state.Add(uint64(n) << launchShift) }

// Close makes Enter, Launch and Admits return err from now on, and returns when nobody is
// inside any more. The first call decides the error; later ones wait for the first.
func (g *Gate) Close(err error) {
	g.once.Do(func() {
		g.err = err
		if g.state.Add(closed)&insideMask != 0 {
			interleave.Receive(g.empty)
		}
	})
}
