package coro

import (
	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/gate"
	"github.com/framearena/framearena/internal/interleave"
)

// How the waiting tasks of an executor end with it. An executor calls Environment.Close, stops
// its workers, and then calls Environment.CancelWaiting. The goroutine that does is the
// closer. Its steps:
//
//  1. withdrawAll writes err and sets closed. A task that is about to wait loads closed in
//     admit, under the lock of what it waits for, and is cancelled instead.
//  2. It closes the gate, and returns from that when no goroutine is inside. A goroutine is
//     inside from a wake until the woken task has been posted, or has been refused by Post
//     and left in unclaimed. From now on, wake leaves each task of this executor in
//     unclaimed, and gives it nothing: a mutex, for example, goes to the next waiting task.
//  3. It stops the timers: no call of fire runs any more, and sleeping tasks are taken out of
//     the wheel and left in unclaimed.
//  4. It locks each waitable that was entered in waitables, and takes the tasks of the executor out
//     of the queues. wake leaves them in unclaimed. Then it takes the lock of each stripe once.
//  5. cancelUnclaimed takes the tasks out of unclaimed and cancels them, until there are none.
//  6. forgetAll makes the waitables forget the executor.
//
// No task is missed in step 4. park first enters the waitable, then loads
// closed, then queues the task, all under the waitable's lock. If it does not see closed, then
// closed is set after that load; so the closer copies the set after the waitable was
// entered, and locks the waitable after park has released the lock. There it finds the task,
// unless a waker or a canceller has taken it out before.
//
// No task that such a goroutine has taken out is missed either. If it found the gate open, the
// closer has waited for it in step 2, and the task was posted or is in unclaimed. If it found
// the gate closed, it has put the task into unclaimed while it held the waitable's lock (for a
// sleeping task: the lock of a stripe, or it was in fire, which step 3 waits for). It had
// that lock before the closer, which would have found the task in the queue otherwise. So when
// the closer has come by all locks, all such tasks are in unclaimed, and only then does step 5
// begin.
//
// No task is both cancelled and run: a task in unclaimed was taken from its queue and posted
// nowhere.
//
// TestInterleavingsOfWaits tries closing against waking, cancelling and timers.

// execRuntime is what all environments of an executor share: what its tasks need to be
// launched, to wait, and to be cancelled meanwhile. Any goroutine may use it.
type execRuntime struct {
	// gate is passed by goroutines that wake a task, from before the task leaves the queue
	// where it waits until it has been posted. See the head of this file.
	gate *gate.Gate

	// launching is passed by goroutines that launch a root; see launch.go.
	launching gate.Gate

	roots rootCounts // counts the live roots; see root_end.go

	printer errorPrinter // prints the errors of roots if the executor has no handler

	// clock is what timers go by; nil: the real time. Not changed when tasks run. timers is
	// made by timing.
	clock      Clock
	timers     *timers
	timersOnce interleave.Once

	pieces pieces // the timers of tasks whose frames have no room for one

	// random makes the choices of Select; nil: those are package rand's. Not changed when tasks
	// run.
	random *seededRandom

	// oneChain says that the executor takes no task but the one that waited.
	oneChain bool

	// closed says that no task of the executor may begin to wait. The closer sets it, once,
	// before it walks over the waitables. Tasks that are about to wait load it, under the
	// lock of what they wait for. Why that is enough is at the head of this file. err is the
	// reason; it is written before closed.
	closed interleave.Bool
	err    error
	once   interleave.Once // withdrawAll

	// recent are the environments of trees that were launched with options.
	recent recentEnvironments

	waitables waitables // where tasks of the executor wait

	arming  interleave.Mutex // held while scopes are armed; see scope.arm
	stripes []scopeStripe    // guard the scopes; the slice is not changed

	surveys surveys // what they have in common

	plain plainGoroutines // of task functions that are not compiled

	unclaimedMu interleave.Mutex
	unclaimed   RunQueue // tasks that only the closer may take; guarded by unclaimedMu
}

// newExecRuntime returns a runtime with so many stripes, a power of two.
func newExecRuntime(stripes int) *execRuntime {
	rt := &execRuntime{gate: gate.New()}
	rt.launching.Init()
	rt.roots.notices = make(chan struct{}, 1)
	rt.stripes = make([]scopeStripe, stripes)
	return rt
}

// timing returns the timers of rt's executor. The first call makes them.
func (rt *execRuntime) timing() *timers {
	rt.timersOnce.Do(func() {
		if rt.clock == nil {
			rt.clock = newSystemClock()
		}
		rt.timers = newTimers(rt.clock, rt.fireTimers)
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

// withdrawAll takes all tasks of the executor from where they wait, and leaves them in
// unclaimed.
func (rt *execRuntime) withdrawAll(err error) {
	rt.err = err
	rt.closed.Store(true)
	rt.gate.Close(err) // from now on, wake leaves the tasks of this executor in unclaimed
	var woken wakeList // of other executors: a Semaphore serves the tasks behind one that is gone
	rt.stopTimers(err, &woken)
	rt.waitables.withdraw(rt, &woken)
	for i := range rt.stripes { // a canceller may be leaving a sleeping task in unclaimed
		awaitHolder(&rt.stripes[i].mu)
	}
	post(&woken)
}

// leaveToCloser puts a task that its executor does not take any more into unclaimed. The caller
// has taken it from the queue where it waited, and either still holds that queue's lock or has
// passed the gate; or the caller is a Relay, in a post that the closer waits for.
func (rt *execRuntime) leaveToCloser(h *header) {
	rt.unclaimedMu.Lock()
	defer rt.unclaimedMu.Unlock()
	rt.unclaimed.Push(Runnable{h})
}

// takeUnclaimed returns a task of unclaimed, if there is one. If that is a proxy, it settles the
// task's Select. The caller holds no lock.
func (rt *execRuntime) takeUnclaimed() (Runnable, bool) {
	rt.unclaimedMu.Lock()
	t, ok := rt.unclaimed.Pop()
	rt.unclaimedMu.Unlock()
	if ok && t.h.layout&flagProxy != 0 {
		t.h = t.h.proxy().settle(nil) // not nil: the timers have stopped, so fire has come
	}
	return t, ok
}

// cancelUnclaimed cancels the tasks in unclaimed, with a worker of its own.
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
