package executor

import (
	"runtime"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// A task that is ready is in exactly one of seven places. Other goroutines can reach all of
// them, so no task is out of reach while the owner of a worker is stuck in a step.
//
//   - worker.runNext is the task that a step woke last. The owner puts it in. Any goroutine
//     takes it out, by a compare-and-swap.
//   - worker.spawned is a deque of tasks that steps have launched. The owner puts them in, and
//     takes the newest. Any goroutine takes the oldest.
//   - worker.runQueue is a deque of all other tasks of a worker: those that have yielded, its
//     share of the injected ones, those that were in runNext before the last one, and those
//     that a step has woken or launched for any worker to run at once. The owner puts them
//     in. Any goroutine takes the oldest.
//   - Pool.injected has the tasks that are posted from outside, and those that a runQueue has
//     no room for.
//   - Pool.overflow has the tasks that a spawned has no room for.
//   - Pool.yielded has the tasks that have yielded and that, in the same run, had spawned others.
//   - High.tasks has the urgent tasks, wherever they come from.
//
// The last four are injection queues: any goroutine puts tasks in and takes tasks out, with
// the lock of the queue. While a task moves from one place to another (spill, steal,
// takeShare, handOff) it is in a local variable of one goroutine, which runs no step then and
// waits for nothing but a lock.
//
// # runNext
//
// The owner stores a task in runNext only after it has loaded 0, and no other goroutine
// changes 0. Otherwise the owner swaps. The task belongs to the goroutine that changes it to
// 0 by a compare-and-swap, or to the owner if it gets the task from its swap. If the same task has left
// runNext and come back between a load and the compare-and-swap, it is there, so taking it
// is right.
//
// A task in runNext wakes no other worker. As a rule the step that woke it is about to end or
// to wait, and the owner takes the task some nanoseconds later, with the data that the step
// has written still in the cache. Others may take it once the monitor has found the worker
// overdue, which is in the same task for a period of 1 ms. So two tasks that wake each other
// in turn stay on one worker, and a task that a long step has woken waits for two periods at
// most, if a worker is idle.
//
// # Order
//
// fairness.go says which task runs next, and why each has its turn. A worker takes from injected
// now and then, whatever else it has to do. This is why overflow is a queue of its own: the spawned
// tasks in it are the oldest part of a big tree, and running them before newer ones would make the
// tree broader, and more of it would overflow.
//
// # Stealing
//
// hasStealable is a guess from loads without a barrier. It overlooks a task that was put in a
// moment ago, and the only task of a worker that is between two tasks, since the owner is
// about to take that. idle_workers.go says why no task waits for long all the same.

// worker runs tasks of a pool. It belongs to one goroutine at a time, its owner, also while a
// step of that goroutine is stuck. Other goroutines take tasks out of its queues at any time.
type worker struct {
	// ---- the owner's alone, after newWorker

	pool          *Pool
	coro          *coro.Worker
	lifoRuns      int     // tasks run from runNext and spawned in this slice; see fairness.go
	wokenRuns     int     // tasks put into runNext in this slice
	untilInjected int     // tasks to run from runQueue before injected ones are taken again
	urgentRuns    int     // urgent tasks run since others had their turn
	seed          uint32  // see random
	yieldTick     uintptr // the tick when the owner last let other goroutines run
	id            uint64  // counts up in the pool

	_ [cacheLine]byte

	// ---- written by the owner, read by others

	// tick counts up when a task begins to run and when it has run: it is odd in between.
	// The owner stores it. The monitor loads it: the same odd tick twice means the same
	// task, unless the tick has wrapped, which takes 2^31 tasks within a period at least.
	// Thieves load it as a hint.
	tick word

	// runNext is a task or 0. The owner stores or swaps a task in. Any goroutine takes it
	// out by a compare-and-swap to 0, which has one winner.
	runNext word

	// steals, stolen and parks are counts. The owner stores them, Pool.Stats loads them, and
	// nothing else depends on them.
	steals, stolen, parks word

	_ [cacheLine]byte

	// ---- written by others, seldom

	// overdue allows others to take runNext. The monitor sets it when the worker has been
	// running one task for a period, and clears it later. Thieves load it. An old value
	// costs a period, no task.
	overdue interleave.Bool

	// blocked marks a worker that has been in one step for longer than the limit. It is
	// written with workerSet.mu held: the monitor sets it, or takes it back at once, and the
	// owner clears it. The owner loads it without the lock, before each task and before
	// it becomes idle: blocked.go says why that is enough.
	blocked interleave.Bool

	// shouldYield asks the owner to let other goroutines run between two tasks. The monitor
	// sets it. The owner loads and clears it. A request that is lost is made again a
	// period later.
	shouldYield interleave.Bool

	seen observation // guarded by monitor.mu

	// wake gets one value from the goroutine that takes the worker off the stack of idle
	// workers. The owner receives it in park.
	wake chan struct{}

	_ [cacheLine]byte

	// The owner takes the newest of spawned first, so that it walks a tree of tasks depth
	// first and few of them exist at a time. Others take the oldest, which are the roots of
	// the biggest parts of the tree. runQueue is first in, first out for all.
	spawned, runQueue deque

	turns turns // the owner's alone, used once in a slice or seldom
}

var _ coro.LocalPopper = (*worker)(nil)

const (
	// goschedTicks is how many ticks, two for each task, a worker runs before it lets other
	// goroutines run. Without that, Go's scheduler would stop the goroutine every 10 ms,
	// most likely inside of a step. With more workers than processors the monitor would call
	// such a worker blocked.
	goschedTicks = 2 * 16384
)

func newWorker(p *Pool, id uint64) *worker {
	w := &worker{pool: p, coro: coro.NewWorker(p.options.arena), id: id, seed: uint32(id)*2654435761 + 1, wake: make(chan struct{}, 1)}
	w.coro.SetLocalQueue(p.env, w)
	return w
}

// work is the loop of the worker's owner. It returns when the pool is closed or the worker
// exits. If a step function or a handler calls runtime.Goexit, which ends the goroutine,
// another goroutine becomes the owner.
func (w *worker) work() {
	ends := false
	w.coro.Attach()
	defer func() {
		w.coro.Detach()
		if !ends {
			go w.start()
			return
		}
		w.coro.Close()
		w.pool.running.Done()
	}()
	w.begin()
	p := w.pool
	for {
		if w.blocked.Load() && p.unblock(w) {
			break
		}
		if p.closed.Load() {
			break
		}
		t := w.pick()
		if t == 0 {
			if t = w.search(); t == 0 {
				continue
			}
		} else {
			w.notifyIfMore()
		}
		w.tick.store(w.tick.v + 1)
		w.coro.Run(coro.RunnableOf(t))
		w.tick.store(w.tick.v + 1)
		if w.tick.v-w.yieldTick >= goschedTicks || w.shouldYield.Load() {
			w.yieldTick = w.tick.v
			w.turns.oldestDue = true
			w.shouldYield.Store(false)
			runtime.Gosched()
		}
	}
	ends = true
}

// begin makes the calling goroutine the owner of w.
func (w *worker) begin() {
	w.coro.SetOwner()
	w.label()
	if w.tick.v&1 != 0 { // a task has ended the goroutine of the last owner
		w.tick.store(w.tick.v + 1)
	}
}

// pick takes the task that runs next, from the worker's own queues or the injection queues,
// except for Pool.yielded, in which it looks only when the tasks there may have their turn. It
// returns 0 if there is none. Only the owner calls it. fairness.go says which comes first.
func (w *worker) pick() uintptr {
	if w.pool.high.tasks.len() > 0 {
		if t := w.pickUrgent(); t != 0 {
			return t
		}
	}
	if w.lifoRuns >= maxLIFORuns && !w.othersWait() {
		w.lifoRuns, w.wokenRuns = 0, 0
	}
	if w.lifoRuns < maxLIFORuns {
		if t := w.takeRunNext(); t != 0 {
			w.lifoRuns++
			return t
		}
		if t := w.takeSpawned(); t != 0 {
			w.lifoRuns++
			return t
		}
	} else if t := w.pickInTurn(); t != 0 {
		return t
	}
	w.lifoRuns, w.wokenRuns = 0, 0
	if t := w.takeQueued(); t != 0 {
		return t
	}
	if t := w.takeSpawned(); t != 0 {
		return t
	}
	w.urgentRuns, w.turns.other = 0, 0
	return w.takeRunNext()
}

// takeQueued takes a task of Pool.yielded whose turn it is or, if there is none, the oldest of
// runQueue, after the worker's share of injected has been moved there if it is time for that. It
// returns 0 if there is none. Only the owner calls it.
func (w *worker) takeQueued() uintptr {
	p := w.pool
	w.beginQueued(w.tick.v + 1)
	if p.yielded.len() > 0 && w.turns.yieldedDue(w.tick.v) {
		if t := w.takeYielded(); t != 0 {
			return t
		}
	}
	// Injected tasks come in behind those that are in runQueue now, and the next ones after
	// all of these have run. So injected tasks have their turn even if runQueue is never
	// empty.
	if p.injected.len() > 0 {
		if w.untilInjected = min(w.untilInjected, w.runQueue.len()); w.untilInjected <= 0 {
			w.takeInjected()
		}
	}
	w.untilInjected--
	return w.runQueue.take()
}

// takeInjected moves the worker's share of injected to the end of runQueue. All that was there
// when the last share came in has run. If both together would take more than half of runQueue, all
// that is in there moves to the end of injected before: so nothing that is in injected waits for
// what has come later. Only the owner calls it.
func (w *worker) takeInjected() {
	q, workers := &w.pool.injected, len(w.pool.workers.list())
	if w.runQueue.len()+q.share(workers) > spillSize {
		w.runQueue.spill(q, dequeSize)
	}
	q.takeShare(&w.runQueue, workers)
	w.untilInjected = w.runQueue.len()
}

// takeSpawned takes the newest task of spawned or, if that is empty, the newest of a share of
// overflow. It returns 0 if there is none. Only the owner calls it.
func (w *worker) takeSpawned() uintptr {
	if t := w.spawned.pop(); t != 0 {
		return t
	}
	q := &w.pool.overflow
	if q.len() == 0 {
		return 0
	}
	q.takeNewest(&w.spawned, len(w.pool.workers.list()))
	return w.spawned.pop()
}

// PopLocal is part of [coro.LocalPopper]: Worker.Run calls it for the next task when one has
// ended or waits. It takes a task from w's own queues. It returns false if there is none, or if
// a task from elsewhere may have its turn: then Run returns, and pick decides. It counts tick
// as work does, so the monitor sees a new task.
func (w *worker) PopLocal() (coro.Runnable, bool) {
	if p := w.pool; w.lifoRuns >= maxLIFORuns || p.high.tasks.len() > 0 || w.blocked.Load() || p.closed.Load() {
		return coro.Runnable{}, false
	}
	t := w.takeRunNext()
	if t == 0 {
		t = w.spawned.pop()
	}
	if t == 0 {
		// Injected tasks, or those of overflow, may have to come first.
		if p := w.pool; p.injected.len() > 0 || p.overflow.len() > 0 {
			return coro.Runnable{}, false
		}
		if t = w.runQueue.take(); t == 0 {
			return coro.Runnable{}, false
		}
		w.beginQueued(w.tick.v + 2)
		w.notifyIfMore()
	}
	w.lifoRuns++
	w.tick.store(w.tick.v + 2)
	return coro.RunnableOf(t), true
}

// takeRunNext takes the task in runNext. It returns 0 if there is none, or if another
// goroutine takes it. Any goroutine calls it.
func (w *worker) takeRunNext() uintptr {
	if t := w.runNext.load(); t != 0 && w.runNext.cas(t, 0) {
		return t
	}
	return 0
}

// notifyIfMore wakes an idle worker if there are more tasks than the one that the owner has
// just taken. Only the owner calls it. Taking the task was a barrier: see idle_workers.go.
func (w *worker) notifyIfMore() {
	if p := w.pool; p.idle.shouldNotify() && (w.runQueue.len() > 0 || w.spawned.len() > 0 || p.high.tasks.len() > 0) {
		p.idle.notify(p)
	}
}

// PushLocal is part of [coro.LocalQueue]: package coro calls it with a task that a step of w
// has made ready. Only the owner calls it.
func (w *worker) PushLocal(t coro.Runnable, from coro.Origin) {
	word := t.Word()
	if from&coro.OriginMarked != 0 {
		w.pool.high.pushLocal(word)
		return
	}
	switch from {
	case coro.OriginWoken:
		if w.lifoRuns >= maxLIFORuns {
			w.pushRunQueue(word)
			break
		}
		w.wokenRuns++
		if w.runNext.load() == 0 {
			w.runNext.store(word)
			return // the step is likely to end or to wait soon
		}
		old := w.runNext.swap(word)
		if old == 0 {
			return
		}
		w.pushRunQueue(old)
	case coro.OriginSpawned:
		w.pushSpawned(word)
	case coro.OriginConcurrent:
		w.pushRunQueue(word)
	default:
		if w.hasSpawned() {
			w.pushYielded(word)
			break
		}
		w.pushRunQueue(word)
		return // the owner is about to take a task, and calls notifyIfMore then
	}
	if p := w.pool; p.idle.shouldNotify() {
		p.idle.notify(p)
	}
}

// Hungry is part of [coro.HungryQueue]: there is a worker that is idle or searches, and nothing in
// w's queues that it could take.
func (w *worker) Hungry() bool {
	return w.pool.idle.state.Load() != 0 && w.spawned.len() == 0 && w.runQueue.len() == 0
}

// NothingToSteal is part of [coro.HungryQueue].
func (w *worker) NothingToSteal() bool {
	return w.spawned.len() == 0 && w.runQueue.len() == 0 && len(w.pool.workers.list()) > 1
}

// pushRunQueue puts a task into runQueue. If that is full, the newer half of it moves to
// injected. Only the owner calls it.
func (w *worker) pushRunQueue(t uintptr) {
	for !w.runQueue.push(t) {
		w.runQueue.spillNewest(&w.pool.injected)
	}
}

// pushSpawned puts a task into spawned. If that is full, the older half of it moves to overflow.
// Only the owner calls it.
func (w *worker) pushSpawned(t uintptr) {
	for !w.spawned.push(t) {
		w.spawned.spill(&w.pool.overflow, spillSize)
	}
}

// takeAll takes all tasks out of w's queues and calls f with each. It may miss tasks that the
// owner puts in meanwhile. Any goroutine calls it.
func (w *worker) takeAll(f func(uintptr)) {
	if t := w.takeRunNext(); t != 0 {
		f(t)
	}
	for t := w.spawned.take(); t != 0; t = w.spawned.take() {
		f(t)
	}
	for t := w.runQueue.take(); t != 0; t = w.runQueue.take() {
		f(t)
	}
}

// random returns a number from 0 to n-1, by xorshift. Only the owner calls it.
func (w *worker) random(n int) int {
	w.seed ^= w.seed << 13
	w.seed ^= w.seed >> 17
	w.seed ^= w.seed << 5
	return int(uint64(w.seed) * uint64(n) >> 32)
}

// hasStealable reports whether w seems to have a task that another worker should run, and not
// one that its owner is just about to take. Any goroutine calls it.
func (w *worker) hasStealable() bool {
	n := w.runQueue.len() + w.spawned.len()
	switch {
	case n > 1:
		return true
	case n == 1 && w.tick.load()&1 != 0:
		return true
	default:
		return w.overdue.Load() && (n > 0 || w.runNext.load() != 0)
	}
}

// steal takes half of the tasks in a queue of v for w, whose own queues are empty, and returns
// one of them. It returns 0 if it gets none. Only the owner of w calls it.
func (w *worker) steal(v *worker) uintptr {
	if !v.hasStealable() {
		return 0
	}
	n := uintptr(1)
	t := v.runQueue.takeHalf(func(t uintptr) { w.pushRunQueue(t); n++ })
	if t == 0 {
		t = v.spawned.takeHalf(func(t uintptr) { w.pushSpawned(t); n++ })
	}
	if t == 0 && v.overdue.Load() {
		t = v.takeRunNext()
	}
	if t != 0 {
		w.untilInjected = w.runQueue.len()
		w.steals.store(w.steals.v + 1)
		w.stolen.store(w.stolen.v + n)
	}
	return t
}
