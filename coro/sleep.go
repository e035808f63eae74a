package coro

import (
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/timerwheel"
)

// Sleep lets the time d pass and goes on in f at the resume point at. If f.Err is not nil
// then, the tree's context has ended before. The task goes on not before d has passed and,
// if its executor has nothing else to do, within about a millisecond after. A d that is not
// positive does not wait.
//
// A sleeping task has no goroutine and no memory on the Go heap. If there is neither room
// behind its state nor memory in the arena for its timer, which takes 48 bytes, Err is
// [arena.ErrExhausted].
func Sleep(f AnyFrame, at int, d time.Duration) Step {
	h := f.anyFrame()
	step := h.waitFor(at, sleeping{})
	h.worker.get().args.count = int64(d)
	return step
}

// SleepUntil is [Sleep] until a point in real time, whatever clock the executor has.
func SleepUntil(f AnyFrame, at int, t time.Time) Step { return Sleep(f, at, time.Until(t)) }

// sleeper is the timer of a sleeping task. It lies in the room behind the task's state,
// where a child would be elided, or in a frame of its own. That of a task whose tree may
// end is in the list of the tree's registry besides.
type sleeper struct {
	timerwheel.Node
	before, after link[sleeper] // in waitRegistry.sleepers; guarded by its mu
}

const (
	sleeperSize  = unsafe.Sizeof(sleeper{})
	sleeperUnits = uint32(sleeperSize+elisionUnit-1) / elisionUnit
	timerUnits   = uint32(unsafe.Sizeof(timerwheel.Node{})+elisionUnit-1) / elisionUnit
)

// sleeping is what a sleeping task waits for.
type sleeping struct{}

func (sleeping) park(w *Worker, h *header) parking {
	d := time.Duration(w.args.count)
	if d <= 0 {
		return parkDone
	}
	env := h.env.get()
	t := env.runtime.timing()
	r := env.registry
	if !env.mayEnd() {
		n, tags := w.timerFor(h, timerUnits)
		if n == nil {
			return w.exhausted(h)
		}
		n.What = uintptr(unsafe.Pointer(h)) | tags
		if !t.add(&n.Node, t.after(d)) {
			env.freeTimer(n, tags)
			return parkExecutorClosed
		}
		return parked
	}
	if !r.armed.Load() {
		return parkUnarmed
	}
	n, tags := w.timerFor(h, sleeperUnits)
	if n == nil {
		return w.exhausted(h)
	}
	n.What = uintptr(unsafe.Pointer(h)) | tags | timerListed
	r.mu.Lock()
	defer r.mu.Unlock()
	// As in lock.admit: who cancels looks for sleepers after it has set the flag.
	if r.cancelled.Load() {
		env.freeTimer(n, tags)
		return parkCancelled
	}
	// fire, which may have the node at once, cannot go on before mu is free.
	if !t.add(&n.Node, t.after(d)) {
		env.freeTimer(n, tags)
		return parkExecutorClosed
	}
	n.before = 0
	n.after = r.sleepers
	if s := n.after.get(); s != nil {
		s.before.set(n)
	}
	r.sleepers.set(n)
	return parked
}

// exhausted tells the task of h that there was no memory for what it waits for.
func (w *Worker) exhausted(h *header) parking {
	w.err = arena.ErrExhausted
	h.at |= atFailed
	return parkDone
}

// timerFor returns memory for a timer of the task of h, the first units of it zero, and
// what is known of it, or nil.
func (w *Worker) timerFor(h *header, units uint32) (n *sleeper, tags uintptr) {
	if h.layout>>roomShift >= units {
		n = (*sleeper)(unsafe.Add(unsafe.Pointer(h), h.kind.get().behind))
	} else {
		n = (*sleeper)(h.env.get().timerMemory().Allocate(sleeperSize))
		if n == nil {
			return nil, 0
		}
		tags = timerApart
	}
	n.Node = timerwheel.Node{}
	return n, tags
}

// timerMemory returns where timers come from that have a frame of their own. It is not
// the tree's own allocator, since timers are freed on any goroutine.
func (e *Environment) timerMemory() *arena.Arena {
	if e.arena != nil {
		return e.arena
	}
	return seqArena()
}

func (e *Environment) freeTimer(n *sleeper, tags uintptr) {
	if tags&timerApart != 0 {
		e.timerMemory().Deallocate(unsafe.Pointer(n), sleeperSize)
	}
}

// wakeSleeper wakes the task of a timer that was taken from the wheel.
func wakeSleeper(n *sleeper, outcome uint32, woken *wakeList) {
	what := n.What
	h := sleeperTask(n)
	env := h.env.get()
	if what&timerListed != 0 {
		r := env.registry
		r.mu.Lock()
		r.forgetSleeper(n)
		r.mu.Unlock()
	}
	env.freeTimer(n, what)
	wake(h, outcome, woken)
}

func sleeperTask(n *sleeper) *header {
	l := link[header](n.What &^ timerBits)
	return l.get()
}

// forgetSleeper takes n from the list. The caller holds mu.
func (r *waitRegistry) forgetSleeper(n *sleeper) {
	before, after := n.before.get(), n.after.get()
	r.sleeperCursors.moved(n, after)
	if before != nil {
		before.after = n.after
	} else {
		r.sleepers = n.after
	}
	if after != nil {
		after.before = n.before
	}
}

// wakeSleepers wakes the sleeping tasks of the tree with nothing. Those whose time has
// come are left to fireTimers. The caller has set cancelled.
func (r *waitRegistry) wakeSleepers(woken *wakeList) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := r.sleepers.get(); n != nil; {
		next := n.after.get()
		if h, env := sleeperTask(n), r.env; r.runtime.timers.remove(&n.Node) {
			r.forgetSleeper(n)
			env.freeTimer(n, n.What)
			wake(h, 0, woken)
		}
		n = next
	}
}
