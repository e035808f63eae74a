package coro

// How a Group ends, and why exactly one worker resumes its task.
//
// Group.count is the only word that children on different workers change. Each child
// that ends subtracts 1, on any goroutine; the task adds spawned, the number of children
// that it has made, when it begins to wait or ends. All changes are atomic additions to one word, so
// they have one order:
//
//	before the task has added:  count = -(children that have ended)
//	after that:                 count = children that have not ended
//
// Before the addition, count is not positive, and is 0 only while no child has ended; nobody
// subtracts to 0 then. After it, count reaches 0 once, by the last addition: that of the
// last child or, if all children have ended before, that of the task itself. The worker whose
// addition gives 0 owns the Group, its record and the parent's frame from then on, and
// resumes or finishes the task. Every other worker gives up all three with its
// addition, so a child reports its error, its result's address and its place under a limit before it (childOutcome).
// While a child is still counted, count cannot reach 0: so that child may take queued
// siblings that will not begin off the count.
//
// An addition costs as much as the rest of a small task, so children that end one after
// the other on one worker are taken off together: the worker keeps their number in
// uncounted, and their parent in siblingsOf. Between two of them it runs only siblings, for
// which the Group would have to wait in any case, so this delays nobody; before the worker
// runs anything else, nextLocal and runChain call countEnded. If count equals what is
// uncounted here, then the task has added (before that, count is not positive), all other
// children have been taken off, and no other worker will touch the Group: the last children need
// no atomic addition at all. The load that finds this is ordered after the additions of the
// others, whose results their parent reads next, because it reads what these have written.
//
// # A task that never waits
//
// Such a task may make any number of children, and count must not wrap around to a positive
// number. So when spawned has reached foldAt, the task takes ended children off both: fold adds
// to count all but one of those that have ended by then, and subtracts as many from spawned.
// Before it count is below 0, and the additions of children meanwhile make it smaller, so after
// it count is below 0 too: what is said above about count still holds. Each child in count was
// spawned and not folded, so
//
//	-count <= spawned <= foldAt + (live children)
//
// which is less than 2^31, since the frames of 2^30 live children take more than 100 GB.
//
// The explorer checks this in TestInterleavingsOfGroups and TestChildrenEndInEveryOrder.

import (
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// foldAt is the value of Group.spawned at which fold is called.
const foldAt = 1 << 30

// fold takes children that have ended off g.count and g.spawned. The task calls it before it
// makes a child. One ended child stays counted: spawned does not become 0, by which SetPolicy
// and SetLimit see that there have been children.
func (g *Group) fold() {
	if n := -interleave.LoadInt32(&g.count) - 1; n > 0 {
		interleave.AddInt32(&g.count, n) // not to 0
		g.spawned -= n
	}
}

// groupWait and groupRoom need no place in a list: a canceller cancels the children,
// and the last of them ends the wait.

type groupWait struct{}

func (groupWait) park(w *Worker, h *header) parking {
	g := h.usedGroup()
	if h.layout&flagGroup == 0 { // there are no children
		g.winner = 0
		return parkDone
	}
	if r := g.loadRecord(); r != nil && r.refused != nil {
		return r.refuse(w, h)
	}
	n := g.spawned
	g.spawned = 0
	if interleave.AddInt32(&g.count, n) != 0 {
		return parked
	}
	g.allEnded(w, h)
	return parkDone
}

type groupRoom struct{}

func (groupRoom) park(w *Worker, h *header) parking {
	if h.layout&flagGroup == 0 {
		return parkDone
	}
	r := h.usedGroup().loadRecord()
	if r == nil {
		return parkDone
	}
	if r.refused != nil {
		return r.refuse(w, h)
	}
	if r.limit == 0 {
		return parkDone
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running < r.limit {
		return parkDone
	}
	r.room = h
	return parked
}

// endSpawned is finish for a child that has ended without an error, in the step loop. It
// returns the frame to run next, if any. The child is taken off its Group's count later; see
// the head of this file.
func (w *Worker) endSpawned(h *header) *header {
	k, parent, result := h.kind.get(), h.parent.get(), h.result
	w.current = 0
	if w.err != nil {
		w.err = nil
	}
	if !w.cache.TryDeallocateAt(unsafe.Pointer(h), k.place) {
		w.cache.Deallocate(unsafe.Pointer(h), k.capacity)
	}
	g := parent.usedGroup()
	if interleave.LoadUintptr(&g.record) != 0 || w.uncounted != 0 && w.siblingsOf.get() != parent {
		h = w.childEnded(parent, result, nil)
		return w.finishLingering(h)
	}
	w.uncounted++
	if interleave.LoadInt32(&g.count) != w.uncounted {
		w.siblingsOf.set(parent)
		return nil
	}
	w.uncounted = 0
	g.count = 0
	g.allEnded(w, parent)
	return w.finishLingering(parent)
}

// countEnded takes the uncounted children off their Group's count, and returns the frame to
// run next, if any.
func (w *Worker) countEnded() *header {
	parent, n := w.siblingsOf.get(), w.uncounted
	w.uncounted = 0
	g := parent.usedGroup()
	if interleave.AddInt32(&g.count, -n) != 0 {
		return nil
	}
	g.allEnded(w, parent)
	return w.finishLingering(parent)
}

// childEnded takes a child of h off the count. The child has ended with err and its frame is
// freed. It returns a frame to run next, if any: that of h, or of another child. If h itself
// has ended, the caller finishes it, with w.err.
func (w *Worker) childEnded(h *header, result uintptr, err error) *header {
	g := h.usedGroup()
	var next *header
	if err != nil || interleave.LoadUintptr(&g.record) != 0 {
		next = g.childOutcome(w, result, err)
	}
	if interleave.AddInt32(&g.count, -1) != 0 {
		return next
	}
	g.allEnded(w, h)
	return h
}

// childFailed records that a child has failed with err and will not begin. It is called while
// the step function of its parent runs.
func (w *Worker) childFailed(g *Group, result uintptr, err error) {
	g.makeRecord(w).recordOutcome(result, err)
	interleave.AddInt32(&g.count, -1) // not to 0: the task does not wait
}

// finishLingering returns the frame to run next in place of h, which may be nil: if h's task
// has ended and only waited for its children, it is finished now.
func (w *Worker) finishLingering(h *header) *header {
	if h == nil || h.layout&flagLingering == 0 {
		return h
	}
	return w.finish(h, w.err)
}

// endGroup is called when the task of h, whose Group is in use, is about to end with err. If
// it has children left, wait is true, and the last of them will finish it. Otherwise endGroup
// returns the error to end with.
func (w *Worker) endGroup(h *header, err error) (_ error, wait bool) {
	g := h.usedGroup()
	if g.winner != g.mark() {
		h.panicGroupOverwritten() // its children can't be found, so the program cannot continue
	}
	if err != nil {
		r := g.makeRecord(w)
		r.own = err
		if r.scope != nil {
			r.scope.cancel(canceledWith(ErrGroupDecided))
		}
	}
	w.err = nil
	w.current = 0
	h.layout |= flagLingering
	n := g.spawned
	g.spawned = 0
	if interleave.AddInt32(&g.count, n) != 0 {
		return nil, true
	}
	g.allEnded(w, h)
	err = w.err
	w.err = nil
	return err, false
}

// allEnded is called when all children have ended, by the worker that resumes or finishes the
// task of h: it alone uses the Group.
func (g *Group) allEnded(w *Worker, h *header) {
	h.layout &^= flagGroup
	g.winner = 0
	if g.record != 0 {
		g.endRecord(w, h)
	}
}
