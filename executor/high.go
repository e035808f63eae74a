package executor

import "github.com/framearena/framearena/coro"

// High is the way into a [Pool] for urgent tasks: see [Pool.High]. Any goroutine may use it.
type High struct {
	pool *Pool
	env  *coro.Environment

	// tasks has all urgent tasks of the pool that are ready. A worker sees with one load that
	// there is none. worker.go says where the others are.
	tasks injectionQueue
}

// maxUrgent is how many urgent tasks a worker runs before one that is not has its turn.
const maxUrgent = 16

// start is called by NewPool when the pool has an environment.
func (h *High) start(p *Pool) { h.pool, h.env = p, p.env.View(h) }

// High returns an executor whose tasks are urgent tasks of the pool. When a worker takes a task,
// it takes an urgent one, if there is one, first come, first served; after 16 of them in a row
// another task has its turn, and more of them if many are ready. Urgent tasks stay urgent when they have waited or yielded. A task
// that is running gives way to them at its next Await after a millisecond or so, no sooner
// than to other tasks.
//
// Children, and tasks that a task launches on the Pool itself, run on the executor that their
// launch names: a child is as urgent as its parent. A [Strand] on High is urgent as a
// whole. All workers share one queue for urgent tasks, so they should be few.
//
// The executor is always the same one. It closes with the pool.
func (p *Pool) High() *High { return &p.high }

// Post queues the task for a worker. The error is [ErrClosed] or nil.
func (h *High) Post(t coro.Runnable) error {
	if !h.tasks.post(t.Word()) {
		return ErrClosed
	}
	delay()
	h.pool.idle.notify(h.pool)
	return nil
}

// Environment returns the environment of urgent tasks launched without options.
func (h *High) Environment() *coro.Environment { return h.env }

// pushLocal queues an urgent task that a step has made ready.
func (h *High) pushLocal(t uintptr) {
	h.tasks.add([]uintptr{t})
	h.pool.idle.notify(h.pool)
}

// pickUrgent takes an urgent task. It returns 0 if there is none, or if others have their turn:
// one task after maxUrgent urgent ones, and more if many are ready, so that urgent tasks which make
// others ready do not make them faster than they run. pick ends that turn when there is no other
// task, so a worker that finds nothing else takes an urgent one before it becomes idle. Only the
// owner calls it.
func (w *worker) pickUrgent() uintptr {
	if w.urgentRuns < maxUrgent {
		w.urgentRuns++
		return w.pool.high.tasks.take()
	}
	if w.turns.other == 0 {
		w.turns.other = 1 + (w.numSpawned()+w.numQueued())/queuedPart
	}
	if w.turns.other--; w.turns.other == 0 {
		w.urgentRuns = 0
	}
	return 0
}
