package executor

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/goroutine"
)

// Inline runs tasks on the goroutine that posts them: Post returns when no task is ready. While
// one goroutine runs tasks, it also runs those that others post, and those that its tasks post.
// Any goroutine may use an Inline.
type Inline struct {
	options options
	env     *coro.Environment

	// worker and local belong to the goroutine that has set running.
	worker *coro.Worker
	local  inlineQueue

	mu      sync.Mutex // guards what follows
	queue   coro.RunQueue
	running bool       // some goroutine runs tasks
	stopped *sync.Cond // running has become false

	closing closing

	// closed is set once, by Close, with mu held. The goroutine that runs tasks loads it
	// before each task. It may miss it once: that task is the last.
	closed atomic.Bool
}

// NewInline returns an Inline. It has to be closed.
func NewInline(opts ...InlineOption) *Inline {
	e := &Inline{options: newInlineOptions(opts)}
	e.stopped = sync.NewCond(&e.mu)
	e.env = e.options.newEnvironment(e)
	e.worker = coro.NewWorker(e.options.arena)
	e.local.executor = e
	e.worker.SetLocalQueue(e.env, &e.local)
	return e
}

// Post runs the task and all tasks that it makes ready, or leaves it to the goroutine that is
// running tasks already. The error is [ErrClosed] or nil.
//
// A step function that calls runtime.Goexit, as the FailNow of a test does, ends the goroutine
// that called Post, but not before all ready tasks have run.
func (e *Inline) Post(t coro.Runnable) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return ErrClosed
	}
	e.queue.Push(t)
	if e.running {
		return nil
	}
	e.running = true
	e.runUntilIdle()
	return nil
}

// runUntilIdle runs tasks until none is ready, also if one of them, or a handler, ends the
// goroutine. If a handler panics, it stops. The caller holds mu and has set running.
func (e *Inline) runUntilIdle() {
	exits := true
	defer func() {
		if v := recover(); v != nil {
			e.stop()
			panic(v)
		}
		if exits {
			e.runElsewhere()
		}
		e.stop()
	}()
	e.runAll()
	exits = false
}

// stop says that no goroutine runs tasks. The caller holds mu.
func (e *Inline) stop() {
	e.running = false
	e.stopped.Broadcast()
}

// runElsewhere makes other goroutines run the tasks that are left when a task or a handler has
// ended this goroutine with runtime.Goexit, and waits for them. The caller holds mu.
func (e *Inline) runElsewhere() {
	for !e.closed.Load() && (e.queue.Len() > 0 || !e.local.empty()) {
		e.mu.Unlock()
		goroutine.Elsewhere(func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.runAll()
		})
		e.mu.Lock()
	}
}

// runAll runs tasks until none is ready. The caller holds mu.
func (e *Inline) runAll() {
	e.runLocal() // a goroutine that has ended early may have left tasks there
	for !e.closed.Load() {
		t, ok := e.queue.Pop()
		if !ok {
			if e.local.empty() {
				return
			}
			e.runLocal()
			continue
		}
		e.run(t)
	}
}

// run runs a task of the queue, and then those that were spawned or woken, but only so many
// that the queue has its turn. The caller holds mu, which run releases meanwhile.
func (e *Inline) run(t coro.Runnable) {
	e.local.beginWith(e.queue.Len())
	e.mu.Unlock()
	defer e.mu.Lock()
	e.worker.Run(t)
	e.runSpawned()
}

// runLocal does the same without a task of the queue.
func (e *Inline) runLocal() {
	if e.local.empty() {
		return
	}
	e.mu.Unlock()
	defer e.mu.Lock()
	e.local.begin()
	e.runSpawned()
}

// hasQueued reports whether a task of the queue is ready.
func (e *Inline) hasQueued() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queue.Len() > 0
}

func (e *Inline) runSpawned() {
	for {
		t, ok := e.local.PopLocal()
		if !ok {
			return
		}
		e.worker.Run(t)
	}
}

// Environment returns the environment of tasks launched without options.
func (e *Inline) Environment() *coro.Environment { return e.env }

// Elided returns the number of frames that were elided so far: placed in the frame of the task
// that awaited them.
func (e *Inline) Elided() uint64 { return e.worker.Elided() }

// Arena returns the arena that frames come from.
func (e *Inline) Arena() *arena.Arena { return e.options.arena }

// Drain makes launches return [ErrClosed] from now on, except for tasks that the Inline's tasks
// await with [coro.AwaitOn]. It returns when no root task is live: when all have ended, also
// those that wait or sleep. The Inline takes tasks that are woken meanwhile, and still has
// to be closed. Tasks run where they always do: Drain runs none.
//
// If ctx ends before that, Drain returns its cause, and may be called again. If the Inline is
// closed before that, the error is ErrClosed. Any goroutine may call Drain. In a step or a
// handler of the Inline's tasks it does nothing and returns an error that wraps [ErrInStep].
// While the Inline runs tasks, that may also happen in a step of another Inline.
func (e *Inline) Drain(ctx context.Context) error {
	if e.inStep() {
		return inStep("Drain")
	}
	return e.env.Drain(ctx, ErrClosed)
}

// Close ends the executor: the step that is running is the last one, and all other tasks are
// cancelled, also those that wait. The error wraps [arena.ErrLeak] if the executor's own arena
// has live frames all the same. A second Close waits until the first has ended, and returns
// nil. Any goroutine may call Close. In a step or a handler of the Inline's tasks it does
// nothing and returns an error that wraps [ErrInStep], as Drain does.
func (e *Inline) Close() error {
	if e.inStep() {
		return inStep("Close")
	}
	return e.closing.do(e.close)
}

func (e *Inline) close() error {
	e.mu.Lock()
	e.closed.Store(true)
	e.worker.Preempt()
	for e.running {
		e.stopped.Wait()
	}
	e.mu.Unlock()
	e.env.Close(ErrClosed)
	// Nobody else uses the queue and the worker any more.
	e.cancelQueued() // first, since functions on goroutines may wait for these
	e.env.CancelWaiting(ErrClosed)
	e.cancelQueued()
	e.worker.Close()
	e.env.FlushErrors()
	return e.options.closeArena()
}

func (e *Inline) cancelQueued() {
	for e.queue.Len() > 0 || !e.local.empty() { // cleanups may spawn
		cancelAll(&e.queue, e.worker)
		if t, ok := e.local.pop(); ok {
			e.worker.Cancel(t, ErrClosed)
		}
	}
}

var inlineRunAll = methodName((*Inline).runAll)

// inStep reports whether the calling goroutine closes e or runs tasks of e. While another
// goroutine runs tasks of e, it also reports true in a task of another Inline: a stack does
// not show which Inline runs, and to note it would slow down each Post.
func (e *Inline) inStep() bool {
	if e.closing.byCaller() || e.worker.IsOwner() || e.env.InTaskFunction() {
		return true
	}
	e.mu.Lock()
	running := e.running
	e.mu.Unlock()
	return running && onStack(inlineRunAll)
}
