package executor

import (
	"context"
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// Pool runs tasks on workers, each a goroutine with a cache and queues of its own. A worker
// that has nothing to do takes tasks from the others. Any goroutine may use a Pool.
//
// A worker that has been in one step for longer than the limit of [WithBlockedLimit] is blocked:
// another worker replaces it until the step ends.
type Pool struct {
	// Locks are taken in this order: monitor.mu, workers.mu, then mu of an injection queue or of
	// idle. While one of the last two is held, no other lock is taken. Starting a worker
	// takes the lock of the executor's live roots in package coro, with workers.mu held. No task is posted and no
	// handler is called with a lock held.

	options poolOptions
	number  uint64 // counts up in the program
	env     *coro.Environment
	running sync.WaitGroup // the workers' goroutines
	closing closing

	// closed is set once, by the closer, with workers.mu held. Workers load it before each
	// task and, with idle.mu held, before they become idle: see pool_close.go.
	closed interleave.Bool

	workers  workerSet
	injected injectionQueue
	overflow injectionQueue // spawned tasks that a worker's deque has no room for
	high     High
	idle     idleWorkers
	monitor  monitor
	yielded  injectionQueue // tasks that have spawned others and yielded; see fairness.go
}

// NewPool returns a pool whose workers have started. It has to be closed.
func NewPool(opts ...PoolOption) *Pool {
	p := newPool(newPoolOptions(opts))
	p.startWorkers()
	return p
}

// newPool returns a pool that has no workers yet.
func newPool(options poolOptions) *Pool {
	p := &Pool{options: options, number: pools.Add(1)}
	p.env = p.options.newEnvironment(p)
	p.high.start(p)
	p.workers.all.Store(new([]*worker))
	p.monitor.start(p)
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

// Elided returns the number of frames that were elided so far: placed in the frame of the
// task that awaited them.
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

// Close lets every worker finish the step that it is in, and cancels all other tasks: it frees
// their frames, children before parents, and their roots end with [ErrClosed]. When Close
// returns, no frame that the pool ran is live and no worker runs. The error wraps
// [arena.ErrLeak] if the pool's own arena has live frames all the same, which somebody else
// has allocated. A second Close waits until the first has ended, and returns nil.
//
// Any goroutine may call Close. In a step or a handler of the pool's own tasks, it does nothing
// and returns an error that wraps [ErrInStep].
func (p *Pool) Close() error {
	if p.inStep() {
		return inStep("Close")
	}
	return p.closing.do(p.close)
}

// Drain makes launches return [ErrClosed] from now on, except for tasks that the pool's tasks
// await with [coro.AwaitOn]. It returns when no root task is live: when all have ended, also
// those that wait or sleep. The pool still has to be closed.
//
// If ctx ends before that, Drain returns its cause, and may be called again. If the pool is
// closed before that, the error is ErrClosed. Any goroutine may call Drain. In a step or a
// handler of the pool's own tasks, it does nothing and returns an error that wraps
// [ErrInStep].
func (p *Pool) Drain(ctx context.Context) error {
	if p.inStep() {
		return inStep("Drain")
	}
	return p.env.Drain(ctx, ErrClosed)
}

// inStep reports whether the calling goroutine is the owner of a worker of p, or the closer of p,
// which calls handlers too.
func (p *Pool) inStep() bool {
	if p.closing.byCaller() || p.env.InTaskFunction() {
		return true
	}
	for _, w := range p.workers.list() {
		if w.coro.IsOwner() {
			return true
		}
	}
	return false
}
