package coro

// A sleeping task is known by its timer. The timer's node lies in the task's frame, which may
// be freed or have another use a moment after the task has been woken. So exactly one of
// three may wake it, and only that one may touch the node then: fireTimers, when the time has
// come; cancelFirst, when the task's scope ends; and stopTimers, when the executor is
// closed. Why they do not meet:
//
//   - What takes the node out of the wheel owns it and the task; see timers. This is all there
//     is for a tree that cannot end: its sleepers are in no other list.
//   - The sleepers in a scope are also in a list of the scope, which the lock of a stripe
//     guards; see scope_wait.go. The canceller takes the sleeper out of that list and asks
//     timers.remove for its node, with the lock held. If that returns false, the node is out of the
//     wheel, and the canceller leaves the task alone.
//   - fireTimers and stopTimers take a node that they own out of the list, under the same
//     lock, before they wake its task. So a canceller that finds a node in the list
//     finds the task asleep and the memory unchanged.
//   - No sleeper is missed. The canceller sets scopeCancelled, and then empties the list with
//     the lock held. park looks at the flag with the lock held, and puts the node into the list before it
//     unlocks. Either park sees the flag, or the canceller finds the node.
//   - park adds the node to the wheel before it is in the list, and the timer may fire at
//     once. wakeSleeper takes the lock first, so it waits until the node is in the list.

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
// bytes: in the room behind the task's state, where a child would be elided, or else in a frame of
// the executor's arena that it shares with other timers. If neither has room, Err is
// [arena.ErrExhausted].
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
// child would be elided: a task that sleeps has none. Without such room it has a piece of memory
// of its own. Who owns it is said at the top of this file.
//
// If the task is in a scope, the sleeper is also in a list of that. Otherwise its memory ends with
// Node, unless it is part of an afterSleeper.
type sleeper struct {
	timerwheel.Node // first, so that a pointer to it is one to the sleeper

	listed // in a list of the scope; guarded by the lock of its stripe
}

// afterSleeper is the timer of a task in a Select that waits for nothing but the time: all its
// cases are Afters. Such a task is a sleeping task that is told which case has happened.
type afterSleeper struct {
	sleeper // first, so that a pointer to it is one to the afterSleeper

	chosen uintptr // where the number of the case goes; 0: nowhere
	index  int32   // the number of the case
}

var (
	_ [-unsafe.Offsetof(sleeper{}.Node)]struct{}
	_ [-unsafe.Offsetof(afterSleeper{}.sleeper)]struct{}
)

// How much memory timers take, in units.
const (
	timerUnits   = uint32(unsafe.Sizeof(timerwheel.Node{})+elisionUnit-1) / elisionUnit
	sleeperUnits = uint32(unsafe.Sizeof(sleeper{})+elisionUnit-1) / elisionUnit
	afterUnits   = uint32(unsafe.Sizeof(afterSleeper{})+elisionUnit-1) / elisionUnit
)

// A timer fits in the largest piece and, with one of a Select, in the room behind a state of 16
// bytes.
var _ [maxPieceUnits - afterUnits]struct{}

// sleeping is what a sleeping task waits for: time, which has no lock and no queue of its own.
type sleeping struct{}

// park begins the sleep of h, for the time in w.args.count.
func (sleeping) park(w *Worker, h *header) parking {
	d := time.Duration(w.args.count)
	if d <= 0 {
		return parkYield
	}
	return w.sleep(h, d, nil)
}

// sleep makes h wait until d, which is positive, has passed. of is the Select whose soonest After
// that is, and that waits for nothing else; nil if h sleeps.
func (w *Worker) sleep(h *header, d time.Duration, of *selecting) parking {
	env := h.env.get()
	t := env.runtime.timing()
	in := h.env.scope()
	if in == nil {
		n, tags := w.timerFor(h, timerUnits, of)
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
	if in.state.Load()&scopeArmed == 0 {
		return parkUnarmed
	}
	n, tags := w.timerFor(h, sleeperUnits, of)
	if n == nil {
		return w.exhausted(h)
	}
	n.listed = listed{}
	tags |= timerListed
	n.What = uintptr(unsafe.Pointer(h)) | tags
	list, st := in.place(uintptr(unsafe.Pointer(h)))
	st.mu.Lock()
	defer st.mu.Unlock()
	if in.state.Load()&scopeCancelled != 0 {
		env.freeTimer(n, tags)
		return parkCancelled
	}
	// If the timer fires at once, wakeSleeper waits for the lock.
	if !t.add(&n.Node, t.after(d)) {
		env.freeTimer(n, tags)
		return parkExecutorClosed
	}
	list.add(n.element(), &n.listed)
	return parked
}

// exhausted makes the wait of h end with ErrExhausted: there was no memory for it.
func (w *Worker) exhausted(h *header) parking {
	w.err = arena.ErrExhausted
	h.at |= atFailed
	return parkDone
}

// timerFor returns memory for a timer of the task of h: of so many units or, if the timer is of a
// Select, for an afterSleeper. Its Node is zero. tags are the bits of What that say where the
// memory is from, and whose it is. n is nil if there is no memory.
func (w *Worker) timerFor(h *header, units uint32, of *selecting) (n *sleeper, tags uintptr) {
	tags = timerTask
	if of != nil {
		units, tags = afterUnits, timerTask|timerSelect
	}
	if h.layout>>roomShift >= units {
		if framecheck.Enabled {
			h.verifyRoom()
		}
		n = (*sleeper)(unsafe.Add(unsafe.Pointer(h), h.kind.get().behind))
	} else {
		env := h.env.get()
		n = (*sleeper)(env.runtime.pieces.allocate(env.timerMemory(), units))
		if n == nil {
			return nil, 0
		}
		tags |= timerApart
	}
	n.Node = timerwheel.Node{}
	if of != nil {
		s := (*afterSleeper)(unsafe.Pointer(n))
		s.chosen, s.index = of.chosen, int32(of.soonest)
	}
	return n, tags
}

// timerMemory returns the arena for timers without room behind a state. It is not the tree's own
// allocator, since timers are freed on any goroutine.
func (e *Environment) timerMemory() *arena.Arena {
	if e.arena != nil {
		return e.arena
	}
	return seqArena()
}

// freeTimer frees n if it lies in a piece of memory of its own.
func (e *Environment) freeTimer(n *sleeper, tags uintptr) {
	if tags&timerApart != 0 {
		e.runtime.pieces.deallocate(e.timerMemory(), unsafe.Pointer(n))
	} else if framecheck.Enabled {
		endTimer(n, tags)
	}
}

// wakeSleeper wakes the task of n, which the caller has taken out of the wheel. outcome is as
// for wake. n is not touched after its task has been woken: its memory may have another use.
func wakeSleeper(n *sleeper, outcome uint32, woken *wakeList) {
	what := n.What
	h := sleeperTask(n)
	env := h.env.get()
	if what&timerListed != 0 {
		list, st := h.env.scope().place(uintptr(unsafe.Pointer(h)))
		st.mu.Lock()
		list.remove(&n.listed)
		st.mu.Unlock()
	}
	chosen, index := uintptr(0), 0 // *chosen is -1
	if what&timerSelect != 0 && outcome != 0 {
		s := (*afterSleeper)(unsafe.Pointer(n))
		chosen, index = s.chosen, int(s.index)
	}
	env.freeTimer(n, what)
	// The task does not run before the caller posts it.
	if wake(h, outcome, woken) && chosen != 0 {
		**(**int)(unsafe.Pointer(&chosen)) = index
	}
}

// sleeperTask returns the frame of the task that n is the timer of.
func sleeperTask(n *sleeper) *header {
	l := link[header](n.What &^ timerBits)
	return l.get()
}
