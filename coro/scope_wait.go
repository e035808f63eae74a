package coro

// How the tasks that wait in a scope are found when it ends.
//
// Each task that waits in a scope is an element of a doubly linked list of the scope: by a
// waitNode if it waits in the queue of a waitable or in a Select, by its sleeper if it sleeps.
// The node also leads to both neighbours in the queue. So cancelling one task among a million
// costs the same as among two, and so does a task's leaving of the list when it is woken. A task
// in no scope has no node.
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
	scopeElement                // a childScope
	elementKinds = 3
)

func (e element) kind() element { return e & elementKinds }

func (e element) listed() *listed {
	l := link[listed](e &^ elementKinds)
	return l.get()
}

func (n *waitNode) element() element   { return element(unsafe.Pointer(&n.listed)) } // its kind is 0
func (s *sleeper) element() element    { return element(unsafe.Pointer(&s.listed)) | sleepElement }
func (s *childScope) element() element { return element(unsafe.Pointer(&s.in)) | scopeElement }

func (e element) waitNode() *waitNode {
	return (*waitNode)(unsafe.Add(unsafe.Pointer(e.listed()), -int(unsafe.Offsetof(waitNode{}.listed))))
}

func (e element) sleeper() *sleeper {
	return (*sleeper)(unsafe.Add(unsafe.Pointer(e.listed()), -int(unsafe.Offsetof(sleeper{}.listed))))
}

func (e element) childScope() *childScope {
	return (*childScope)(unsafe.Add(unsafe.Pointer(e.listed()), -int(unsafe.Offsetof(childScope{}.in))))
}

// scopeList is a circular list: its first element, or 0. The lock of its stripe guards it and the
// places of its elements.
type scopeList element

// add adds e, whose place is l, as the last element.
func (s *scopeList) add(e element, l *listed) {
	first := element(*s)
	if first == 0 {
		l.prev, l.next = e, e
		*s = scopeList(e)
		return
	}
	f := first.listed()
	l.prev, l.next = f.prev, first
	f.prev.listed().next = e
	f.prev = e
}

// remove takes the element whose place is l out, if it is there, and reports whether it was.
func (s *scopeList) remove(l *listed) bool {
	if l.next == 0 {
		return false
	}
	next := l.next.listed()
	if next == l {
		*s = 0
	} else {
		if element(*s).listed() == l {
			*s = scopeList(l.next)
		}
		next.prev = l.prev
		l.prev.listed().next = l.next
	}
	l.prev, l.next = 0, 0
	return true
}

// ---- tasks

// waitNode is what a task has that waits in a scope, in the queue of a waitable or in a Select.
// It lies in the room behind the task's state, where a child would be elided, or else in a slot.
// It belongs to the holder of the waitable's lock, and listed and on to that of the stripe's
// lock.
type waitNode struct {
	listed
	task link[header]

	// on is the waitable, or the selection if selects is set.
	on      uintptr
	selects bool
	sends   bool    // the task waits to send, in the queue of a Chan's senders; not guarded by the stripe's lock
	apart   bool    // the node lies in a slot
	number  int32   // where the task's argument is, in numberedArguments; -1: in no queue
	word    uintptr // the argument, if it is there

	prev, next link[header] // in the queue
}

const (
	waitNodeSize  = unsafe.Sizeof(waitNode{})
	waitNodeUnits = uint32(waitNodeSize+elisionUnit-1) / elisionUnit
)

var waitNodes slots.Of[waitNode]

func init() { waitNodes.Init() }

// flagListed is set in the frame of a task that waits and has a waitNode: header.worker is its
// address. No task that waits is lingering, so the two share a bit.
const flagListed = flagLingering

// node returns the waitNode of a task with flagListed.
func (h *header) node() *waitNode { return (*waitNode)(unsafe.Pointer(h.worker.get())) }

// enlist makes the task of h, which is about to wait for on, an element of its scope s. It
// returns parked, or parkCancelled if the scope has ended. If the task has a node already, since
// it moves from one queue to another, enlist changes that. The caller holds the lock of on.
func (h *header) enlist(s *scope, on uintptr, selects bool) parking {
	has := h.layout&flagListed != 0
	n := h.newNode(has)
	list, st := s.place(uintptr(unsafe.Pointer(h)))
	st.mu.Lock()
	if s.state.Load()&scopeCancelled != 0 {
		st.mu.Unlock()
		if !has {
			n.free(nil)
		}
		return parkCancelled
	}
	n.on, n.selects = on, selects
	if !has {
		list.add(n.element(), &n.listed)
	}
	st.mu.Unlock()
	if !has {
		h.layout |= flagListed
		h.worker = link[Worker](unsafe.Pointer(n))
	}
	return parked
}

// newNode returns memory for the waitNode of h, or the one that it has.
func (h *header) newNode(has bool) *waitNode {
	if has {
		return h.node()
	}
	var n *waitNode
	apart := h.layout>>roomShift < waitNodeUnits
	if apart {
		n = &waitNodes.Take(h.worker.get().freeSlots()).Value
	} else {
		if framecheck.Enabled {
			h.verifyRoom()
		}
		n = (*waitNode)(unsafe.Add(unsafe.Pointer(h), h.kind.get().behind))
	}
	*n = waitNode{apart: apart}
	n.task.set(h)
	return n
}

// free gives the memory of n back. w is the worker whose goroutine calls, or nil.
func (n *waitNode) free(w *Worker) {
	if n.apart {
		waitNodes.Put(w.freeSlots(), slots.Around(n))
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
	n := h.node()
	list, st := h.env.scope().place(uintptr(unsafe.Pointer(h)))
	st.mu.Lock()
	list.remove(&n.listed)
	st.mu.Unlock()
	h.layout &^= flagListed
	h.worker = 0
	n.free(w)
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
	switch first := element(*list); first.kind() {
	case scopeElement:
		inner := first.childScope()
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
	default:
		n := first.waitNode()
		if n.selects {
			s.cancelSelect(rt, list, st, n, woken)
			break
		}
		on := link[lock](n.on)
		l := on.get()
		if !l.mu.TryLock() {
			st.mu.Unlock()
			awaitHolder(&l.mu)
			break
		}
		h := n.task.get()
		list.remove(&n.listed)
		st.mu.Unlock()
		l.of.cancel(h, woken) // releases the lock
	}
	return true
}

// cancelSelect is cancelFirst for a task in a Select. It releases the lock of st.
func (s *scope) cancelSelect(rt *execRuntime, list *scopeList, st *scopeStripe, n *waitNode, woken *wakeList) {
	list.remove(&n.listed)
	if woken.w == nil {
		woken.w, woken.from = currentWorker(), OriginConcurrent
	}
	outside := !woken.w.serves(rt)
	if outside && rt.gate.Enter() != nil {
		st.mu.Unlock() // the closer finds it in the queues
		return
	}
	on := link[selection](n.on)
	record := on.get()
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
