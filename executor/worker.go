package executor

import (
	"runtime"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// worker runs tasks of a pool. It belongs to one goroutine at a time, which is called
// its owner, also while a step that it runs is stuck.
//
// Its tasks are in three places, and others can take them out of each:
//   - next, the task that was woken last, which has what the running one wrote in
//     the cache;
//   - fresh, tasks that its steps have launched. The owner takes the newest first,
//     so that a tree of tasks is walked depth-first and few of them exist at a time;
//     others take the oldest, which are the biggest parts of the tree;
//   - later, all others, first in, first out: tasks that have yielded, a share of what
//     was injected, and those woken before the last one.
type worker struct {
	// ---- the owner's alone, after the worker was made

	pool          *Pool
	coro          *coro.Worker
	lifoRuns      int     // tasks run from next and fresh since one was taken from elsewhere
	oldestDue     bool    // the oldest of fresh must have its turn when the streak ends
	untilInjected int     // tasks to run from later before injected ones are taken again
	urgentRuns    int     // urgent tasks run since another had its turn
	seed          uint32  // of random numbers
	yieldTick     uintptr // tick when the worker last let other goroutines run
	id            uint64  // counts up in the pool

	_ [cacheLine]byte

	// ---- written by the owner, read by others

	// tick counts up as a task begins to run and as it has run: it is odd meanwhile.
	tick word

	// next is a task or 0. The owner stores a task where 0 is. Anyone may take the
	// task by a compare-and-swap that puts 0 there; the owner takes it by a swap too.
	runNext word

	steals, stolen, parks word

	_ [cacheLine]byte

	// ---- written by others, and seldom

	// overdue is set by the monitor while the worker has been running one task for
	// some time. Then others may take next.
	overdue interleave.Bool

	// blocked is set by the monitor, with crew.mu held, and cleared by the owner when
	// it has come back, with crew.mu held.
	blocked interleave.Bool

	// shouldYield is set by the monitor from time to time, for the owner to let other
	// goroutines run between two tasks, and cleared by the owner.
	shouldYield interleave.Bool

	seen observation // guarded by monitor.mu

	// wake gets a value when the worker was taken from the idlers: by whoever takes it.
	wake chan struct{}

	_ [cacheLine]byte

	spawned, runQueue deque
}

var _ coro.LocalPopper = (*worker)(nil)

const (
	// maxLIFORuns is how many tasks from next and fresh run before one from elsewhere
	// has its turn. Two tasks that wake each other in turn, or a tree that grows
	// without end, get that much more than others and no more.
	maxLIFORuns = 32

	// goschedTicks is how many ticks a worker runs before it lets other goroutines
	// run. If it did not, the Go scheduler would take its thread away every 10 ms, and
	// most likely in a step: the monitor would call it blocked.
	goschedTicks = 2 * 16384
)

func newWorker(p *Pool, id uint64) *worker {
	w := &worker{pool: p, coro: coro.NewWorker(p.options.arena), id: id, seed: uint32(id)*2654435761 + 1, wake: make(chan struct{}, 1)}
	w.coro.SetLocalQueue(p.env, w)
	return w
}

// work is a worker's life. A step function or a handler that calls runtime.Goexit
// ends the goroutine, and w lives on with another one.
func (w *worker) work() {
	ends := false
	w.coro.Attach()
	defer func() {
		w.coro.Detach()
		if !ends {
			go w.work()
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
			w.oldestDue = true
			w.shouldYield.Store(false)
			runtime.Gosched()
		}
	}
	ends = true
}

// begin is called by a goroutine that takes over w.
func (w *worker) begin() {
	w.coro.SetOwner()
	w.label()
	if w.tick.v&1 != 0 { // the last one was ended by the task that it ran
		w.tick.store(w.tick.v + 1)
	}
}

// pick takes a task from the worker's own queues or its share of the injected ones,
// or returns 0.
func (w *worker) pick() uintptr {
	if w.pool.high.tasks.len() > 0 {
		if t := w.pickUrgent(); t != 0 {
			return t
		}
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
	} else if w.oldestDue {
		w.oldestDue = false
		if t := w.takeOldestSpawned(); t != 0 {
			w.lifoRuns = 0
			return t
		}
	}
	w.lifoRuns = 0
	// What was injected comes in behind what is there, once for each round of that: so
	// it gets its turn even if later never runs dry.
	if q := &w.pool.injected; q.len() > 0 && (w.untilInjected <= 0 || w.runQueue.len() == 0) {
		if !q.takeShare(&w.runQueue, len(w.pool.workers.list())) {
			if t := q.take(); t != 0 {
				w.untilInjected = spillSize
				return t
			}
		}
		w.untilInjected = w.runQueue.len()
	}
	w.untilInjected--
	if t := w.runQueue.take(); t != 0 {
		return t
	}
	if t := w.takeSpawned(); t != 0 {
		return t
	}
	return w.takeRunNext()
}

// takeSpawned takes the newest of fresh or, if there is none, a share of what no worker's
// fresh had room for; or it returns 0.
func (w *worker) takeSpawned() uintptr {
	if t := w.spawned.pop(); t != 0 {
		return t
	}
	if q := &w.pool.overflow; q.len() == 0 || !q.takeShare(&w.spawned, len(w.pool.workers.list())) {
		return 0
	}
	return w.spawned.pop()
}

// takeOldestSpawned takes a task that has been fresh for long, or returns 0. The newest come first
// otherwise, so that without this the oldest might never have their turn.
func (w *worker) takeOldestSpawned() uintptr {
	if q := &w.pool.overflow; q.len() > 0 {
		if t := q.take(); t != 0 {
			return t
		}
	}
	return w.spawned.take()
}

// PopLocal takes a task from w's own queues, unless something else may have its turn: then
// Run returns, and pick decides. To the monitor the task begins as any other.
func (w *worker) PopLocal() (coro.Runnable, bool) {
	if p := w.pool; w.lifoRuns >= maxLIFORuns || p.high.tasks.len() > 0 || w.blocked.Load() || p.closed.Load() {
		return coro.Runnable{}, false
	}
	t := w.takeRunNext()
	if t == 0 {
		t = w.spawned.pop()
	}
	if t == 0 {
		// What was injected, or fresh once, may have to come first.
		if p := w.pool; p.injected.len() > 0 || p.overflow.len() > 0 {
			return coro.Runnable{}, false
		}
		if t = w.runQueue.take(); t == 0 {
			return coro.Runnable{}, false
		}
		w.notifyIfMore()
	}
	w.lifoRuns++
	w.tick.store(w.tick.v + 2)
	return coro.RunnableOf(t), true
}

// takeRunNext takes the task in next, or returns 0. Anyone calls it.
func (w *worker) takeRunNext() uintptr {
	if t := w.runNext.load(); t != 0 && w.runNext.cas(t, 0) {
		return t
	}
	return 0
}

// share has an idle worker woken if the owner, who has just taken a task, leaves
// others.
func (w *worker) notifyIfMore() {
	if p := w.pool; p.idle.shouldNotify() && (w.runQueue.len() > 0 || w.spawned.len() > 0 || p.high.tasks.len() > 0) {
		p.idle.notify(p)
	}
}

// PushLocal takes a task that a step of w has made ready.
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
		if w.runNext.load() == 0 {
			w.runNext.store(word)
			return // the running task is likely to end or to wait soon; see monitor
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
		w.pushRunQueue(word)
		return // the worker is about to look for a task, and then calls share
	}
	if p := w.pool; p.idle.shouldNotify() {
		p.idle.notify(p)
	}
}

func (w *worker) pushRunQueue(t uintptr) {
	for !w.runQueue.push(t) {
		w.runQueue.spill(&w.pool.injected)
	}
}

func (w *worker) pushSpawned(t uintptr) {
	for !w.spawned.push(t) {
		w.spawned.spill(&w.pool.overflow)
	}
}

// drain calls f for each of w's tasks. Anyone calls it, and misses what the owner puts in
// meanwhile.
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

// random returns a number from 0 to n-1.
func (w *worker) random(n int) int {
	w.seed ^= w.seed << 13
	w.seed ^= w.seed >> 17
	w.seed ^= w.seed << 5
	return int(uint64(w.seed) * uint64(n) >> 32)
}

// has reports whether w has a task that another worker should run: one that is not
// just about to be taken by its owner.
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

// steal takes tasks from v for w, whose queues are empty, and returns one of them, or 0.
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
		w.steals.store(w.steals.v + 1)
		w.stolen.store(w.stolen.v + n)
	}
	return t
}
