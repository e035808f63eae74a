package coro

// A sleeping task is known by its timer. The timer's node lies in the task's frame, which may
// be freed or have another use a moment after the task has been woken. So exactly one of
// three may wake it, and only that one may touch the node then: fireTimers, when the time has
// come; wakeSleepers, when the tree's context ends; and stopTimers, when the executor is
// closed. Why they do not meet:
//
//   - What takes the node out of the wheel owns it and the task; see timers. This is all there
//     is for a tree that cannot end: its sleepers are in no other list.
//   - The sleepers of a tree that may end are also in the list of the tree's registry, which
//     waitRegistry.mu guards. The canceller walks the list with mu held and asks
//     timers.remove for each node. If that returns false, the node is out of the wheel, and
//     the canceller leaves the task alone.
//   - fireTimers and stopTimers take a node that they own out of the list, under the same
//     lock, before they wake its task. So a canceller that finds a node in the list
//     finds the task asleep and the memory unchanged.
//   - No sleeper is missed. The canceller sets cancelled, and then looks through the list with
//     mu held. park looks at cancelled with mu held, and puts the node into the list before it
//     unlocks. Either park sees the flag, or the canceller finds the node.
//   - park adds the node to the wheel before it is in the list, and the timer may fire at
//     once. wakeSleeper locks mu first, so it waits until the node is in the list.

import (
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/timerwheel"
)

// Sleep waits until the time d has passed, by the executor's [Clock], and resumes f at the
// resume point at. If f.Err is not nil then, the tree's context has ended before that, and Err
// is its cause. The task does not resume before d has passed. It resumes within about a
// millisecond after that if its executor has nothing else to do, however small d is: the times of
// timers are rounded up, see [Clock], and the system's alarms are no more exact. If d is not
// positive, Sleep is a [Yield]: other tasks run, and then Err is the cause of the end of the tree's
// context, if that has ended.
//
// A sleeping task has no goroutine and no memory on the Go heap. Its timer takes up to 48
// bytes: in the room behind the task's state, where a child would be elided, or else in the
// executor's arena. If neither has room, Err is [arena.ErrExhausted].
//
// Sleep is called in f's step, whose Step it returns.
func Sleep(f AnyFrame, at int, d time.Duration) Step {
	h := f.anyFrame()
	step := h.waitFor(at, sleeping{})
	h.worker.get().args.count = int64(d)
	return step
}

// SleepUntil is [Sleep] for the time that is left until t by the real clock, whatever clock the
// executor has.
func SleepUntil(f AnyFrame, at int, t time.Time) Step { return Sleep(f, at, time.Until(t)) }

// sleeper is the timer of a sleeping task. It lies in the room behind the task's state, where a
// child would be elided: a task that sleeps has none. Without such room it has a frame of its
// own. Who owns it is said at the top of this file.
//
// If the tree may end, the sleeper is also in the list of the tree's registry. Otherwise its
// memory ends with Node.
type sleeper struct {
	timerwheel.Node // first, so that a pointer to it is one to the sleeper

	before, after link[sleeper] // in waitRegistry.sleepers; guarded by waitRegistry.mu
}

var _ [-unsafe.Offsetof(sleeper{}.Node)]struct{}

const (
	sleeperSize  = unsafe.Sizeof(sleeper{})
	sleeperUnits = uint32(sleeperSize+elisionUnit-1) / elisionUnit
	timerUnits   = uint32(unsafe.Sizeof(timerwheel.Node{})+elisionUnit-1) / elisionUnit
)

// sleeping is what a sleeping task waits for: time, which has no lock and no queue of its own.
type sleeping struct{}

// park begins the sleep of h, for the time in w.args.count.

func (sleeping) park(w *Worker, h *header) parking {
	d := time.Duration(w.args.count)
	if d <= 0 {
		return parkYield
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
	// As in lock.admit: the canceller looks for sleepers after it has set the flag.
	if r.cancelled.Load() {
		env.freeTimer(n, tags)
		return parkCancelled
	}
	// If the timer fires at once, wakeSleeper waits for mu.
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

// exhausted makes the wait of h end with ErrExhausted: there was no memory for it.
func (w *Worker) exhausted(h *header) parking {
	w.err = arena.ErrExhausted
	h.at |= atFailed
	return parkDone
}

// timerFor returns memory for a timer of the task of h, which takes so many units. Its Node is
// zero. tags are the bits of What that say where the memory is from. n is nil if there is no
// memory.
func (w *Worker) timerFor(h *header, units uint32) (n *sleeper, tags uintptr) {
	if h.layout>>roomShift >= units {
		if framecheck.Enabled {
			h.verifyRoom()
		}
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

// timerMemory returns the arena for timers with a frame of their own. It is not the tree's own
// allocator, since timers are freed on any goroutine.
func (e *Environment) timerMemory() *arena.Arena {
	if e.arena != nil {
		return e.arena
	}
	return seqArena()
}

// freeTimer frees n if it has a frame of its own.
func (e *Environment) freeTimer(n *sleeper, tags uintptr) {
	if tags&timerApart != 0 {
		e.timerMemory().Deallocate(unsafe.Pointer(n), sleeperSize)
	} else if framecheck.Enabled {
		endTimer(n)
	}
}

// wakeSleeper wakes the task of n, which the caller has taken out of the wheel. outcome is as
// for wake. n is not touched after its task has been woken: its memory may have another use.
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

// sleeperTask returns the frame of the task that n is the timer of.
func sleeperTask(n *sleeper) *header {
	l := link[header](n.What &^ timerBits)
	return l.get()
}

// forgetSleeper takes n out of the registry's list. The caller holds mu.
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

// wakeSleepers wakes the sleeping tasks of the tree because its context has ended. Those whose
// time has come are left to fireTimers. The caller has set cancelled.
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
