package coro

import (
	"sync/atomic"
	"unsafe"
)

// A task that waits in a Select has a block of the executor's arena beside its frame: a
// selection, and behind it a proxy for each case. A proxy is a header that stands in a queue
// in the task's place. As with tasks, the goroutine that takes one out of its queue, under the
// queue's lock, has it. But a task has several proxies, under several locks. So there are two
// more steps, claim and settle.
//
// claim decides which case the task continues with. A goroutine that has taken a proxy out of
// its queue, or is about to, holds that queue's lock and changes winner from 0 by
// compare-and-swap. One claim succeeds. A goroutine whose claim fails has found no task: it
// gives nothing, and takes the next one in the queue (wake returns false).
//
// settle ends the Select. The goroutine that has claimed a proxy puts it into its wakeList
// like a task. When it holds no lock any more, post calls settle and posts the task that
// settle returns. If the executor is being closed, the closer calls settle instead. settle calls
// drop for each other proxy, which locks its waitable and unlinks the proxy, if it is still
// in the queue, in constant time: prev and the queue's link lead to both neighbours. Then
// settle frees the block. This is why nothing refers to a freed block:
//
//   - The queues do not: each proxy was taken out, by its claimer, by another goroutine
//     whose claim failed, or by drop.
//   - A goroutine that has found a proxy in a queue does not, be it one whose claim failed
//     or a visitor: it reads the block only under that queue's lock, and drop takes that
//     lock after it.
//   - Only the goroutine that made the claim reads or writes the rest of the block.
//
// The task is in no executor's queue before settle has returned it. So it never meets a proxy
// of its last Select, and a channel that many tasks select over and no task sends to does not
// grow.
//
// A proxy refers to its waitable by a link, which keeps nothing alive. visits does: it counts
// the proxies for which settle is still to call drop, and as long as there are any, forget
// returns false, so a registry keeps the waitable. A claimed proxy is not counted, since
// settle does not visit its waitable: claim takes it off.
//
// TestSelectLosesNoWake and TestSelectsAgainstSelects try this under load.

// selection is the head of the block. It is written by the task's worker, with the locks of
// all cases held, and from the claim on it belongs to the goroutine that made the claim.
type selection struct {
	task   link[header]
	chosen uintptr // where the number of the case goes; 0: nowhere
	n      uint32  // how many proxies there are

	// winner is 0, and from the claim on the number of the claimed case plus 1, or selectWithdrawn. It is read
	// and written by goroutines that hold the lock of one of the cases or, if the task waits in a scope, of its
	// stripe. There are several such locks, hence it is atomic; and only the compare-and-swap from 0 changes it, so
	// one claim succeeds.
	winner atomic.Uint32
}

// proxy is what waits in a queue for a task in a Select. Its header has kind, parent and
// environment of the task, at is the number of the case, and result refers to the selection.
type proxy struct {
	header

	place link[casePlace] // set by push

	// prev is what is before the proxy in its queue; 0 if it is first, or in no queue.
	// Guarded by the queue's lock.
	prev link[header]

	// number is where the proxy's argument is, in numberedArguments; -1 if the proxy is in no
	// queue. Guarded by the queue's lock.
	number int32
}

// selectWithdrawn is the winner of a Select whose scope has ended.
const selectWithdrawn = 1<<32 - 1

const (
	selectionSize = unsafe.Sizeof(selection{})
	proxySize     = unsafe.Sizeof(proxy{})
)

// Three cases fit in 256 bytes, and each proxy is aligned.
var (
	_ [256 - (selectionSize + 3*proxySize)]struct{}
	_ [-(selectionSize % unsafe.Alignof(proxy{}))]struct{}
)

func (h *header) proxy() *proxy { return (*proxy)(unsafe.Pointer(h)) }

// casePlace is the part of a queue, or of a waitable with one task, that proxies refer to.
// The waitable's lock guards it.
type casePlace struct {
	// of is the case's side of the waitable, for drop. It is written once, before the first
	// proxy refers to the place. So settle reads it without the lock.
	of selectable

	// visits is the number of proxies that refer to the place and that settle will still
	// call drop for. Some of them may be in no queue any more.
	visits int
}

// expect makes p refer to the place, whose selectable is of, and counts it.
func (a *casePlace) expect(p *proxy, of selectable) {
	if a.of == nil {
		a.of = of
	}
	a.visits++
	p.place.set(a)
}

// newSelection returns a selection for n cases, whose proxies are still to be made. It
// returns nil if there is no memory.
func newSelection(w *Worker, h *header, n int) *selection {
	size := selectionSize + uintptr(n)*proxySize
	var s *selection
	if h.env.get().arena != nil {
		s = (*selection)(w.cache.Allocate(size))
	} else { // a loop over a generator has none
		s = (*selection)(seqArena().Allocate(size))
	}
	if s == nil {
		return nil
	}
	// The memory is not zero. winner is stored before any proxy is in a queue.
	s.task.set(h)
	s.n = uint32(n)
	s.winner.Store(0)
	return s
}

// free frees the block. w is the worker whose goroutine calls, or nil.
func (s *selection) free(w *Worker, env *Environment) {
	size := selectionSize + uintptr(s.n)*proxySize
	switch {
	case w.serves(env.runtime):
		w.cache.Deallocate(unsafe.Pointer(s), size)
	case env.arena != nil:
		env.arena.Deallocate(unsafe.Pointer(s), size)
	default:
		seqArena().Deallocate(unsafe.Pointer(s), size)
	}
}

// proxy returns the i-th proxy of the block, in the order in which the cases were tried.
func (s *selection) proxy(i int) *proxy {
	return (*proxy)(unsafe.Add(unsafe.Pointer(s), selectionSize+uintptr(i)*proxySize))
}

// init writes all of p but place, which push sets.
func (p *proxy) init(s *selection, h *header, index int32) {
	p.header = header{kind: h.kind, parent: h.parent, env: h.env, at: uint32(index), layout: flagProxy}
	p.result = uintptr(unsafe.Pointer(s))
	p.prev = 0
	p.number = -1
}

func (p *proxy) selection() *selection {
	l := link[selection](p.result)
	return l.get()
}

// claim makes p the case that the task continues with, and reports whether it did: only the
// first claim does. The caller holds the lock of the case, and has taken p out of its queue or
// is about to.
func (p *proxy) claim() bool {
	if !p.selection().winner.CompareAndSwap(0, p.at+1) {
		return false
	}
	p.place.get().visits--
	return true
}

// leaves returns the number of p, which leaves its queue, and notes that.
func (p *proxy) leaves() int32 {
	number := p.number
	p.number = -1
	return number
}

// settle ends the Select whose case p was claimed, and returns its task, with the outcome
// that p was woken with. It is called once, after the claim. The caller holds no lock. w is
// the worker whose goroutine calls, or nil.
func (p *proxy) settle(w *Worker) *header { return p.selection().settle(w, p) }

// settle is settle for the claimed proxy p, which is nil if the Select was withdrawn.
func (s *selection) settle(w *Worker, p *proxy) *header {
	for i := range int(s.n) { // takes one lock at a time
		if q := s.proxy(i); q != p {
			q.place.get().of.drop(q)
		}
	}
	// The task is this goroutine's now: no queue has it, and no other claim succeeds.
	h := s.task.get()
	h.unlist(w)
	if p != nil && p.layout&flagWoken != 0 { // otherwise it was withdrawn: *chosen is -1
		h.layout |= p.layout & (flagWoken | flagChanClosed)
		if s.chosen != 0 {
			**(**int)(unsafe.Pointer(&s.chosen)) = int(p.at)
		}
	}
	s.free(w, h.env.get())
	return h
}

// enter pushes a new proxy, for a case whose selectable is of.
func (q *fifo[V]) enter(p *proxy, of selectable, v V) {
	q.push(&p.header, v)
	q.numbered.expect(p, of)
}

// drop does what selectable.drop says. The caller holds the lock.
func (q *fifo[V]) drop(p *proxy) {
	q.numbered.visits--
	if p.number >= 0 { // else a goroutine whose claim failed has taken it out
		q.unlink(&p.header)
	}
}
