package coro

import (
	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/gate"
	"github.com/framearena/framearena/internal/interleave"
)

// execRuntime is what all environments of an executor share: what launches, waits, timers and
// the end of the executor need. Any goroutine may use it.
type execRuntime struct {
	// gate is passed by a goroutine that wakes a task, from before the task leaves the queue
	// where it waits until it has been posted.
	gate *gate.Gate

	// launching is passed by a goroutine that launches a root; see launch.go.
	launching gate.Gate

	roots rootCounts // see root_end.go

	// clock is nil for the real time. It is not changed while tasks run. timing makes timers.
	clock      Clock
	timers     *timers
	timersOnce interleave.Once

	// oneChain means that the executor takes no task but the one that has waited.
	oneChain bool

	// closed means that no task of the executor may begin to wait. err is the reason, and
	// written before. The closer sets closed, and goes through all registries afterwards.
	closed interleave.Bool
	err    error
	once   interleave.Once

	// registry is the registry of all trees whose context cannot end.
	registry waitRegistry

	mu    interleave.Mutex
	trees *waitRegistry // the armed registries of other trees, linked; guarded by mu

	cursors cursors[waitRegistry] // of the visits that go through trees; guarded by mu

	unclaimedMu interleave.Mutex
	unclaimed   RunQueue // tasks that the closer cancels, since nobody may run them; guarded by unclaimedMu
}

func newExecRuntime() *execRuntime {
	rt := &execRuntime{gate: gate.New()}
	rt.launching.Init()
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

// close makes launches return err, waits for those that have begun, and records for Drain
// whether roots are live, which will be cancelled.
func (rt *execRuntime) close(err error) {
	rt.launching.Close(err)
	if rt.liveRoots() > 0 {
		rt.roots.abandoned.Store(true)
	}
}

// withdrawAll takes all tasks of the executor out of the queues where they wait, and leaves
// them to the closer.
func (rt *execRuntime) withdrawAll(err error) {
	rt.err = err
	rt.closed.Store(true)
	// With the gate closed, every task of this executor that is taken out of its
	// queue is left to the closer, also those that withdraw takes.
	rt.gate.Close(err)
	var woken wakeList // tasks of other executors, whose way the withdrawn tasks were in
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

// leaveToCloser gives the closer of the executor a task that the executor does not take any
// more. The caller has taken the task out of the queue where it waited, and either still holds
// that queue's lock or has passed the gate. Or the caller is a Relay, in a Post that the closer
// waits for.
func (rt *execRuntime) leaveToCloser(h *header) {
	rt.unclaimedMu.Lock()
	defer rt.unclaimedMu.Unlock()
	rt.unclaimed.Push(Runnable{h})
}

// takeUnclaimed returns a task that was left to the closer. If its proxy was left, it settles
// the task's Select.
func (rt *execRuntime) takeUnclaimed() (Runnable, bool) {
	rt.unclaimedMu.Lock()
	t, ok := rt.unclaimed.Pop()
	rt.unclaimedMu.Unlock()
	if ok && t.h.layout&flagProxy != 0 {
		t.h = t.h.proxy().settle(nil)
	}
	return t, ok
}

// cancelUnclaimed cancels the tasks that were left to the closer.
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
