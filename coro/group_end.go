package coro

import (
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// groupWait and groupRoom need no place in a registry: whoever cancels, cancels the
// children, and the last of them ends the wait.

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

// endSpawned is finish for a child that has ended without an error, in the step loop.
//
// It takes the child from its Group's count later, together with siblings that end on this
// worker next, since an atomic addition costs as much as the rest of a small task. Meanwhile
// nothing runs here but siblings, which the Group would have to wait for in any case; what
// is uncounted is counted before anything else does. If these children are the last ones,
// nobody else is left to use the count, and it takes no addition at all.
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

// countEnded takes what is uncounted from its Group's count, and returns the frame to run
// next, if any.
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

// childEnded is told that a child of h has ended and its frame is gone. It returns a frame
// to run next, if any: that of h, or of another child. If h has ended itself, it is to be
// finished, with w.err.
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

// childFailed is told of a child that will not begin. The step function of its parent is
// running.
func (w *Worker) childFailed(g *Group, result uintptr, err error) {
	g.makeRecord(w).recordOutcome(result, err)
	interleave.AddInt32(&g.count, -1) // not to 0: the task does not wait
}

// finishEnding returns the frame to run next where h, if any, would be: if its task has
// ended and has only stayed for its children, it is finished.
func (w *Worker) finishLingering(h *header) *header {
	if h == nil || h.layout&flagLingering == 0 {
		return h
	}
	return w.finish(h, w.err)
}

// endGroup is told that the task of h is about to end with err. If it has children left,
// wait is true: the last of them will finish it. Otherwise it returns the error to end
// with.
func (w *Worker) endGroup(h *header, err error) (_ error, wait bool) {
	g := h.usedGroup()
	if g.winner != g.mark() {
		h.panicGroupOverwritten() // whose children are nowhere: nothing can go on from here
	}
	if err != nil {
		r := g.makeRecord(w)
		r.own = err
		if r.scope != nil {
			r.scope.cancel(ErrGroupDecided)
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

// ended is called when all children have ended, by whoever goes on with the task of h: it
// alone uses the group.
func (g *Group) allEnded(w *Worker, h *header) {
	h.layout &^= flagGroup
	g.winner = 0
	if g.record != 0 {
		g.endRecord(w, h)
	}
}
