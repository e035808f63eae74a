package coro

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"github.com/framearena/framearena/internal/interleave"
)

// How waiting tasks are found when their context ends. A frame has no room to say where its
// task waits, and nothing is spent on each task that waits. So a tree with a context that can
// end has a registry: the set of all waitables that its tasks may be waiting for. Trees
// without one share that of their executor, for the closer (see runtime.go). The canceller
// looks through the queues of the waitables in the set.
//
// A task that is about to wait, in park, holds the waitable's lock and
//
//	W1  enters the waitable in the set, unless its lock notes that it is there,
//	W2  loads cancelled, and does not wait if it is set,
//	W3  queues itself, and releases the lock.
//
// The canceller holds walk and
//
//	C1  sets cancelled,
//	C2  copies the set, under mu,
//	C3  for each waitable in the copy: locks it, and takes out the tasks in question.
//
// No task is missed. If W2 finds cancelled not set, then C1 comes after W2, so C2 comes after
// W1, and the copy has the waitable. park holds the waitable's lock from before W1 on, so C3
// gets it after W3: the canceller finds the task in the queue, unless a waker has taken it
// out. For a sleeping task, the same holds with mu in place of the waitable's lock
// and the list of sleepers in place of set and queue (see sleep.go).
//
// No task is woken twice, and a task that was given something is not told that its context has
// ended: see wake.go.
//
// A waitable is entered before a task waits there and stays when the task has continued, so
// that a waitable in steady use is not entered again and again: its lock remembers registry and
// generation. When the set has doubled, add takes out the waitables where no task waits.
//
// A registry is armed at the first wait of the tree that is not satisfied at once: arm
// registers with the context, and links the registry in the executor's list. Before that no
// task of the tree waits, so there is none to find. To arm at the launch would make every
// launch pay.
//
// A registry lies in a call or a scope, and is reused by later trees. generation tells these
// apart. It changes when a tree ends, with walk held. A canceller compares it with walk held,
// and holds walk while it looks for tasks. So a canceller that comes late, from a context, a
// deadline or a Handle, finds another generation and does nothing; and a tree does not end, nor
// does its registry become another tree's, while a canceller is looking.
//
// A scope is a part of a tree with a registry of its own. Its tasks are not in the tree's
// registry. When a scope's registry is armed, it is linked in inner of the registry around it
// (outer), which is armed before, and a canceller goes from a registry to the inner ones. A
// shielded scope has no outer.
//
// Locks are taken in this order: execRuntime.mu, walk, walk of the inner registries, the
// lock of a waitable (of a Cond, then of its Mutex; those of a Select by address),
// waitRegistry.mu, timers.mu. scope.ctxMu is taken with walk held, and no lock of this package
// is taken while it is held. The sweep in add goes against the order, from mu to the locks of
// waitables, but only tries, and leaves a waitable whose lock is taken.
//
// TestInterleavingsOfWaits tries the orders of all this; with a load of cancelled that sees
// nothing, TestInterleavingsOfWaitsBroken notices that a task is missed.

// waitRegistry is the registry of a tree, of a scope, or of an executor, for all trees without
// one of their own. Any goroutine may use it; each field says how it is guarded.
type waitRegistry struct {
	// ---- written when the tree or scope begins and when it ends

	runtime *execRuntime

	// env is the environment of the tree; nil for the executor's registry.
	env *Environment

	// ctx is the context whose end cancels the tree; nil if there is none.
	ctx context.Context

	// outer is the registry of the tree or scope that this one is a part of, if the end of
	// that is the end of this too. It outlives this one.
	outer *waitRegistry

	// deadline is when the tree is cancelled, by the runtime's clock; 0: never. timer sees
	// to it while the registry is armed; guarded by walk.
	deadline int64
	timer    *deadlineTimer

	// soonest is the earliest deadline of this registry and those around it, or 0. nextCtx is the
	// next registry around this one that has a context; nil if there is none. So ending need not
	// look at every registry around: scopes may be nested 100,000 deep.
	soonest int64
	nextCtx *waitRegistry

	// checked is a value that execRuntime.cancels had before none of the registries around this
	// one was found cancelled; 0: they were not looked at. Tasks of the tree load and store it.
	checked atomic.Uint64

	// shared says that others than the context may call cancel.
	shared bool

	// ---- the end

	// armed says that the end of the context, the deadline and the end of outer will call
	// cancel. A task of the tree sets it, in arm, with walk held, and close clears it. Tasks
	// of the tree load it before they wait. It is always set in the executor's registry.
	armed interleave.Bool

	// cancelled is set by the canceller, with walk held, and cleared by close. Tasks of the
	// tree load it, without walk; see the head of this file. arm sets it too, if the end has
	// come before; then no task of the tree waits yet. ending is why; it is written before
	// cancelled is set.
	cancelled interleave.Bool
	ending    ending

	// walk is held while tasks are looked for, and while the registry changes its tree.
	walk interleave.Mutex

	found []waitable // the copy of set; guarded by walk

	// generation counts trees. It is changed by close, with walk held. It is read by tasks
	// of the tree, which has not ended, or with walk held.
	generation uint64

	stop       func() bool   // of the context's AfterFunc
	prev, next *waitRegistry // in execRuntime.trees; guarded by execRuntime.mu

	// inner is the armed registries whose outer this is, linked by prevInner and
	// nextInner. All three are guarded by the walk of the outer one.
	inner, prevInner, nextInner *waitRegistry

	// ---- where tasks wait

	mu interleave.Mutex // guards what follows

	// sleepers is the sleeping tasks; empty in the executor's registry, whose are in the
	// timer wheel only.
	sleepers       link[sleeper]
	sleeperCursors cursors[sleeper]

	// set is the waitables where tasks of the tree may wait, each with the number of waitables
	// that were entered before it.
	set     map[waitable]uint64
	entered uint64
	sweepAt int // add sweeps when set has this size
}

// ending is why a tree or a scope is cancelled. err is what Err of its context returns then:
// context.Canceled, context.DeadlineExceeded, or the error of a context of the user's own type.
// cause is what Frame.Err and context.Cause return.
type ending struct{ err, cause error }

// canceledWith is the ending of a tree that was cancelled with the given cause.
func canceledWith(cause error) ending { return ending{context.Canceled, cause} }

const minSweep = 64

// open makes r the registry of the tree that is about to be launched with env, if env has a
// context that can end.
func (r *waitRegistry) open(env *Environment) {
	if env.ctx != nil && env.ctx.Done() != nil {
		r.runtime, r.env, r.ctx = env.runtime, env, env.ctx
		env.registry = r
	}
}

// share makes r the registry of the tree with env, whether its context can end or not, and
// allows others than the context to call cancel.
func (r *waitRegistry) share(env *Environment) {
	r.runtime, r.env, r.shared = env.runtime, env, true
	env.registry = r
}

// arm makes the end of the context, the deadline and the end of outer cancel the tasks that
// wait. A task of the tree calls it before it waits, if the registry is not armed. The caller
// holds no lock.
func (r *waitRegistry) arm() {
	outer := r.outer
	// The outer registry is armed first, so that its end cancels this one too.
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
		return // another task of the tree, on another worker, was faster
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
	case ctx.Err() != nil: // at once, not when the context has started a goroutine for it
		r.setCancelled(ending{ctx.Err(), context.Cause(ctx)})
	default:
		r.stop = context.AfterFunc(ctx, func() { r.cancel(generation, ending{ctx.Err(), context.Cause(ctx)}) })
	}
	if r.deadline != 0 {
		r.timer = newDeadlineTimer(r)
	}
	r.armed.Store(true)
}

// shorten makes when the registry's deadline, if that is earlier than the present one. No other
// goroutine uses the registry yet.
func (r *waitRegistry) shorten(when int64) {
	r.deadline = sooner(r.deadline, when)
	r.soonest = sooner(r.soonest, when)
}

// sooner returns the earlier one of two deadlines. 0 is none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// enclose makes outer the registry around r, which begins.
func (r *waitRegistry) enclose(outer *waitRegistry) {
	r.outer, r.soonest, r.nextCtx = outer, outer.soonest, outer
	if outer.ctx == nil {
		r.nextCtx = outer.nextCtx
	}
	cancels := r.runtime.cancels.Load() // before cancelled, as in endingAround
	if !outer.cancelled.Load() && (outer.outer == nil || outer.checked.Load() == cancels) {
		r.checked.Store(cancels)
	}
}

// endingAround returns why one of the registries around r was cancelled, or the zero value if none
// was. It looks at them only if a registry of the executor was cancelled since the last time: a
// canceller sets cancelled and then adds to cancels, which is loaded here before cancelled is.
func (r *waitRegistry) endingAround() ending {
	if r.outer == nil {
		return ending{}
	}
	cancels := r.runtime.cancels.Load()
	if r.checked.Load() == cancels {
		return ending{}
	}
	for o := r.outer; o != nil; o = o.outer {
		if o.cancelled.Load() {
			return o.ending
		}
	}
	r.checked.Store(cancels)
	return ending{}
}

// setCancelled records that r is cancelled because of end. The caller holds walk.
func (r *waitRegistry) setCancelled(end ending) {
	r.ending = end
	r.cancelled.Store(true)
	r.runtime.cancels.Add(1)
}

// addInner links inner, which is being armed, so that it is cancelled with r. If r has been
// cancelled, inner is too: no task of it waits yet. The caller holds walk of both.
func (r *waitRegistry) addInner(inner *waitRegistry) {
	inner.nextInner = r.inner
	if inner.nextInner != nil {
		inner.nextInner.prevInner = inner
	}
	r.inner = inner
	if r.cancelled.Load() && !inner.cancelled.Load() {
		inner.setCancelled(r.ending)
	}
}

// removeInner undoes addInner.
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

// close is called when the tree has ended, so that no task of it waits. It makes the registry
// ready for another tree.
func (r *waitRegistry) close() {
	armed := r.armed.Load()
	if !armed && !r.shared { // no other goroutine knows the registry: no lock is needed
		r.ctx, r.env, r.runtime, r.outer, r.nextCtx, r.soonest = nil, nil, nil, nil, nil, 0
		return
	}
	if armed {
		if r.stop != nil {
			r.stop() // a call of cancel that has begun finds another generation
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
	r.ending, r.shared, r.deadline, r.timer = ending{}, false, 0, nil
	r.stop, r.ctx, r.env, r.runtime, r.outer = nil, nil, nil, nil, nil
	r.nextCtx, r.soonest = nil, 0
	r.checked.Store(0)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.set) <= minSweep {
		clear(r.set) // the locks of the waitables note the old generation
	} else {
		r.set = nil // the next tree is not likely to need one as big
	}
	r.sweepAt = 0
}

// add enters p, whose lock the caller holds, and sweeps the set if it has doubled.
func (r *waitRegistry) add(p waitable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set == nil {
		r.set = make(map[waitable]uint64)
	}
	if len(r.set) >= max(r.sweepAt, minSweep) {
		// p is not in the set. Its own lock is held, and the others are only tried.
		for q := range r.set {
			if q.forget(r) {
				delete(r.set, q)
			}
		}
		r.sweepAt = 2 * len(r.set)
	}
	r.set[p] = r.entered
	r.entered++
}

// cancel wakes the waiting tasks of the tree of the given generation, and of the scopes in it,
// because of end. If that tree has ended, cancel does nothing. The caller holds no lock.
func (r *waitRegistry) cancel(generation uint64, end ending) {
	woken := wakeLists.Get().(*wakeList)
	r.walk.Lock()
	if r.generation == generation {
		r.cancelWalking(end, woken)
	}
	r.walk.Unlock()
	// The tree has not ended while one of its tasks is not posted. After post it may have
	// ended, so nothing of it is touched.
	post(woken)
	woken.recycle()
}

// cancelWalking is cancel for a caller that holds walk and has compared the generation. The
// caller posts woken after it has released walk.
func (r *waitRegistry) cancelWalking(end ending, woken *wakeList) {
	if r.cancelled.Load() {
		return
	}
	r.setCancelled(end)
	if s := r.env.scope; s != nil {
		s.cancelContext(end)
	}
	r.withdraw(match{env: r.env}, woken)
	// The list of inner registries does not change: that needs walk.
	for inner := r.inner; inner != nil; inner = inner.nextInner {
		inner.walk.Lock()
		inner.cancelWalking(end, woken)
		inner.walk.Unlock()
	}
}

// withdraw wakes the waiting tasks that m chooses: steps C2 and C3. The caller holds walk, and
// has set cancelled or the executor's closed.
func (r *waitRegistry) withdraw(m match, woken *wakeList) {
	r.mu.Lock()
	for p := range r.set { // a copy, since mu is taken after the locks of waitables
		r.found = append(r.found, p)
	}
	if r.runtime.random != nil { // in the order in which they were entered, which each run repeats
		slices.SortFunc(r.found, func(a, b waitable) int { return cmp.Compare(r.set[a], r.set[b]) })
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

// forgetWaitables makes the waitables in the executor's registry forget it: no task of the
// executor waits any more, and the waitables may live longer, some as long as the program. If one
// kept the registry, it would keep from the collector all that the registry leads to: the other
// waitables, what those are part of, and so, most likely, executor and arena.
func (r *waitRegistry) forgetWaitables() {
	r.walk.Lock()
	defer r.walk.Unlock()
	r.mu.Lock()
	set := r.set
	r.set = nil
	r.mu.Unlock()
	for p := range set {
		p.forget(r) // if its lock is taken or tasks of another executor wait, it will be entered elsewhere
	}
}
