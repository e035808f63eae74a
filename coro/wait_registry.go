package coro

import (
	"context"
	"sync"
	"sync/atomic"
)

// waiting is what all environments of an executor share so that its tasks can
// wait and be cancelled meanwhile.
type waiting struct {
	// gate is passed by who wakes a task, from before the task leaves the queue
	// where it waits until it has been posted.
	gate *gate

	// closed says that no task of the executor may begin to wait; err is why, and
	// written before. Whoever sets closed walks over all registries afterwards.
	closed atomic.Bool
	err    error
	once   sync.Once

	// registry is that of all trees without a context that can end.
	registry waitRegistry

	mu    sync.Mutex
	trees *waitRegistry // the armed ones of other trees, linked; guarded by mu

	leftMu sync.Mutex
	left   Queue // tasks that nobody may run, for who closes; guarded by leftMu
}

// waitRegistry has all waitables that tasks of a tree, or of all trees without a
// context, may be waiting for, so that those tasks can be cancelled. There is no
// memory in a frame to find it by, and none is spent on each task that waits: a
// task that has to go is looked for in the queues.
//
// A waitable is entered before a task waits there and stays when the task has
// gone on, so that those in steady use are not entered again and again. When the
// registry has doubled, those where no task waits are taken out.
//
// Cancelling is: set a flag, copy the set, and, for every waitable in the copy,
// lock it and take out the tasks in question. Waiting is, with the waitable
// locked: enter it, look at the flag, and queue the task if it is not set. No task
// is missed: if the flag is not set when the task looks, it is set later, so the
// copy is made later, and contains the waitable; and it is locked by the canceller
// after that, so the canceller finds the task, unless somebody has woken it.
// Nothing is run twice either: a task is in one queue, and taken out of it by
// whoever holds the lock, canceller or waker. That alone decides which it was, and
// the flags in its frame say so to Worker.Run: a task that was given something, a
// lock or a value, is not told that its context has ended.
//
// Locks are taken in this order: waiting.mu, walk, lock.mu, registry.mu. Sweep
// goes against it, but only tries.
type waitRegistry struct {
	waiting *waiting

	// env is the environment of the tree; nil for the executor's registry.
	env *Environment

	// armed says that the end of the context will call cancel. It is always set in
	// the executor's registry.
	armed     atomic.Bool
	cancelled atomic.Bool

	// walk is held while tasks are looked for, so that the tree does not end and
	// its environment become another tree's meanwhile.
	walk sync.Mutex

	// generation counts trees. It is changed when the tree has ended, with walk
	// held, and read by tasks of the tree, or with walk held.
	generation uint64

	stop       func() bool   // of the context's AfterFunc
	prev, next *waitRegistry // in waiting.trees

	mu      sync.Mutex // guards what follows
	set     map[waitable]struct{}
	sweepAt int // the size of set at which to sweep
}

const minSweep = 64

func newWaiting() *waiting {
	x := &waiting{gate: newGate()}
	x.registry.waiting = x
	x.registry.armed.Store(true)
	return x
}

// open makes r the registry of the tree that is about to be launched with env, if
// that has a context that can end.
func (r *waitRegistry) open(env *Environment) {
	if env.ctx != nil && env.ctx.Done() != nil {
		r.waiting, r.env = env.waiting, env
		env.registry = r
	}
}

// arm makes the end of the context cancel the tasks that wait. It is called when
// the first task of a tree has to wait: for other trees it would cost a lot.
func (r *waitRegistry) arm() {
	x := r.waiting
	x.mu.Lock()
	defer x.mu.Unlock()
	r.walk.Lock()
	defer r.walk.Unlock()
	if r.armed.Load() {
		return
	}
	r.next = x.trees
	if r.next != nil {
		r.next.prev = r
	}
	x.trees = r
	generation := r.generation
	r.stop = context.AfterFunc(r.env.ctx, func() { r.cancel(generation) })
	r.armed.Store(true)
}

// close is told that the tree has ended: no task of it waits.
func (r *waitRegistry) close() {
	if !r.armed.Load() {
		return
	}
	r.stop()
	x := r.waiting
	x.mu.Lock()
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		x.trees = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
	x.mu.Unlock()

	r.walk.Lock()
	defer r.walk.Unlock()
	r.generation++
	r.armed.Store(false)
	r.cancelled.Store(false)
	r.stop, r.env, r.waiting = nil, nil, nil
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.set) <= minSweep {
		clear(r.set)
	} else {
		r.set = nil // the next tree is not likely to need one as big
	}
	r.sweepAt = 0
}

// add enters p, whose lock is held.
func (r *waitRegistry) add(p waitable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set == nil {
		r.set = make(map[waitable]struct{})
	}
	if len(r.set) >= max(r.sweepAt, minSweep) {
		for q := range r.set {
			if q.forget(r) {
				delete(r.set, q)
			}
		}
		r.sweepAt = 2 * len(r.set)
	}
	r.set[p] = struct{}{}
}

// cancel wakes the waiting tasks of the tree of the given generation: its context
// has ended.
func (r *waitRegistry) cancel(generation uint64) {
	var woken wakes
	r.walk.Lock()
	if r.generation == generation {
		r.cancelled.Store(true)
		r.withdraw(match{env: r.env}, &woken)
	}
	r.walk.Unlock()
	// As long as one of them is not posted, the tree has not ended; after that,
	// nothing of it may be touched.
	post(&woken)
}

// withdraw wakes the waiting tasks that m chooses. The caller holds walk, and has
// set the flag.
func (r *waitRegistry) withdraw(m match, woken *wakes) {
	r.mu.Lock()
	all := make([]waitable, 0, len(r.set))
	for p := range r.set {
		all = append(all, p)
	}
	r.mu.Unlock()
	for _, p := range all {
		p.withdraw(m, woken)
	}
}

// leave gives a task that its executor does not take any more to who closes the
// executor. The caller has taken it from the queue where it waited, and either
// still holds that queue's lock or has passed the gate; or it is a Relay, and in a post
// that the closer waits for.
func (x *waiting) leave(h *header) {
	x.leftMu.Lock()
	defer x.leftMu.Unlock()
	x.left.Push(Task{h})
}

func (x *waiting) takeLeft() (Task, bool) {
	x.leftMu.Lock()
	defer x.leftMu.Unlock()
	return x.left.Pop()
}

// CancelWaiting cancels all tasks of the executor that wait for something, as
// [Worker.Cancel] does, and those that were woken and refused by Post. A task
// that would have to wait later is cancelled too. An executor calls it when it
// will run no more tasks, after [Environment.Close], and before it closes its arena; once it has begun to
// refuse tasks, what was refused is kept for this call. Calling it again does
// nothing. It must not be called from a step function.
func (e *Environment) CancelWaiting(err error) {
	e.waiting.once.Do(func() { e.waiting.cancelAll(e, err) })
}

func (x *waiting) cancelAll(e *Environment, err error) {
	x.err = err
	x.closed.Store(true)
	// With the gate closed, every task of this executor that is taken from its
	// queue is left to us, also those that withdraw takes.
	x.gate.close(err)
	var woken wakes // of other executors: what the tasks that go were in the way of
	m := match{waiting: x}
	x.mu.Lock()
	for r := x.trees; r != nil; r = r.next {
		r.walk.Lock()
		r.withdraw(m, &woken)
		r.walk.Unlock()
	}
	x.registry.walk.Lock()
	x.registry.withdraw(m, &woken)
	x.registry.walk.Unlock()
	x.mu.Unlock()
	post(&woken)

	t, ok := x.takeLeft()
	if !ok {
		return
	}
	w := NewWorker(e.arena)
	defer w.Close()
	for ; ok; t, ok = x.takeLeft() { // a root's handler may wake tasks
		w.Cancel(t, err)
	}
}
