package coro

// A Relay: who owns its turn, and what keeps it alive.
//
// A Relay's tasks are in its queue. The base sees one task only, the turn: a frame that is a
// field of the Relay, not from the arena, and never ends. Push and Pop change and report, under
// the queue's own lock, whether the queue is idle. This equation decides about the turn:
//
//	the queue is not idle  =  the turn has an owner
//
// The Push that finds the queue idle makes its caller the owner, and the caller posts the turn to
// the base. The base treats it as any task: it owns the turn until the one Run or Cancel that
// it makes for it. The worker that makes this call owns the turn until it yields it to the
// base, or until a Pop finds no task. That Pop makes the queue idle, and ends the worker's
// ownership: the next Push may give the turn to another goroutine at once, so the worker does
// not touch the turn afterwards. The lock of the queue orders that Pop before the next Push
// that finds the queue idle, and so orders one owner's accesses to the turn's header before the
// next owner's. No word of the turn is atomic.
//
// Two things follow. The tasks of a Relay never overlap, and each sees what the one before has
// written, because only the owner of the turn calls Pop and runs what it returns. And Pop is
// never called on an idle queue.
//
// If the base refuses the turn, the poster owns it still, and calls Pop until the queue is
// idle. Tasks that other goroutines have pushed meanwhile, with success, are left to the closer
// of the base.
//
// What keeps a Relay alive: its program may forget it while tasks are in it. Frames refer to its
// environment, and queues of the base may refer to its turn, but only by integers, which the
// collector does not follow. So
//
//	live = roots whose environment is r.env, launched and not ended
//	     + 1, if the turn was yielded and has not come back (turnKept)
//	live > 0  =  r is in keptRelays,  with keptRelays.mu held
//
// A tree that was launched with options has an environment of its own in a call, which is
// pinned or in the caller's Run, and refers to the Relay by a pointer. A turn that a Push
// has given out needs no place in live until it runs: the task that was pushed is in the queue
// until then, and its tree keeps the Relay. A turn that is yielded may have no task left.
//
// Only keep, taking live from 0 to 1, and unkeep, from 1 to 0, change the list, and both do so
// with keptRelays.mu held. All other changes are one compare-and-swap from n > 0 to n+1,
// or from n > 1 to n-1. A compare-and-swap that finds n > 0 cannot have an unkeep to 0
// between its load and its swap: the swap would fail. So it leaves a Relay in the list that was
// in the list.

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// Relay is an executor that is a layer on another executor, its base. Its tasks are in a queue
// of its own, and run one at a time on the workers of the base. Arena, context and life are
// those of the base. What the layer is for, such as an order of the tasks, is up to its queue.
// Any goroutine may post to it. It needs no goroutine, allocates nothing per task, and need not
// be closed.
//
// To the base, all tasks of the Relay together are one task, the turn. The turn is posted when
// the queue stops being idle. When the base runs it, some tasks are taken from the queue
// and run; then the turn yields or, if the queue is idle, is done. When the base cancels it,
// all tasks in the queue are cancelled. So the tasks never overlap, the base decides on which
// worker and when they run, and a Relay may have a Relay as its base.
type Relay struct {
	// turn is the task that the base runs. Its owner is described at the head of this file.
	// It is the first field, so its address is the Relay's.
	turn header

	// turnKept reports that the turn was yielded and has a place in live. The turn's owner
	// reads and writes it.
	turnKept bool

	base  Executor    // never changed, as the next two
	queue RelayQueue  // has its own lock
	env   Environment // of the tasks

	// live counts what refers to the Relay by integers; see the head of this file. Any
	// goroutine that launches or ends a root adds or subtracts 1. It leaves 0, and returns to
	// 0, with keptRelays.mu held.
	live       atomic.Int64
	prev, next *Relay // in keptRelays; guarded by keptRelays.mu
}

// RelayQueue holds the tasks of one [Relay], in an order of its own. It is idle or it is not.
// It begins idle, and is empty while it is idle. Its methods need a lock of their own: what
// happens before a Pop that returns false happens before the next Push that returns true.
type RelayQueue interface {
	// Push adds a task. Any goroutine may call it. It reports whether the queue was idle.
	// Afterwards the queue is not idle.
	Push(t Runnable) (wasIdle bool)

	// Pop removes the task that is to run next. If there is none, it returns false, and
	// the queue is idle. It is called on one goroutine at a time, and never on an idle
	// queue.
	Pop() (t Runnable, ok bool)
}

// NewRelay returns a Relay on base. handler is called with the errors of root tasks that no
// caller waits for, as with [NewEnvironment]; nil means the handler of the base.
func NewRelay(base Executor, q RelayQueue, handler func(error)) *Relay {
	if q == nil {
		panic("coro: NewRelay without a RelayQueue: give it one, which decides on the order of the tasks")
	}
	env := environmentOf(base, "NewRelay")
	r := &Relay{base: base, queue: q, env: *env}
	r.env.executor, r.env.relay = r, r
	if handler != nil {
		r.env.handler = handler
	}
	r.turn.kind.set(turnKind)
	r.turn.env.set(env)
	r.turn.layout = flagRoot
	return r
}

// Environment returns the environment of tasks launched on r. [Environment.Close] and
// [Environment.CancelWaiting] act on the base as a whole: only the closer of the base calls
// them.
func (r *Relay) Environment() *Environment { return &r.env }

// Post queues the task. Any goroutine may call it. The error is that of the base's Post, and
// then the task is not queued.
func (r *Relay) Post(t Runnable) error {
	if !r.queue.Push(t) {
		return nil
	}
	err := r.base.Post(Runnable{&r.turn})
	if err != nil {
		r.emptyRefused(t)
	}
	return err
}

// pushLocal is Post on a worker of the executor at the base of all layers, if that executor
// has a queue for each worker.
func (r *Relay) pushLocal(w *Worker, t Runnable, from Origin) {
	if r.queue.Push(t) {
		w.pushLocal(Runnable{&r.turn}, r.turn.env.get(), from)
	}
}

// turnLength is the number of tasks of a Relay that run before the base's other tasks run.
// A Relay on a Relay shares it with its base.
const turnLength = 32

// turnKind is the kind of turns. It is defined by hand: a turn is not a task of the user.
var turnKind = &kind{
	name: "relay",
	step: func(h *header) Step { return Step{next: h, op: opTurn} },
}

// relayOf returns the Relay whose turn h is.
func relayOf(h *header) *Relay { return (*Relay)(unsafe.Pointer(h)) }

// takeTurn runs tasks of the Relay whose turn h is. The step of the turn has returned: the tasks
// run on its worker, and outside of any step.
func (w *Worker) takeTurn(h *header) {
	w.current = 0
	r := relayOf(h)
	r.turnBack()
	idle := false
	popper := w.popper
	w.popper = nil // a Run within the turn takes no further task from the base's queue
	defer func() { // also if a handler panics, or a task ends the goroutine
		w.popper = popper
		if !idle {
			r.yieldTurn(w)
		}
	}()
	if r.turn.env.get().relay == nil {
		w.turnLeft = turnLength
	}
	for { // at least once: turnLeft may be 0 already if the base is a Relay
		t, ok := r.queue.Pop()
		if !ok {
			idle = true // the worker does not own the turn any more
			return
		}
		w.turnLeft--
		w.Run(t)
		if w.turnLeft <= 0 {
			return
		}
	}
}

// yieldTurn gives the turn, which w's goroutine owns, to the base to run later. The queue may
// be empty, so nothing but live would keep r until then.
func (r *Relay) yieldTurn(w *Worker) {
	r.turnKept = true
	r.keep()
	w.yield(&r.turn)
}

// turnBack takes the place in live away from the turn, which has come back from the base. The
// new owner of the turn calls it, and refers to r by a pointer.
func (r *Relay) turnBack() {
	if r.turnKept {
		r.turnKept = false
		r.unkeep()
	}
}

// emptyRefused makes the queue idle after the base has refused the turn, which the caller owns.
// t is the task whose Push gave it the turn: it belongs to the caller again. Other tasks, whose
// Post has succeeded meanwhile, are left to the closer of the base. The closer waits for the
// caller: it launches or wakes a task and has passed a gate, or is on a worker.
func (r *Relay) emptyRefused(t Runnable) {
	for {
		other, ok := r.queue.Pop()
		if !ok {
			return
		}
		if other != t {
			r.env.runtime.leaveToCloser(other.h)
		}
	}
}

// cancel cancels all tasks in the queue, because the base cancels the turn. The caller owns
// the turn.
func (r *Relay) cancel(w *Worker, err error) {
	r.turnBack()
	idle := false
	defer func() {
		if !idle { // a handler panics, or ends the goroutine
			r.emptyRefused(Runnable{})
		}
	}()
	for {
		t, ok := r.queue.Pop()
		if !ok {
			idle = true
			return
		}
		w.Cancel(t, err)
	}
}

// rootBegan is called when a root is launched whose environment is r.env.
func (r *Relay) rootBegan() { r.keep() }

// rootEnded is called when such a root has ended, or was refused.
func (r *Relay) rootEnded() { r.unkeep() }

// keep adds 1 to live. The caller refers to r by a pointer.
func (r *Relay) keep() {
	for n := r.live.Load(); n > 0; n = r.live.Load() {
		if r.live.CompareAndSwap(n, n+1) {
			return
		}
	}
	keptRelays.mu.Lock()
	defer keptRelays.mu.Unlock()
	if r.live.Add(1) == 1 {
		keptRelays.add(r)
	}
}

// unkeep subtracts 1 from live. Afterwards nothing may keep r but the caller's pointer.
func (r *Relay) unkeep() {
	for n := r.live.Load(); n > 1; n = r.live.Load() {
		if r.live.CompareAndSwap(n, n-1) {
			return
		}
	}
	keptRelays.mu.Lock()
	defer keptRelays.mu.Unlock()
	if r.live.Add(-1) == 0 {
		keptRelays.remove(r)
	}
}

// keptRelays holds the Relays whose live is not 0: integers refer to them. Any goroutine uses
// it.
var keptRelays relays

type relays struct {
	mu   sync.Mutex
	list *Relay // guarded by mu
}

func (l *relays) add(r *Relay) {
	r.next = l.list
	if r.next != nil {
		r.next.prev = r
	}
	l.list = r
}

func (l *relays) remove(r *Relay) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.list = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}

var _ Executor = (*Relay)(nil)
