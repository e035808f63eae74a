package coro

import (
	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/gate"
	"github.com/framearena/framearena/internal/interleave"
)

// waiting is what all environments of an executor share so that its tasks can
// wait and be cancelled meanwhile.
type execRuntime struct {
	// gate is passed by who wakes a task, from before the task leaves the queue
	// where it waits until it has been posted.
	gate *gate.Gate

	// launching is passed by who launches a root.
	launching gate.Gate

	roots rootCounts // roots

	// clock is nil for the real one; not changed when tasks run. timers is made by timing.
	clock      Clock
	timers     *timers
	timersOnce interleave.Once

	// oneChain says that the executor takes no task but the one that waited.
	oneChain bool

	// closed says that no task of the executor may begin to wait; err is why, and
	// written before. Whoever sets closed walks over all registries afterwards.
	closed interleave.Bool
	err    error
	once   interleave.Once

	// registry is that of all trees without a context that can end.
	registry waitRegistry

	mu    interleave.Mutex
	trees *waitRegistry // the armed ones of other trees, linked; guarded by mu

	cursors cursors[waitRegistry] // of those who look through trees; guarded by mu

	unclaimedMu interleave.Mutex
	unclaimed   RunQueue // tasks that nobody may run, for who closes; guarded by leftMu
}

func newExecRuntime() *execRuntime {
	x := &execRuntime{gate: gate.New()}
	x.launching.Init()
	x.roots.notices = make(chan struct{}, 1)
	x.registry.runtime = x
	x.registry.armed.Store(true)
	return x
}

// timing returns the timers of x's executor. The first call makes them.
func (x *execRuntime) timing() *timers {
	x.timersOnce.Do(func() {
		if x.clock == nil {
			x.clock = newSystemClock()
		}
		x.timers = newTimers(x.clock, fireTimers)
	})
	return x.timers
}

// close makes launches return err, and says to who drains that what is live then will be cancelled.
func (x *execRuntime) close(err error) {
	x.launching.Close(err)
	if x.liveRoots() > 0 {
		x.roots.abandoned.Store(true)
	}
}

// withdrawAll takes all tasks of the executor from where they wait, and leaves them.
func (x *execRuntime) withdrawAll(err error) {
	x.err = err
	x.closed.Store(true)
	// With the gate closed, every task of this executor that is taken from its
	// queue is left to us, also those that withdraw takes.
	x.gate.Close(err)
	var woken wakeList // of other executors: what the tasks that go were in the way of
	m := match{runtime: x}
	x.stopTimers(err, &woken)
	x.mu.Lock()
	for r := x.trees; r != nil; r = r.next {
		r.walk.Lock()
		r.withdraw(m, &woken)
		r.walk.Unlock()
	}
	x.registry.walk.Lock()
	x.registry.withdraw(m, &woken)
	x.registry.walk.Unlock()
	x.mu.Unlock()
	post(&woken)
}

// leave gives a task that its executor does not take any more to who closes the
// executor. The caller has taken it from the queue where it waited, and either
// still holds that queue's lock or has passed the gate; or it is a Relay, and in a post
// that the closer waits for.
func (x *execRuntime) leaveToCloser(h *header) {
	x.unclaimedMu.Lock()
	defer x.unclaimedMu.Unlock()
	x.unclaimed.Push(Runnable{h})
}

func (x *execRuntime) takeUnclaimed() (Runnable, bool) {
	x.unclaimedMu.Lock()
	t, ok := x.unclaimed.Pop()
	x.unclaimedMu.Unlock()
	if ok && t.h.layout&flagProxy != 0 {
		t.h = t.h.proxy().settle(nil)
	}
	return t, ok
}

// cancelLeft cancels the tasks that were left, which nobody else runs.
func (x *execRuntime) cancelUnclaimed(a *arena.Arena, err error) {
	t, ok := x.takeUnclaimed()
	if !ok {
		return
	}
	w := NewWorker(a)
	defer w.Close()
	for ; ok; t, ok = x.takeUnclaimed() { // a root's handler may wake tasks
		w.Cancel(t, err)
	}
}
