package coro

import (
	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/interleave"
)

// waiting is what all environments of an executor share so that its tasks can
// wait and be cancelled meanwhile.
type execRuntime struct {
	// gate is passed by who wakes a task, from before the task leaves the queue
	// where it waits until it has been posted.
	gate *gate

	// launching is passed by who launches a root.
	launching gate

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
	rt := &execRuntime{gate: newGate()}
	rt.launching.init()
	rt.roots.notices = make(chan struct{}, 1)
	rt.registry.runtime = rt
	rt.registry.armed.Store(true)
	return rt
}

// timing returns the timers of rt's executor. The first call makes them.
func (rt *execRuntime) timing() *timers {
	rt.timersOnce.Do(func() {
		if rt.clock == nil {
			rt.clock = newSystemClock()
		}
		rt.timers = newTimers(rt.clock, fireTimers)
	})
	return rt.timers
}

// close makes launches return err, and says to who drains that what is live then will be cancelled.
func (rt *execRuntime) close(err error) {
	rt.launching.close(err)
	if rt.liveRoots() > 0 {
		rt.roots.abandoned.Store(true)
	}
}

// withdrawAll takes all tasks of the executor from where they wait, and leaves them.
func (rt *execRuntime) withdrawAll(err error) {
	rt.err = err
	rt.closed.Store(true)
	// With the gate closed, every task of this executor that is taken from its
	// queue is left to us, also those that withdraw takes.
	rt.gate.close(err)
	var woken wakeList // of other executors: what the tasks that go were in the way of
	m := match{runtime: rt}
	rt.stopTimers(err, &woken)
	rt.mu.Lock()
	for r := rt.trees; r != nil; r = r.next {
		r.walk.Lock()
		r.withdraw(m, &woken)
		r.walk.Unlock()
	}
	rt.registry.walk.Lock()
	rt.registry.withdraw(m, &woken)
	rt.registry.walk.Unlock()
	rt.mu.Unlock()
	post(&woken)
}

// leave gives a task that its executor does not take any more to who closes the
// executor. The caller has taken it from the queue where it waited, and either
// still holds that queue's lock or has passed the gate; or it is a Relay, and in a post
// that the closer waits for.
func (rt *execRuntime) leaveToCloser(h *header) {
	rt.unclaimedMu.Lock()
	defer rt.unclaimedMu.Unlock()
	rt.unclaimed.Push(Runnable{h})
}

func (rt *execRuntime) takeUnclaimed() (Runnable, bool) {
	rt.unclaimedMu.Lock()
	t, ok := rt.unclaimed.Pop()
	rt.unclaimedMu.Unlock()
	if ok && t.h.layout&flagProxy != 0 {
		t.h = t.h.proxy().settle(nil)
	}
	return t, ok
}

// cancelLeft cancels the tasks that were left, which nobody else runs.
func (rt *execRuntime) cancelUnclaimed(a *arena.Arena, err error) {
	t, ok := rt.takeUnclaimed()
	if !ok {
		return
	}
	w := NewWorker(a)
	defer w.Close()
	for ; ok; t, ok = rt.takeUnclaimed() { // a root's handler may wake tasks
		w.Cancel(t, err)
	}
}
