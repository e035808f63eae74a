package coro

import (
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/timerwheel"
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
// settle frees the block.
//
// A Select with an After that can happen has a timer in the block, one for all its Afters. When
// its time has come, fire claims the selection like the others, and then settles it itself, since
// it holds no lock. If another case is claimed first, settle takes the timer out of the wheel. If
// it is not in the wheel, then fire has it, or is about to get it, and will look at the block (see
// timers.go: one of remove and fire has the node). Both set the bit selectionMet of winner then,
// by one atomic operation that returns what it was before. The one that comes second finds the
// bit set: it frees the block and resumes the task. The first touches neither any more. So the
// task does not resume, and the block is not freed, before both have come. settle is over when
// fire has not come yet: then it returns no task, and fire passes the executor's gate for it. The
// closer finds the task all the same: fire has left it in unclaimed before stopTimers returns.
//
// The timer is set last, with the locks of all cases held. If the executor's timers are closed, it
// is not set, which n notes. Then the executor is being closed: the closer takes the locks later,
// since admit has not seen closed yet, and finds the proxies.
//
// This is why nothing refers to a freed block:
//
//   - The queues do not: each proxy was taken out, by its claimer, by another goroutine
//     whose claim failed, or by drop.
//   - The wheel does not, and nor does fire: settle has taken the timer out, or both have met.
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
// returns false, so the executor keeps the waitable. A claimed proxy is not counted, since
// settle does not visit its waitable: claim takes it off.
//
// TestSelectLosesNoWake, TestSelectsAgainstSelects and TestSelectAfterAgainstEverything try this
// under load, and TestInterleavingsOfWaits tries the orders of fire, settle, canceller and closer.

// selection is the head of the block. It is written by the task's worker, with the locks of
// all cases held, and from the claim on it belongs to the goroutine that made the claim; of fire,
// see above.
type selection struct {
	task   link[header]
	chosen uintptr // where the number of the case goes; 0: nowhere
	n      uint32  // how many proxies there are, and the bits selectionTimed and selectionUnset

	// winner is 0, and from the claim on the number of the claimed case plus 1, or
	// selectWithdrawn, with selectionMet. It is read and written by goroutines that hold the lock
	// of one of the cases or, if the task waits in a scope, that of its stripe, and by fire,
	// which holds none. Hence it is atomic; and only the compare-and-swap from 0 changes the
	// number, so one claim succeeds.
	winner interleave.Uint32
}

// timedSelection is the head of the block of a Select with an After. The timer's What has the
// number of that case.
type timedSelection struct {
	selection
	timer timerwheel.Node
}

const (
	selectionTimed = 1 << 31            // in n: the selection is part of a timedSelection
	selectionUnset = 1 << 30            // in n: its timer was never set
	selectionCount = selectionUnset - 1 // in n: the number of proxies

	selectionMet = 1 << 31 // in winner: settle or fire has come to the end of the Select
)

// proxy is what waits in a queue for a task in a Select. Its header has the environment of the
// task, at is the number of the case, and result refers to the selection. Two words of the header
// have another meaning than in a frame: kind refers to the casePlace, and parent is the argument of
// the case if proxyArguments says so. So nobody asks a proxy for its kind or its parent.
type proxy struct {
	header

	// prev is what is before the proxy in its queue; 0 if it is first, or in no queue.
	// Guarded by the queue's lock.
	prev link[header]

	// number is where the proxy's argument is, in numberedArguments, or 0 if it is in the proxy; -1
	// if the proxy is in no queue. Guarded by the queue's lock.
	number int32
}

// selectWithdrawn is the winner of a Select whose scope has ended.
const selectWithdrawn = selectionMet - 1

// place returns where p waits. setPlace, which push calls, has set it.
func (p *proxy) place() *casePlace {
	l := link[casePlace](p.kind)
	return l.get()
}

func (p *proxy) setPlace(a *casePlace) {
	var l link[casePlace]
	l.set(a)
	p.kind = link[kind](l)
}

const (
	selectionSize = unsafe.Sizeof(selection{})
	timedSize     = unsafe.Sizeof(timedSelection{})
	proxySize     = unsafe.Sizeof(proxy{})
)

// Three cases with any number of Afters fit in 256 bytes, and one in 128. Each proxy is aligned.
var (
	_ [256 - (timedSize + 3*proxySize)]struct{}
	_ [128 - (timedSize + proxySize)]struct{}
	_ [-(selectionSize % unsafe.Alignof(proxy{}))]struct{}
	_ [-(timedSize % unsafe.Alignof(proxy{}))]struct{}
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
	p.setPlace(a)
}

// newSelection returns a selection for n cases, whose proxies are still to be made. If it is
// timed, setTimer is still to be called. newSelection returns nil if there is no memory.
func newSelection(w *Worker, h *header, n int, timed bool) *selection {
	bits := uint32(n)
	if timed {
		bits |= selectionTimed
	}
	size := sizeOfSelection(bits)
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
	s.n = bits
	s.winner.Store(0)
	return s
}

// free frees the block. w is the worker whose goroutine calls, or nil.
func (s *selection) free(w *Worker, env *Environment) {
	size := sizeOfSelection(s.n)
	switch {
	case w.serves(env.runtime):
		w.cache.Deallocate(unsafe.Pointer(s), size)
	case env.arena != nil:
		env.arena.Deallocate(unsafe.Pointer(s), size)
	default:
		seqArena().Deallocate(unsafe.Pointer(s), size)
	}
}

// sizeOfSelection returns the size of a block whose n is as given.
func sizeOfSelection(n uint32) uintptr {
	return headOfSelection(n) + uintptr(n&selectionCount)*proxySize
}

func headOfSelection(n uint32) uintptr {
	if n&selectionTimed != 0 {
		return timedSize
	}
	return selectionSize
}

// proxies returns how many proxies the block has.
func (s *selection) proxies() int { return int(s.n & selectionCount) }

// proxy returns the i-th proxy of the block, in the order in which the cases were tried.
func (s *selection) proxy(i int) *proxy {
	return (*proxy)(unsafe.Add(unsafe.Pointer(s), headOfSelection(s.n)+uintptr(i)*proxySize))
}

// following returns the proxy behind p in the block.
func (p *proxy) following() *proxy { return (*proxy)(unsafe.Add(unsafe.Pointer(p), proxySize)) }

// timer returns the timer of a selection that is part of a timedSelection.
func (s *selection) timer() *timerwheel.Node { return &(*timedSelection)(unsafe.Pointer(s)).timer }

// selectionOf returns the selection whose timer n is.
func selectionOf(n *timerwheel.Node) *selection {
	return (*selection)(unsafe.Add(unsafe.Pointer(n), -int(unsafe.Offsetof(timedSelection{}.timer))))
}

// setTimer makes fire claim the selection, for the case of the given number, when d has passed.
// The caller holds the locks of all cases.
func (s *selection) setTimer(t *timers, index int, d time.Duration) {
	n := s.timer()
	*n = timerwheel.Node{What: uintptr(index)<<timerShift | timerCase}
	if !t.add(n, t.after(d)) {
		s.n |= selectionUnset
	}
}

// init writes all of p but its place and its argument, which push sets.
func (p *proxy) init(s *selection, h *header, index int32) {
	p.env = h.env
	p.result = uintptr(unsafe.Pointer(s))
	p.at = uint32(index)
	p.layout = flagProxy
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
	p.place().visits--
	return true
}

// settle ends the Select whose case p was claimed, and returns its task, with the outcome
// that p was woken with; or nil if fire is still to resume the task. It is called once, after the
// claim. The caller holds no lock. w is the worker whose goroutine calls, or nil.
func (p *proxy) settle(w *Worker) *header { return p.selection().settle(w, p) }

// settle is settle for the claimed proxy p, which is nil if the Select was withdrawn.
func (s *selection) settle(w *Worker, p *proxy) *header {
	s.dropAllBut(p)
	// The task is this goroutine's now: no queue has it, and no other claim succeeds.
	h := s.task.get()
	env := h.env.get()
	h.unlist(w)
	if p != nil && p.layout&flagWoken != 0 { // otherwise it was withdrawn: *chosen is -1
		h.layout |= p.layout & (flagWoken | flagChanClosed)
		s.choose(int(p.at))
	}
	if s.n&(selectionTimed|selectionUnset) == selectionTimed && !env.runtime.timers.remove(s.timer()) && !s.meet() {
		return nil
	}
	s.free(w, env)
	return h
}

// dropAllBut takes all proxies but p, which may be nil, out of their queues. It takes one lock at
// a time.
func (s *selection) dropAllBut(p *proxy) {
	q := s.proxy(0)
	for range s.proxies() {
		if q != p {
			q.place().of.drop(q)
		}
		q = q.following()
	}
}

// choose stores the number of the case that has happened.
func (s *selection) choose(index int) {
	if s.chosen != 0 {
		**(**int)(unsafe.Pointer(&s.chosen)) = index
	}
}

// meet is called once by settle and once by fire, if both have to come before the Select ends, and
// reports whether the caller is the second. The first does not touch the block afterwards, nor
// the task.
func (s *selection) meet() (second bool) { return s.winner.Or(selectionMet)&selectionMet != 0 }

// fire is called when the time of the Select's After has come, and the timer is not in the wheel
// any more. The caller holds no lock.
func (s *selection) fire(woken *wakeList) {
	index := int(s.timer().What >> timerShift)
	claimed := s.winner.CompareAndSwap(0, uint32(index)+1)
	if !claimed && !s.meet() {
		return // settle is still to come
	}
	outcome := uint32(0) // settle has stored it
	if claimed {
		s.dropAllBut(nil)
		outcome = flagWoken
	}
	h, chosen := s.task.get(), s.chosen
	s.free(nil, h.env.get())
	// The task does not run before the caller posts it.
	if wakeClaimed(h, outcome, woken) && claimed && chosen != 0 {
		**(**int)(unsafe.Pointer(&chosen)) = index
	}
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
