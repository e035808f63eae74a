package executor

import (
	"context"
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// Pool runs tasks on a number of workers, each a goroutine with a cache and queues of
// its own, from which the others take what they find when they have nothing to do.
// Any goroutine may use a Pool.
//
// A worker that has been in one step for longer than the limit of [WithBlockedLimit]
// is blocked: another one takes its place, until it comes back.
type Pool struct {
	options poolOptions
	number  uint64 // counts up in the program
	env     *coro.Environment
	running sync.WaitGroup // of workers
	closing closing

	// closed is set once, by Close. Workers look at it before they take a task.
	closed interleave.Bool

	// workers are those that there are. The slice is never changed, but replaced with
	// crew.mu held.
	workers workerSet

	injected injectionQueue
	overflow injectionQueue // what a worker's fresh has no room for
	high     High
	idle     idleWorkers
	monitor  monitor
}

// NewPool returns a pool whose workers have started.
func NewPool(opts ...PoolOption) *Pool {
	p := &Pool{options: newPoolOptions(opts), number: pools.Add(1)}
	p.env = p.options.newEnvironment(p)
	p.high.start(p)
	p.workers.all.Store(new([]*worker))
	p.monitor.start(p)
	p.workers.mu.Lock()
	defer p.workers.mu.Unlock()
	for range p.options.workers {
		p.startWorker()
	}
	return p
}

// Post queues the task for a worker. The error is [ErrClosed] or nil.
func (p *Pool) Post(t coro.Runnable) error {
	if !p.injected.post(t.Word()) {
		return ErrClosed
	}
	delay()
	p.idle.notify(p)
	return nil
}

// Environment returns the environment of tasks launched without options.
func (p *Pool) Environment() *coro.Environment { return p.env }

// Elided returns how many frames were elided so far: placed in that of the task that
// awaited them.
func (p *Pool) Elided() uint64 {
	p.workers.mu.Lock()
	defer p.workers.mu.Unlock()
	n := p.workers.exited.elided
	for _, w := range p.workers.list() {
		n += w.coro.Elided()
	}
	return n
}

// Arena returns the arena that frames come from.
func (p *Pool) Arena() *arena.Arena { return p.options.arena }

// Close lets every worker finish the step that it is in and cancels the other
// tasks: their frames are freed, children before parents, and who waits for
// their roots gets [ErrClosed]. When it returns, no frame that the pool ran is
// live and no worker runs. The error wraps [arena.ErrLeak] if the pool's own
// arena has live frames all the same: somebody else's. Closing again waits for
// that too, and returns nil. Any goroutine may call Close, but in a step or a handler of the
// pool's own tasks it returns an error that wraps [ErrInStep] at once, and does nothing.
func (p *Pool) Close() error {
	if p.inStep() {
		return inStep("Close")
	}
	return p.closing.do(p.close)
}

// Drain makes launches return [ErrClosed] from now on, except what tasks of the pool await
// with [coro.AwaitOn], and waits until no root task is live: until all have ended, also those
// that wait or sleep. The pool is still to be closed.
//
// If ctx ends before that, Drain returns its cause, and may be called again. If the pool is
// closed before that, the error is ErrClosed. Any goroutine may call Drain, but in a step or
// a handler of the pool's own tasks it returns an error that wraps [ErrInStep] at once, and
// does nothing.
func (p *Pool) Drain(ctx context.Context) error {
	if p.inStep() {
		return inStep("Drain")
	}
	return p.env.Drain(ctx, ErrClosed)
}

// inStep reports whether the calling goroutine is that of a worker of p, or the one that
// closes p, which calls handlers too.
func (p *Pool) inStep() bool {
	if p.closing.byCaller() {
		return true
	}
	for _, w := range p.workers.list() {
		if w.coro.IsOwner() {
			return true
		}
	}
	return false
}

func (p *Pool) close() error {
	p.halt()
	p.running.Wait()
	p.monitor.stop()
	p.env.Close(ErrClosed)
	p.env.CancelWaiting(ErrClosed)
	p.cancelQueued()
	return p.options.closeArena()
}

// cancelQueued is called when nobody else takes from the queues any more, and nobody adds to
// them.
func (p *Pool) cancelQueued() {
	w := coro.NewWorker(p.options.arena)
	defer w.Close() // also if a handler ends the goroutine
	for _, from := range p.workers.list() {
		from.takeAll(func(t uintptr) { w.Cancel(coro.RunnableOf(t), ErrClosed) })
	}
	for _, q := range []*injectionQueue{&p.injected, &p.overflow, &p.high.tasks} {
		for t := q.take(); t != 0; t = q.take() {
			w.Cancel(coro.RunnableOf(t), ErrClosed)
		}
	}
}

// halt makes the pool refuse tasks, and its workers end when they have finished their steps.
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
