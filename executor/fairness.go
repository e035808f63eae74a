package executor

// Which of a worker's tasks runs next, and why each that is ready has its turn.
//
// A ready task is in one of four lines:
//
//	urgent   High.tasks
//	fresh    runNext, spawned, overflow
//	queued   runQueue, injected
//	yielded  Pool.yielded
//
// Fresh tasks come first, and of these the one that was woken last, and then the newest: their
// data is still in the cache, and a tree of tasks is walked depth first, so few of its frames
// are live at a time. But a task that comes first may make others ready and become ready itself,
// again and again. So every line has a limit, which depends on how many tasks wait in the
// others.
//
// # Slices
//
// A slice is maxLIFORuns tasks from runNext and spawned. If a queued or yielded task is ready
// after it, others have turns before the next slice (endSlice). Let spawned and queued be how
// many such tasks are ready, those in shared queues divided by the number of workers:
//
//   - The oldest spawned task has a turn, if max(minOldest, spawned) tasks have run since the last
//     time.
//   - Queued tasks have Q = 1 + queued/queuedPart turns.
//   - Before these, spawned tasks have S = (woken+Q) * spawned/spawnedPart turns more, where woken
//     is how many tasks were put into runNext in the slice. One of oldestPart is the oldest, the
//     others are the newest.
//
// Until the next slice begins, woken tasks go to runQueue.
//
// If no queued or yielded task is ready, the next slice begins at once: a tree that has a worker
// for itself is walked depth first and in no other order. Only the monitor asks for the oldest
// task then, about once in a millisecond (oldestDue).
//
// # Yielding
//
// A task that yields goes to runQueue, behind all others there. But if it was a queued or a
// yielded one, and spawned has more tasks than before it ran, then it has made others ready, and
// would have its turn before some of them: it goes to Pool.yielded. A worker takes a task from
// there if it finds no other, or if it has run
//
//	maxYieldRuns*spawned + queued
//
// tasks since it took or put one there, with the numbers of that moment (holdYielded). So all
// that was ready has had its turn when the task runs again, unless spawned tasks make more than
// maxYieldRuns-1 others ready each: those are newer and come first. A task that yields and has
// spawned none does not wait like that: it waits for a slice, not for the end of a big tree.
//
// # Each task has its turn
//
// A queued task: runQueue and injected are first in, first out. A task moves from runQueue to
// injected if runQueue is full (its newer half moves) or if both have more tasks than half of a
// deque (takeInjected): it comes behind all that are in injected. The share of injected that
// takeInjected moves is in the older half of runQueue, and the next share is moved after all of
// it has run. So a task moves from injected to runQueue once, and the number of tasks before it
// never rises from then on. Each slice takes one of them at least.
//
// A spawned task: on one worker, overflow followed by spawned is in the order of age. spill
// moves the oldest of spawned to the end of overflow; takeNewest moves the end of overflow to a
// spawned that is empty. So the number of older tasks never rises, and the oldest is taken as
// often as is said above. With several workers, a task that one has taken from overflow and puts
// there again may come behind those of others.
//
// A yielded task: Pool.yielded is first in, first out, and each wait for its oldest is a finite
// number of runs.
//
// A woken task in runNext is taken first in the next slice. A task that replaces another there
// puts that into runQueue.
//
// A task that is not urgent: after maxUrgent urgent ones, 1 + (spawned+queued)/queuedPart others
// have turns (pickUrgent).
//
// # Memory is bounded
//
// Let a task make k others ready each time it runs, without waiting for their end, and let these
// end after a bounded number of turns. If it yields, they have their turns before it does, by
// the above. If it waits for a task that wakes it by runNext, it runs maxLIFORuns times in a
// slice at most. Then the spawned tasks run as fast as they are made when S = woken*k, so no
// more than about spawnedPart*k are ready; and queued tasks run as fast as they are made when Q
// is what a slice adds to them.
//
// TestYieldingLetsAllOthersRun counts what is live, and how many rounds each task has to wait.
// TestTreesStayDeepBesideOneThatYields counts what is live of a tree.

const (
	// maxLIFORuns is how many tasks from runNext and spawned run before one from elsewhere has
	// its turn. It limits what two tasks that wake each other in turn, or a tree that grows
	// without end, get more than others.
	maxLIFORuns = 32

	// For so many spawned tasks that are ready, these have one turn more for each queued or
	// woken one; for so many queued tasks, these have one turn more after a slice. A greater
	// spawnedPart lets queued tasks wait less beside a task that has spawned a million, and lets
	// more frames be live.
	spawnedPart = 1024
	queuedPart  = 64

	// oldestPart is how many turns of spawned tasks after a slice there are for one of the
	// oldest.
	oldestPart = 4

	// maxYieldRuns is how many tasks run for each spawned one before a yielded task does. It is
	// more than 1 because spawned tasks spawn others, which are newer and come first.
	maxYieldRuns = 4

	// minOldest is the least number of runs between two of the oldest spawned tasks.
	minOldest = 128
)

// turns says how many tasks of each line a worker still runs before one of another line. It
// belongs to the owner. What is used for each task is in worker: lifoRuns counts the tasks of a
// slice, and is more than maxLIFORuns from endSlice until the next one begins.
type turns struct {
	// These turns are left after the slice.
	oldest          bool
	spawned, queued int

	oldestDue   bool    // the monitor asks for the oldest spawned task
	oldestTaken uint8   // how many were taken, modulo 256
	oldestTick  uintptr // the tick when the last one was taken, or could have been

	queuedTick    uintptr // the tick while the last queued or yielded task ran
	spawnedBefore uintptr // spawned.bottom then
	yieldedAfter  uintptr // the tick from which yielded tasks may run
	yielded       int     // how many of them then

	other int // tasks to run before an urgent one, after maxUrgent of these; see pickUrgent
}

// yieldedDue reports whether a yielded task may run at tick. Two ticks with less than half of
// all others between them are compared rightly, also when tick has wrapped; after more, a
// yielded task waits until there is no other.
func (t *turns) yieldedDue(tick uintptr) bool { return int(tick-t.yieldedAfter) >= 0 }

// beginQueued is called when a queued or a yielded task is about to run. Only the owner calls
// it, with the tick that it will have while the task runs.
func (w *worker) beginQueued(tick uintptr) {
	w.turns.queuedTick, w.turns.spawnedBefore = tick, w.spawned.bottom.v
}

// hasSpawned reports whether the task whose step is running was a queued or a yielded one, and
// has spawned tasks in this run. Only the owner calls it.
func (w *worker) hasSpawned() bool {
	return w.tick.v == w.turns.queuedTick && int(w.spawned.bottom.v-w.turns.spawnedBefore) > 0
}

// numSpawned returns how many spawned tasks are ready for w: those in its deque and its share of
// overflow.
func (w *worker) numSpawned() int {
	return w.spawned.len() + w.pool.overflow.share(len(w.pool.workers.list()))
}

// numQueued returns how many queued tasks are ready for w.
func (w *worker) numQueued() int {
	return w.runQueue.len() + w.pool.injected.share(len(w.pool.workers.list()))
}

// othersWait reports whether a queued or a yielded task is ready, or the monitor has asked for
// the oldest spawned one. Only the owner calls it.
func (w *worker) othersWait() bool {
	p := w.pool
	return w.runQueue.bottom.v != w.runQueue.top.load() || p.injected.len() > 0 || p.yielded.len() > 0 || w.turns.oldestDue
}

// endSlice decides on the turns after a slice. Only the owner calls it.
func (w *worker) endSlice() {
	t := &w.turns
	w.lifoRuns = maxLIFORuns + 1
	t.oldest, t.oldestDue = t.oldestDue, false
	t.spawned, t.queued = 0, 1
	queued, spawned := w.numQueued(), w.numSpawned()
	if queued == 0 && w.pool.yielded.len() == 0 {
		return
	}
	t.queued = 1 + queued/queuedPart
	t.spawned = (w.wokenRuns + t.queued) * spawned / spawnedPart
	if spawned > 0 && int(w.tick.v-t.oldestTick) >= 2*max(minOldest, spawned) {
		t.oldest = true
	}
}

// pickInTurn takes a task when the worker has run a slice. It returns 0 if the next slice may
// begin after one queued task. Only the owner calls it.
func (w *worker) pickInTurn() uintptr {
	t := &w.turns
	if w.lifoRuns == maxLIFORuns {
		w.endSlice()
	}
	if t.oldest {
		t.oldest, t.oldestTick = false, w.tick.v
		if task := w.takeOldestSpawned(); task != 0 {
			return task
		}
	}
	if t.spawned > 0 {
		t.spawned--
		if t.spawned%oldestPart == oldestPart-1 {
			if task := w.takeOldestSpawned(); task != 0 {
				return task
			}
		}
		if task := w.takeSpawned(); task != 0 {
			return task
		}
		t.spawned = 0
	}
	if t.queued > 1 {
		t.queued--
		return w.takeQueued()
	}
	return 0
}

// takeOldestSpawned takes the oldest task of overflow or, every fourth time and if there is
// none, the oldest of spawned. On one worker those of overflow are older, but other workers may
// put tasks there all the time. It returns 0 if there is no task. Only the owner calls it.
func (w *worker) takeOldestSpawned() uintptr {
	w.turns.oldestTaken++
	if q := &w.pool.overflow; w.turns.oldestTaken%4 != 0 && q.len() > 0 {
		if t := q.take(); t != 0 {
			return t
		}
	}
	return w.spawned.take()
}

// pushYielded puts a task into Pool.yielded. Only the owner calls it, in the task's step.
func (w *worker) pushYielded(t uintptr) {
	if w.turns.yieldedDue(w.tick.v) {
		w.holdYielded()
	}
	w.pool.yielded.add([]uintptr{t})
}

// takeYielded takes the oldest task of Pool.yielded. It returns 0 if there is none. Only the
// owner calls it.
func (w *worker) takeYielded() uintptr {
	q := &w.pool.yielded
	if q.len() == 0 {
		return 0
	}
	t := q.take()
	if w.turns.yielded--; w.turns.yielded <= 0 {
		w.turns.yielded = 1 + q.share(len(w.pool.workers.list()))/queuedPart
		w.holdYielded()
	}
	return t
}

// holdYielded lets no yielded task run before all that is ready now has had its turn. A task
// counts two ticks.
func (w *worker) holdYielded() {
	w.turns.yieldedAfter = w.tick.v + 2*uintptr(maxYieldRuns*w.numSpawned()+w.numQueued())
}
