package coro

import (
	"context"

	"github.com/framearena/framearena/internal/interleave"
)

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
// A scope is a part of a tree with a registry of its own. Its tasks are not found in
// that of the tree, but whoever cancels a registry cancels those inside it.
//
// Locks are taken in this order: execRuntime.mu, walk, walk of what is inside, lock.mu,
// registry.mu. Sweep goes against it, but only tries.
type waitRegistry struct {
	runtime *execRuntime

	// env is the environment of the tree; nil for the executor's registry.
	env *Environment

	// ctx is the context whose end cancels the tree; nil if there is none.
	ctx context.Context

	// outer is the registry of the tree or scope that this one is a part of, if the
	// end of that is the end of this too. It outlives this one.
	outer *waitRegistry

	// deadline is when the tree is cancelled, by waiting's clock; 0: never. timer sees to
	// it, if the registry is armed.
	deadline int64
	timer    *deadlineTimer

	// shared says that others than the context may call cancel.
	shared bool

	// armed says that the end of the context, the deadline and the end of outer will
	// call cancel. It is set by a task of the tree, once, and always in the executor's
	// registry.
	armed interleave.Bool

	// cancelled is set with walk held, by whoever cancels, and read by tasks of the
	// tree. cause is why; it is written before.
	cancelled interleave.Bool
	cause     error

	// walk is held while tasks are looked for, so that the tree does not end and
	// its environment become another tree's meanwhile.
	walk interleave.Mutex

	found []waitable // the copy of set, for who holds walk

	// generation counts trees. It is changed when the tree has ended, with walk
	// held, and read by tasks of the tree, or with walk held.
	generation uint64

	stop       func() bool   // of the context's AfterFunc
	prev, next *waitRegistry // in waiting.trees

	// inner is the armed registries whose outer this is, linked by prevInner and
	// nextInner; guarded by walk, that is, outer's for the links.
	inner, prevInner, nextInner *waitRegistry

	mu interleave.Mutex // guards what follows

	// sleepers is the sleeping tasks, but not in the executor's registry.
	sleepers       link[sleeper]
	sleeperCursors cursors[sleeper]

	set     map[waitable]struct{}
	sweepAt int // the size of set at which to sweep
}

const minSweep = 64

// open makes r the registry of the tree that is about to be launched with env, if
// that has a context that can end.
func (r *waitRegistry) open(env *Environment) {
	if env.ctx != nil && env.ctx.Done() != nil {
		r.runtime, r.env, r.ctx = env.runtime, env, env.ctx
		env.registry = r
	}
}

// share makes r the registry of the tree with env, whether its context can end or not,
// and lets others than the context call cancel.
func (r *waitRegistry) share(env *Environment) {
	r.runtime, r.env, r.shared = env.runtime, env, true
	env.registry = r
}

// arm makes what ends the tree cancel the tasks that wait. It is called when
// the first task of a tree has to wait: for other trees it would cost a lot.
func (r *waitRegistry) arm() {
	outer := r.outer
	if outer != nil && !outer.armed.Load() {
		outer.arm()
	}
	x := r.runtime
	x.mu.Lock()
	defer x.mu.Unlock()
	if outer != nil {
		outer.walk.Lock()
		defer outer.walk.Unlock()
	}
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
	if outer != nil {
		outer.addInner(r)
	}
	switch ctx, generation := r.ctx, r.generation; {
	case ctx == nil:
	case ctx.Err() != nil: // now, and not when a goroutine of the context comes to it
		r.cause = context.Cause(ctx)
		r.cancelled.Store(true)
	default:
		r.stop = context.AfterFunc(ctx, func() { r.cancel(generation, context.Cause(ctx)) })
	}
	if r.deadline != 0 {
		r.timer = newDeadlineTimer(r)
	}
	r.armed.Store(true)
}

// enclose links inner, which is being armed, so that it is cancelled with r. The caller
// holds walk of both.
func (r *waitRegistry) addInner(inner *waitRegistry) {
	inner.nextInner = r.inner
	if inner.nextInner != nil {
		inner.nextInner.prevInner = inner
	}
	r.inner = inner
	if r.cancelled.Load() && !inner.cancelled.Load() {
		inner.cause = r.cause
		inner.cancelled.Store(true)
	}
}

// release undoes enclose.
func (r *waitRegistry) removeInner(inner *waitRegistry) {
	r.walk.Lock()
	defer r.walk.Unlock()
	if inner.prevInner != nil {
		inner.prevInner.nextInner = inner.nextInner
	} else {
		r.inner = inner.nextInner
	}
	if inner.nextInner != nil {
		inner.nextInner.prevInner = inner.prevInner
	}
	inner.prevInner, inner.nextInner = nil, nil
}

// close is told that the tree has ended: no task of it waits.
func (r *waitRegistry) close() {
	armed := r.armed.Load()
	if !armed && !r.shared {
		r.ctx, r.env, r.runtime, r.outer = nil, nil, nil, nil
		return
	}
	if armed {
		if r.stop != nil {
			r.stop()
		}
		x := r.runtime
		x.mu.Lock()
		x.cursors.moved(r, r.next)
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
		if r.outer != nil {
			r.outer.removeInner(r)
		}
	}
	r.walk.Lock()
	defer r.walk.Unlock()
	if r.timer != nil {
		r.timer.unset(r.runtime.timers)
	}
	r.generation++
	r.armed.Store(false)
	r.cancelled.Store(false)
	r.cause, r.shared, r.deadline, r.timer = nil, false, 0, nil
	r.stop, r.ctx, r.env, r.runtime, r.outer = nil, nil, nil, nil, nil
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

// cancel wakes the waiting tasks of the tree of the given generation, and of the
// scopes in it, which has to end because of cause.
func (r *waitRegistry) cancel(generation uint64, cause error) {
	woken := wakeLists.Get().(*wakeList)
	r.walk.Lock()
	if r.generation == generation {
		r.cancelWalking(cause, woken)
	}
	r.walk.Unlock()
	// As long as one of them is not posted, the tree has not ended; after that,
	// nothing of it may be touched.
	post(woken)
	woken.recycle()
}

// cancelWalking is cancel for who holds walk.
func (r *waitRegistry) cancelWalking(cause error, woken *wakeList) {
	if r.cancelled.Load() {
		return
	}
	r.cause = cause
	r.cancelled.Store(true)
	if s := r.env.scope; s != nil {
		s.cancelContext(cause)
	}
	r.withdraw(match{env: r.env}, woken)
	for inner := r.inner; inner != nil; inner = inner.nextInner {
		inner.walk.Lock()
		inner.cancelWalking(cause, woken)
		inner.walk.Unlock()
	}
}

// withdraw wakes the waiting tasks that m chooses. The caller holds walk, and has
// set the flag.
func (r *waitRegistry) withdraw(m match, woken *wakeList) {
	r.mu.Lock()
	for p := range r.set {
		r.found = append(r.found, p)
	}
	r.mu.Unlock()
	for _, p := range r.found {
		p.withdraw(m, woken)
	}
	r.wakeSleepers(woken)
	clear(r.found)
	if r.found = r.found[:0]; cap(r.found) > minSweep {
		r.found = nil
	}
}

// disband makes the waitables in the executor's registry forget it: no task of the executor
// waits any more, and they may live on. The slot of an After does so as long as the program,
// and would keep from the collector all that the registry leads to: whatever else tasks have
// waited for, what that is a part of, and so, most likely, executor and arena.
func (r *waitRegistry) forgetWaitables() {
	r.walk.Lock()
	defer r.walk.Unlock()
	r.mu.Lock()
	set := r.set
	r.set = nil
	r.mu.Unlock()
	for p := range set {
		p.forget(r) // or whoever has its lock, or waits there, makes it remember another one
	}
}
