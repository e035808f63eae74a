package coro

import (
	"errors"

	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/slots"
)

// groupRecord is what does not fit into a Group: policy, limit, errors. It lies on the Go
// heap, in a slot that is recycled. Children that succeed, in a Group without policy and
// limit, need none. The task owns it before its children begin and when all have ended;
// in between, each field says who uses it.
type groupRecord struct {
	slot *slots.Slot[groupRecord] // this, in groupRecords

	policy GroupPolicy // the task's
	scope  *childScope // of the children, if the policy may cancel them; the task's

	// own is the error of a task that has ended before its children. The task writes it; it
	// is read when all children have ended.
	own error

	// refused is the error with which a closed executor has refused a child. The task's.
	refused error

	limit int // 0: none; the task's, and only read once there are children

	mu      interleave.Mutex // guards what follows; no other lock is taken with it
	decided bool
	winner  uintptr // the address of the result of the child that decided
	err     error
	errs    []error  // of FirstSuccess
	running int      // children that have begun and not ended, if there is a limit
	queued  RunQueue // children beyond the limit, which have not begun
	room    *header  // the task, if it waits for room
}

var groupRecords slots.Of[groupRecord]

func init() { groupRecords.Init() }

// admit reports whether c may run at once. If not, it has queued c.
func (r *groupRecord) admit(c *header) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running < r.limit {
		r.running++
		return true
	}
	r.queued.Push(Runnable{c})
	return false
}

// refuse cancels a task whose children its executor has refused. If the task resumed, it could
// spawn again after each error, and never reach a point where the closed executor stops it.
func (r *groupRecord) refuse(w *Worker, h *header) parking {
	w.current = 0
	w.Cancel(Runnable{h}, r.refused)
	return parked
}

// full reports whether as many children as the limit have begun and not ended.
func (r *groupRecord) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running >= r.limit
}

// loadRecord returns the record, or nil if there is none.
func (g *Group) loadRecord() *groupRecord {
	l := link[groupRecord](interleave.LoadUintptr(&g.record))
	return l.get()
}

// makeRecord returns the record, and makes it if there is none.
func (g *Group) makeRecord(w *Worker) *groupRecord {
	if r := g.loadRecord(); r != nil {
		return r
	}
	slot := groupRecords.Take(w.freeSlots())
	r := &slot.Value
	r.slot = slot
	var l link[groupRecord]
	l.set(r)
	if !interleave.CompareAndSwapUintptr(&g.record, 0, uintptr(l)) { // another worker has made it
		r.slot = nil
		groupRecords.Put(w.freeSlots(), slot)
		return g.loadRecord()
	}
	return r
}

// childOutcome records how a child has ended that had begun, and returns a frame to run
// next, if any: that of a queued child that may begin now, or that of the task, if it waits
// for room. The child is still counted, so the Group and its record exist.
func (g *Group) childOutcome(w *Worker, result uintptr, err error) *header {
	r := g.makeRecord(w)
	r.recordOutcome(result, err)
	if r.limit == 0 {
		return nil
	}
	for {
		r.mu.Lock()
		t, ok := r.queued.Pop()
		if !ok {
			r.running--
			room := r.room
			r.room = nil
			r.mu.Unlock()
			return room
		}
		r.mu.Unlock()
		cause := t.h.env.cause()
		if cause == nil {
			t.h.startTimeout()
			return t.h
		}
		result := t.h.result
		cause = w.runCleanup(t.h, cause)
		w.discard(t.h)
		r.recordOutcome(result, cause)
		interleave.AddInt32(&g.count, -1) // not to 0: the child that has ended is still counted
	}
}

// recordOutcome records a child's outcome, and cancels the others if it decides the group.
func (r *groupRecord) recordOutcome(result uintptr, err error) {
	r.mu.Lock()
	decides := r.decide(result, err)
	r.mu.Unlock()
	if decides && r.scope != nil {
		r.scope.cancel(canceledWith(ErrGroupDecided))
	}
}

// decide reports whether an outcome decides the group. The caller holds mu.
func (r *groupRecord) decide(result uintptr, err error) bool {
	if r.decided {
		return false
	}
	switch r.policy {
	case FirstSuccess:
		if err != nil {
			r.errs = append(r.errs, err)
			return false
		}
	case FirstEnd:
	default:
		if err == nil {
			return false
		}
	}
	r.decided = true
	r.err = err
	r.winner = result
	return true
}

// outcome returns the error of the group.
func (r *groupRecord) outcome() error {
	switch {
	case r.own != nil:
		return r.own
	case r.policy == FirstSuccess && !r.decided:
		return errors.Join(r.errs...)
	default:
		return r.err
	}
}

// endRecord ends the use of the record, and leaves the group's error, if there is one, for
// the next step.
func (g *Group) endRecord(w *Worker, h *header) {
	r := g.loadRecord()
	g.record = 0
	g.winner = r.winner
	err := r.outcome()
	if r.scope != nil {
		r.scope.close(w)
	}
	clear(r.errs)
	r.policy, r.scope, r.own, r.refused, r.decided, r.winner = 0, nil, nil, nil, false, 0
	r.err, r.errs, r.limit, r.running = nil, r.errs[:0], 0, 0
	groupRecords.Put(w.freeSlots(), r.slot)
	if err != nil {
		w.err = err
		w.refusals = 0
		h.at |= atFailed
	}
}
