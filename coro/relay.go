package coro

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// Relay is an executor that is a layer on another one, its base: its tasks are in a
// queue of its own, and run one at a time on the workers of the base. Arena, context
// and life are those of the base; what the layer is for, such as an order, is up to
// its queue. Any goroutine may post. It needs no goroutine, nothing is allocated per
// task, and it need not be closed.
//
// To the base, all tasks of the Relay together are one task, the turn, which is posted
// when the queue is no longer idle. To run the turn is to take a number of tasks from
// the queue and to run them, and then to yield the turn or, if the queue is idle, to
// be done with it. To cancel it is to cancel what is in the queue. So the tasks never
// overlap since a task does not, it is the base that says on which worker and when,
// and there may be a Relay on a Relay.
type Relay struct {
	// turn is a frame that is not from the arena and does not end. It is the base's
	// from when Push says that the queue was idle until Pop says that it is again;
	// the queue's own lock orders the one who was done with it before the next. It is
	// first, so that it leads to the Relay.
	turn header

	base  Executor
	queue RelayQueue
	env   Environment // of the tasks

	// live is how many roots have env: only they refer to it, and a collector does
	// not see that. While it is not 0, the Relay is in keptRelays. It leaves 0, and
	// comes back to it, with keptRelays locked; all other changes need no lock, and
	// whoever sees 1 or more while it has a root itself knows that it is in.
	live       atomic.Int64
	prev, next *Relay // in keptRelays
}

// RelayQueue has the tasks of one [Relay], in the order that it likes. It is idle or it
// is not; it begins idle, and then it is empty.
type RelayQueue interface {
	// Push adds a task, from any goroutine. It reports whether the queue was idle,
	// which it is not any more.
	Push(t Runnable) (wasIdle bool)

	// Pop removes the task that is to run next. If there is none, it returns false
	// and the queue is idle. It is called on one goroutine at a time, and never on an
	// idle queue.
	Pop() (t Runnable, ok bool)
}

// NewRelay returns a Relay on base. handler is for the errors of root tasks that nobody
// waits for, as with [NewEnvironment]; nil means that of the base.
func NewRelay(base Executor, q RelayQueue, handler func(error)) *Relay {
	env := base.Environment()
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

// Environment returns the environment of tasks launched on r. To close it or to cancel
// what waits in it is to do so with that of the base, and is for who closes the base.
func (r *Relay) Environment() *Environment { return &r.env }

// Post queues the task. The error is the base's.
func (r *Relay) Post(t Runnable) error {
	if !r.queue.Push(t) {
		return nil
	}
	err := r.base.Post(Runnable{&r.turn})
	if err != nil {
		r.refused(t)
	}
	return err
}

// refused empties the queue when the base has refused the turn, which t was to begin. t
// is the caller's again. Others may have posted meanwhile, and been told that it went
// well: those tasks are left to who closes the base. He waits for our caller, who
// launches a task or wakes one and has passed a gate, or is on a worker.
func (r *Relay) refused(t Runnable) {
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

// pushLocal is Post on a worker of the executor at the base of all layers, if that has
// a queue for each worker.
func (r *Relay) pushLocal(w *Worker, t Runnable, from Origin) {
	if r.queue.Push(t) {
		w.pushLocal(Runnable{&r.turn}, r.turn.env.get(), from)
	}
}

// turnLength is how many tasks of a Relay run before others of the base have their turn.
// Relays on a Relay share it.
const turnLength = 32

// turnKind is the kind of turns. It is defined by hand: a turn is no user's task.
var turnKind = &kind{
	name: "relay",
	step: func(h *header) Step { return Step{next: h, op: opTurn} },
}

// relayOf returns the Relay whose turn h is.
func relayOf(h *header) *Relay { return (*Relay)(unsafe.Pointer(h)) }

// takeTurn runs tasks of the Relay whose turn h is. They are run by the worker that runs
// the turn, but not inside of its step, which has returned.
func (w *Worker) takeTurn(h *header) {
	w.current = 0
	r := relayOf(h)
	idle := false
	popper := w.popper
	w.popper = nil // a Run in the turn goes on with nothing of the base's
	defer func() { // also if a handler panics, or if a task ends the goroutine
		w.popper = popper
		if !idle {
			w.yield(h)
		}
	}()
	if r.turn.env.get().relay == nil {
		w.turnLeft = turnLength
	}
	for { // at least once, since the turn of a Relay on r may come when nothing is left
		t, ok := r.queue.Pop()
		if !ok {
			idle = true // and the turn is not ours any more
			return
		}
		w.turnLeft--
		w.Run(t)
		if w.turnLeft <= 0 {
			return
		}
	}
}

// cancel cancels all tasks in the queue: the base will not run the turn.
func (r *Relay) cancel(w *Worker, err error) {
	idle := false
	defer func() {
		if !idle { // a handler panics, or ends the goroutine
			r.refused(Runnable{})
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

// began is told that there is one more root whose environment is r's own.
func (r *Relay) rootBegan() {
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

// ended is told that there is one less. Nobody else may keep r, but the caller does.
func (r *Relay) rootEnded() {
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

// keptRelays holds the Relays that frames refer to.
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
