package coro

// How the tasks that wait in a scope are found when it ends.
//
// Each task that waits in a scope is an element of a doubly linked list of the scope: by a
// waitNode if it waits in the queue of a waitable or in a Select, by its sleeper if it sleeps.
// The node also leads to both neighbours in the queue. So cancelling one task among a million
// costs the same as among two, and so does a task's leaving of the list when it is woken. A task
// in no scope has no node.
//
// A childScope has room for what one such task needs, which it hosts: the first that waits there and has
// no room for a node behind its state. Of a hosted task the list has the address of its frame alone,
// at its end; what comes before it in the queue is in childScope.hosted, and what comes after it in
// header.worker. In what follows, a hosted task is an element like the others, and childScope.hosted is
// its node.
//
// The lists of a runtime's scopes are guarded by the locks of its stripes: which one follows from
// the address of the scope. A sharedEnvironment's scope, which tasks on all workers may wait in,
// has several lists, with a stripe each: which one follows from the address of the element's
// task.
//
// # No task is missed
//
// A task that is about to wait holds the lock of the waitable, and then that of the stripe. Under
// the latter it
//
//	W1  loads scopeCancelled, and does not wait if it is set,
//	W2  enters the list.
//
// It is queued before the waitable's lock is released. The canceller
//
//	C1  sets scopeCancelled, with the lock of the scope's own stripe held,
//	C2  takes the first element out of each list, under the lock of that list's stripe, until the list
//	    is empty.
//
// If W1 finds the flag not set, then C1 comes after W1, so the canceller locks the stripe for C2
// after W2, and finds the element. For a childScope that is opened in the scope, the same holds.
//
// # No task is taken twice
//
// A task is woken by the goroutine that takes it out of its queue, under the waitable's lock,
// which it holds until the task has left the list (unlist). So while a task is in the list,
// either it is queued, or a goroutine that has taken it out holds the waitable's lock. The
// canceller comes from the list: with the stripe's lock held, it tries the waitable's lock. If it
// gets it, the task is queued, and it takes the task out of both. Otherwise it releases the
// stripe's lock, waits for the waitable's, releases that and looks at the list again, from its
// beginning.
//
// The node, with the waitable's address in it, is read only under the stripe's lock, and the
// waitable is in use then, by the queued task or by that goroutine. So the address may be made a
// pointer.
//
// A sleeping task belongs to the goroutine that takes its timer out of the wheel; see sleep.go.
// If the canceller finds that fire has the timer, it only takes the sleeper out of the list. A
// task in a Select belongs to the goroutine that makes the claim: see select_proxy.go. The
// canceller makes it under the stripe's lock, and settles the Select when it has released that.
// The block is not freed meanwhile: whoever else makes the claim takes the node out of the list
// before it frees the block.
//
// # Order of locks
//
// execRuntime.arming, the lock of a waitable (of a Cond, then of its Mutex; those of a Select by
// address), that of a stripe, then waitables.mu or timers.mu. No two stripes' locks are held together.
// scopeContext.mu is taken with none of these held.
//
// TestInterleavingsOfWaits tries the orders of all this; with a load of state that sees
// nothing, TestInterleavingsOfWaitsBroken notices that a task is missed.

import (
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/slots"
)

// scopeStripe guards a share of a runtime's scopes.
type scopeStripe struct {
	mu     interleave.Mutex
	extras map[*scope]*scopeExtra // guarded by mu
	_      [64 - 16]byte          // different workers use different stripes
}

// stripe returns the stripe of s.
func (rt *execRuntime) stripe(s *scope) *scopeStripe {
	return rt.stripeAt(uintptr(unsafe.Pointer(s)) >> 4)
}

func (rt *execRuntime) stripeAt(i uintptr) *scopeStripe {
	i ^= i >> 6
	return &rt.stripes[i&uintptr(len(rt.stripes)-1)]
}

// list returns the i-th list of s, and its stripe.
func (s *scope) list(rt *execRuntime, i uintptr) (*scopeList, *scopeStripe) {
	if s.state.Load()&scopeShared == 0 {
		return &s.waiting, rt.stripe(s)
	}
	shared := (*sharedEnvironment)(unsafe.Add(unsafe.Pointer(s), -int(unsafe.Offsetof(sharedEnvironment{}.root))))
	return &shared.waiting[i], rt.listStripe(s, i)
}

// listStripe returns the stripe of the i-th list of the scope of a sharedEnvironment.
func (rt *execRuntime) listStripe(s *scope, i uintptr) *scopeStripe {
	return rt.stripeAt(uintptr(unsafe.Pointer(s))>>4 + 1 + i)
}

// place returns the list of s that an element is in, and its stripe. address is that of the
// task's frame or, if the element is a scope, of that.
func (s *scope) place(address uintptr) (*scopeList, *scopeStripe) {
	return s.list(s.runtime(), (address>>7^address>>12)%sharedLists)
}

// awaitHolder waits until the goroutine that holds mu, if one does, has released it.
func awaitHolder(mu *interleave.Mutex) {
	mu.Lock()
	defer mu.Unlock()
}

// ---- lists

// listed is the place of an element in a scopeList. It is zero if the element is in no list.
type listed struct{ prev, next element }

// element refers to a listed. Its lowest bits say what that is part of.
type element uintptr

const (
	waitElement  element = iota // a waitNode
	sleepElement                // a sleeper
	scopeElement                // a nestedScope
	hostElement                 // the frame of the task that the scope hosts, or 0: the end of a list
	elementKinds = 3
)

func (e element) kind() element { return e & elementKinds }

func (e element) listed() *listed {
	l := link[listed](e &^ elementKinds)
	return l.get()
}

func (n *waitNode) element() element    { return element(unsafe.Pointer(&n.listed)) } // its kind is 0
func (s *sleeper) element() element     { return element(unsafe.Pointer(&s.listed)) | sleepElement }
func (s *nestedScope) element() element { return element(unsafe.Pointer(&s.in)) | scopeElement }
func (h *header) hostElement() element  { return element(unsafe.Pointer(h)) | hostElement }

func (e element) waitNode() *waitNode {
	return (*waitNode)(unsafe.Add(unsafe.Pointer(e.listed()), -int(unsafe.Offsetof(waitNode{}.listed))))
}

func (e element) sleeper() *sleeper {
	return (*sleeper)(unsafe.Add(unsafe.Pointer(e.listed()), -int(unsafe.Offsetof(sleeper{}.listed))))
}

func (e element) nestedScope() *nestedScope {
	return (*nestedScope)(unsafe.Add(unsafe.Pointer(e.listed()), -int(unsafe.Offsetof(nestedScope{}.in))))
}

func (e element) hosted() *header {
	l := link[header](e &^ elementKinds)
	return l.get()
}

// scopeList is the first element of a list, or 0. The element before the first one is the last one, and
// that is followed by a hostElement: the task that the scope hosts, or no task. If there is nothing
// else, the list is that task. The lock of its stripe guards the list and the places of its elements.
type scopeList element

// end returns where the hostElement is that ends the list; or the list itself, which may be 0.
func (s *scopeList) end() *element {
	if first := element(*s); first != 0 && first.kind() != hostElement {
		return &first.listed().prev.listed().next
	}
	return (*element)(s)
}

// add adds e, whose place is l, as the last element but for a task that the scope hosts.
func (s *scopeList) add(e element, l *listed) {
	end := s.end()
	l.next = *end | hostElement
	if end == (*element)(s) {
		l.prev = e
	} else {
		first := element(*s).listed()
		l.prev, first.prev = first.prev, e
	}
	*end = e
}

// remove takes the element whose place is l out, if it is there, and reports whether it was.
func (s *scopeList) remove(l *listed) bool {
	if l.next == 0 {
		return false
	}
	first := element(*s).listed()
	if last := l.next.kind() == hostElement; !last {
		l.next.listed().prev = l.prev
	} else if first != l {
		first.prev = l.prev
	}
	if first != l {
		l.prev.listed().next = l.next
	} else if *s = scopeList(l.next); *s == scopeList(hostElement) {
		*s = 0
	}
	*l = listed{}
	return true
}

// host adds the task of h without a place of its own. It returns false if the list has such a task.
func (s *scopeList) host(h *header) bool {
	end := s.end()
	if *end&^elementKinds != 0 {
		return false
	}
	*end = h.hostElement()
	return true
}

// unhost takes the task of h out, if it was added by host and is still there.
func (s *scopeList) unhost(h *header) {
	switch end := s.end(); {
	case *end != h.hostElement():
	case end == (*element)(s):
		*s = 0
	default:
		*end = hostElement
	}
}

// removeTask takes the task of h, whose waitPlace is p, out of the list.
func (s *scopeList) removeTask(h *header, p *waitPlace) {
	if first := element(*s); first.kind() == hostElement {
		s.unhost(h)
	} else {
		s.remove(&(*waitNode)(unsafe.Pointer(p)).listed)
	}
}

// ---- tasks

// waitPlace is where a task in a scope waits: a part of its waitNode or, if the scope hosts it, of that.
// It belongs to the holder of the waitable's lock, and on to that of the stripe's lock.
type waitPlace struct {
	on   uintptr // the lock of the waitable, or the selection if the bit waitSelects is set
	prev uintptr // what is before the task in the queue, and waitSends
	word uintptr // the argument of the task's wait, or its number: see numberedArguments and wakerChunk
}

const (
	waitSelects = 1 // in on: the task waits in a Select
	waitApart   = 2 // in on: the waitNode lies in a slot
	waitBits    = waitSelects | waitApart

	waitSends = 1 // in prev: the task waits to send, in the queue of a Chan's senders
)

// The addresses leave the bits free.
var _ [min(unsafe.Alignof(lock{}), unsafe.Alignof(selection{})) - 1 - waitBits]struct{}

func (p *waitPlace) prevTask() *header {
	l := link[header](p.prev &^ waitSends)
	return l.get()
}

func (p *waitPlace) setPrevTask(h *header) {
	p.prev = uintptr(unsafe.Pointer(h)) | p.prev&waitSends
}

func (p *waitPlace) selects() bool { return p.on&waitSelects != 0 }

// lock returns the lock of the waitable.
func (p *waitPlace) lock() *lock {
	l := link[lock](p.on &^ waitBits)
	return l.get()
}

func (p *waitPlace) selection() *selection {
	l := link[selection](p.on &^ waitBits)
	return l.get()
}

// waitNode is what a task has that waits in a scope, in the queue of a waitable or in a Select.
// It lies in the room behind the task's state, where a child would be elided, or else in a slot.
// It belongs to the holder of the waitable's lock, and listed to that of the stripe's lock.
type waitNode struct {
	waitPlace              // first, so that a pointer to it is one to the waitNode
	next      link[header] // in the queue
	task      link[header]
	listed
}

const (
	waitNodeSize  = unsafe.Sizeof(waitNode{})
	waitNodeUnits = uint32(waitNodeSize+elisionUnit-1) / elisionUnit
)

var _ [-unsafe.Offsetof(waitNode{}.waitPlace)]struct{}

var waitNodes slots.Packed[waitNode]

func init() { waitNodes.Init() }

// flagListed is set in the frame of a task that waits and has a waitNode: header.worker is its
// address. If the scope hosts the task, that word is what comes next in the queue, with the bit
// workerHosted. No task that waits is lingering, so the two share a bit.
const (
	flagListed   = flagLingering
	workerHosted = 1
)

// node returns the waitPlace of a task with flagListed.
func (h *header) node() *waitPlace {
	if h.worker&workerHosted != 0 {
		return &h.env.scope().ofChild().hosted
	}
	return (*waitPlace)(unsafe.Pointer(h.worker.get()))
}

// waitNode returns the waitNode of a task with flagListed that is not hosted.
func (h *header) waitNode() *waitNode { return (*waitNode)(unsafe.Pointer(h.worker.get())) }

// nextOfListed is nextInWait for a task with flagListed.
func (h *header) nextOfListed() *header {
	if h.worker&workerHosted != 0 {
		l := link[header](h.worker &^ workerHosted)
		return l.get()
	}
	return h.waitNode().next.get()
}

// setNextOfListed is setNextInWait for a task with flagListed.
func (h *header) setNextOfListed(next *header) {
	if h.worker&workerHosted != 0 {
		h.worker = link[Worker](unsafe.Pointer(next)) | workerHosted
		return
	}
	h.waitNode().next.set(next)
}

// enlist makes the task of h, which is about to wait for on, an element of its scope s. It
// returns parked, or parkCancelled if the scope has ended. If the task has a node already, since
// it moves from one queue to another, enlist changes that. The caller holds the lock of on. bits is
// 0 or waitSelects.
func (h *header) enlist(s *scope, on, bits uintptr) parking {
	list, st := s.place(uintptr(unsafe.Pointer(h)))
	if h.layout&flagListed != 0 {
		return h.enlistAgain(s, st, on)
	}
	if h.layout>>roomShift < waitNodeUnits && s.state.Load()&scopeChild != 0 {
		st.mu.Lock()
		cancelled := s.state.Load()&scopeCancelled != 0
		hosted := !cancelled && list.host(h)
		if hosted {
			s.ofChild().hosted = waitPlace{on: on | bits}
		}
		st.mu.Unlock()
		switch {
		case cancelled:
			return parkCancelled
		case hosted:
			h.layout |= flagListed
			h.worker = workerHosted
			return parked
		}
	}
	n := h.newNode()
	st.mu.Lock()
	if s.state.Load()&scopeCancelled != 0 {
		st.mu.Unlock()
		n.free(nil)
		return parkCancelled
	}
	n.on |= on | bits
	list.add(n.element(), &n.listed)
	st.mu.Unlock()
	h.layout |= flagListed
	h.worker = link[Worker](unsafe.Pointer(n))
	return parked
}

// enlistAgain is enlist for a task that has a node. st is the stripe of the list that it is in.
func (h *header) enlistAgain(s *scope, st *scopeStripe, on uintptr) parking {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s.state.Load()&scopeCancelled != 0 {
		return parkCancelled
	}
	n := h.node()
	n.on = on | n.on&waitApart
	return parked
}

// newNode returns memory for the waitNode of h.
func (h *header) newNode() *waitNode {
	var n *waitNode
	apart := h.layout>>roomShift < waitNodeUnits
	if apart {
		n = waitNodes.Take(h.worker.get().freeSlots())
	} else {
		if framecheck.Enabled {
			h.verifyRoom()
		}
		n = (*waitNode)(unsafe.Add(unsafe.Pointer(h), h.kind.get().behind))
	}
	*n = waitNode{}
	if apart {
		n.on = waitApart
	}
	n.task.set(h)
	return n
}

// free gives the memory of n back. w is the worker whose goroutine calls, or nil.
func (n *waitNode) free(w *Worker) {
	if n.on&waitApart != 0 {
		waitNodes.Put(w.freeSlots(), n)
	} else if framecheck.Enabled {
		roomEnded(unsafe.Pointer(n), uintptr(waitNodeUnits)*elisionUnit, nil)
	}
}

// unlist takes the task of h out of the list of its scope, if it is in one, and frees its node.
// The caller has taken the task out of its queue, whose lock it still holds, or has claimed it in
// a Select. w is the worker whose goroutine calls, or nil.
func (h *header) unlist(w *Worker) {
	if h.layout&flagListed != 0 {
		h.leaveScope(w)
	}
}

// leaveScope is unlist for a task with a waitNode.
func (h *header) leaveScope(w *Worker) {
	list, st := h.env.scope().place(uintptr(unsafe.Pointer(h)))
	var n *waitNode
	st.mu.Lock()
	if h.worker&workerHosted != 0 {
		list.unhost(h)
	} else {
		n = h.waitNode()
		list.remove(&n.listed)
	}
	st.mu.Unlock()
	h.layout &^= flagListed
	h.worker = 0
	if n != nil {
		n.free(w)
	}
}

// ---- cancelling

// cancel wakes the waiting tasks of the use of s that has the given generation, and of the scopes
// in it, because of end. If that use has ended, cancel does nothing. The caller holds no lock.
func (rt *execRuntime) cancel(s *scope, generation uint64, end ending) {
	woken := wakeLists.Get().(*wakeList)
	s.cancelInto(rt, generation, end, woken)
	// The scope is not closed while one of its tasks is not posted. After post it may be, so
	// nothing of it is touched.
	post(woken)
	woken.recycle()
}

// cancelInto is cancel for a caller that posts woken.
func (s *scope) cancelInto(rt *execRuntime, generation uint64, end ending, woken *wakeList) {
	st := rt.stripe(s)
	st.mu.Lock()
	state := s.state.Load()
	if generationOf(state) != generation || state&scopeCancelled != 0 {
		st.mu.Unlock()
		return
	}
	s.setCancelled(st, end)
	var extra *scopeExtra
	if state&scopeHasExtra != 0 {
		extra = s.extra(st)
	}
	st.mu.Unlock()
	extra.end(end)
	lists := uintptr(1)
	if state&scopeShared != 0 {
		lists = sharedLists
	}
	for i := range lists {
		for s.cancelFirst(rt, i, generation, end, woken) {
			if woken.Len() >= cancelBatch {
				post(woken) // s may be closed now, and have another generation
			}
		}
	}
}

// cancelBatch is how many tasks a canceller wakes before it posts them, so that they run while it
// looks for others.
const cancelBatch = 256

// cancelFirst takes the first element out of the i-th list of s. It returns false if there is none, or
// the use of s with the given generation has ended.
func (s *scope) cancelFirst(rt *execRuntime, i uintptr, generation uint64, end ending, woken *wakeList) bool {
	if generationOf(s.state.Load()) != generation {
		return false // what list returns would be that of another use
	}
	list, st := s.list(rt, i)
	st.mu.Lock()
	if generationOf(s.state.Load()) != generation || *list == 0 {
		st.mu.Unlock()
		return false
	}
	first := element(*list)
	switch first.kind() {
	case scopeElement:
		inner := first.nestedScope()
		state := inner.state.Load()
		list.remove(&inner.in)
		st.mu.Unlock()
		inner.cancelInto(rt, generationOf(state), end, woken)
	case sleepElement:
		n := first.sleeper()
		list.remove(&n.listed)
		if rt.timers.remove(&n.Node) { // otherwise fire has it
			h := sleeperTask(n)
			h.env.get().freeTimer(n, n.What)
			wake(h, 0, woken)
		}
		st.mu.Unlock()
	case hostElement:
		s.cancelWait(rt, list, st, first.hosted(), &s.ofChild().hosted, woken)
	default:
		n := first.waitNode()
		s.cancelWait(rt, list, st, n.task.get(), &n.waitPlace, woken)
	}
	return true
}

// cancelWait is cancelFirst for the task of h, whose waitPlace is p. It releases the lock of st.
func (s *scope) cancelWait(rt *execRuntime, list *scopeList, st *scopeStripe, h *header, p *waitPlace, woken *wakeList) {
	if p.selects() {
		list.removeTask(h, p)
		s.cancelSelect(rt, st, p.selection(), woken)
		return
	}
	l := p.lock()
	if !l.mu.TryLock() {
		st.mu.Unlock()
		awaitHolder(&l.mu)
		return
	}
	list.removeTask(h, p)
	st.mu.Unlock()
	l.of.cancel(h, woken) // releases the lock
}

// cancelSelect is cancelWait for a task in a Select, which the caller has taken out of the list.
func (s *scope) cancelSelect(rt *execRuntime, st *scopeStripe, record *selection, woken *wakeList) {
	if woken.w == nil {
		woken.w, woken.from = currentWorker(), OriginConcurrent
	}
	outside := !woken.w.serves(rt)
	if outside && rt.gate.Enter() != nil {
		st.mu.Unlock() // the closer finds it in the queues
		return
	}
	if !record.winner.CompareAndSwap(0, selectWithdrawn) {
		st.mu.Unlock()
		if outside {
			rt.gate.Leave()
		}
		return
	}
	st.mu.Unlock()
	if h := record.settle(woken.w, nil); h != nil {
		woken.Push(Runnable{h})
	} else if outside { // fire resumes it, and passes the gate for it
		rt.gate.Leave()
	}
}
