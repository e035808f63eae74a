package executor

import "github.com/framearena/framearena/coro"

// High is the way into a [Pool] for tasks that are urgent: see [Pool.High].
type High struct {
	pool *Pool
	env  *coro.Environment

	// tasks is all urgent tasks that are ready, of all workers. To a worker it is one load
	// to see that there is none.
	tasks injectionQueue
}

// maxUrgent is how many urgent tasks a worker runs before one that is not has its turn.
const maxUrgent = 16

// start is called when the pool has an environment.
func (h *High) start(p *Pool) { h.pool, h.env = p, p.env.View(h) }

// High returns an executor whose tasks are urgent tasks of the pool: when a worker takes a
// task, it takes one of these, if there is one, first come, first served; after 16 in a row
// another has its turn. They stay urgent when they have waited or yielded. A task that is
// running gives way at its next Await after a millisecond or so, and not sooner than for
// others.
//
// Children, and what a task launches on the Pool itself, are as the executor says that they
// are on: a child is as urgent as its parent. A [Strand] on High is urgent as a whole. All
// workers share one queue for urgent tasks, so they are better few.
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

// pushLocal is told of an urgent task that a step has made ready.
func (h *High) pushLocal(t uintptr) {
	h.tasks.add([]uintptr{t})
	h.pool.idle.notify(h.pool)
}

// pickUrgent takes an urgent task, or returns 0: if there is none, or if it is another's turn.
// It is called if there was one a moment ago.
func (w *worker) pickUrgent() uintptr {
	if w.urgentRuns >= maxUrgent {
		w.urgentRuns = 0
		return 0
	}
	w.urgentRuns++
	return w.pool.high.tasks.take()
}
