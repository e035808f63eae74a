package executor

import "github.com/framearena/framearena/coro"

// Close and halt stop a pool in this order:
//
//  1. The injection queues for tasks from outside, injected and High.tasks, refuse tasks, with
//     their locks. Post returns ErrClosed.
//  2. closed is set with workers.mu held. replace looks at it with that lock held, so no worker
//     starts later. Each worker is asked to give way, so its chain ends at the next Await.
//  3. wakeAll wakes all workers on the stack of idle workers. A worker looks at closed and
//     goes onto the stack in one hold of idle.mu (park), and wakeAll takes idle.mu after
//     closed is set: a worker that went onto the stack before is woken, and one that comes
//     later sees closed. Workers also load closed before each task (work, PopLocal) and in
//     each round of search. A worker may run one task more if it has loaded closed just
//     before: that is the step that Close lets it finish.
//  4. running.Wait: no worker runs. From now on the monitor alone moves tasks, from the queues of
//     workers to injected, and after monitor.stop nobody does.
//  5. Environment.Close waits for launches that have passed the gate and not yet posted. Post
//     refuses what they post.
//  6. cancelQueued cancels the tasks in the queues. Only the closer uses the queues now.
//     Functions on goroutines may wait for some of these tasks, so this comes before 7.
//  7. Environment.CancelWaiting cancels the tasks that wait, and those that were woken and
//     refused by Post, and waits for functions on goroutines.
//  8. FlushErrors prints what is counted of the errors of cancelled tasks, if there is no handler.
//  9. The arena is closed, if it is the pool's own.
//
// If a handler ends the closer's goroutine, close is called again on another goroutine (see closing.go).
// Each step may be repeated.
//
// TestInterleavingsOfPools has models of closing while tasks are posted and workers become
// idle. TestPoolCloseAtEveryPhase closes real pools.

func (p *Pool) close() error {
	p.halt()
	p.running.Wait()
	p.monitor.stop()
	p.env.Close(ErrClosed)
	p.cancelQueued()
	p.env.CancelWaiting(ErrClosed)
	p.env.FlushErrors()
	return p.options.closeArena()
}

// halt makes the pool refuse tasks, and makes its workers exit when they have finished their
// steps. It does not wait for them.
func (p *Pool) halt() {
	p.injected.close()
	p.high.tasks.close()
	p.workers.mu.Lock()
	p.closed.Store(true)
	for _, w := range p.workers.list() {
		w.coro.Preempt()
	}
	p.workers.mu.Unlock()
	p.idle.wakeAll()
}

// cancelQueued cancels all tasks in the queues. The closer calls it when nobody else uses them.
func (p *Pool) cancelQueued() {
	w := coro.NewWorker(p.options.arena)
	defer w.Close() // also if a handler ends the goroutine
	for _, from := range p.workers.list() {
		from.takeAll(func(t uintptr) { w.Cancel(coro.RunnableOf(t), ErrClosed) })
	}
	for _, q := range []*injectionQueue{&p.injected, &p.overflow, &p.yielded, &p.high.tasks} {
		for t := q.take(); t != 0; t = q.take() {
			w.Cancel(coro.RunnableOf(t), ErrClosed)
		}
	}
}
