package executor

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// Inline runs tasks on the goroutine that posts them: Post returns when nothing
// is left to run. While one goroutine runs tasks, what others post is left to it,
// and so is what the tasks post themselves. Any goroutine may use an Inline.
type Inline struct {
	options options
	env     *coro.Environment

	// worker and local belong to the goroutine that set running.
	worker *coro.Worker
	local  inlineLocal

	mu      sync.Mutex // guards what follows
	queue   coro.RunQueue
	running bool       // some goroutine is in run
	stopped *sync.Cond // running has become false

	closing closing

	// closed is set once, by Close, with mu held. Whoever runs tasks looks at it before each.
	closed atomic.Bool
}

// NewInline returns an Inline.
func NewInline(opts ...InlineOption) *Inline {
	e := &Inline{options: newInlineOptions(opts)}
	e.stopped = sync.NewCond(&e.mu)
	e.env = e.options.newEnvironment(e)
	e.worker = coro.NewWorker(e.options.arena)
	e.local.executor = e
	e.worker.SetLocalQueue(e.env, &e.local)
	return e
}

// inlineLocal has the tasks that steps have spawned or woken. They run before what is in
// the queue, and those spawned by the last step first: so a tree of tasks is walked depth
// first, and few of its frames are live at a time. Those that one step spawned, and all
// that were woken, run in their order.
type inlineLocal struct {
	executor *Inline
	spawned  coro.RunQueue // by the step that runs
	ready    coro.RunQueue // spawned before
	woken    coro.RunQueue
	turns    int // how many may run before one of the other queue does
}

// localTurns is how many tasks of the local queue run before one of the other queue does.
const localTurns = 64

// PushLocal takes a task that a step has made ready.
func (l *inlineLocal) PushLocal(t coro.Runnable, from coro.Origin) {
	switch from {
	case coro.OriginSpawned:
		l.spawned.Push(t)
		return
	case coro.OriginWoken, coro.OriginConcurrent:
		l.woken.Push(t)
		return
	}
	l.executor.mu.Lock()
	defer l.executor.mu.Unlock()
	l.executor.queue.Push(t)
}

func (l *inlineLocal) pop() (coro.Runnable, bool) {
	l.ready.Prepend(&l.spawned)
	if l.ready.Len() > 0 {
		return l.ready.Pop()
	}
	return l.woken.Pop()
}

// PopLocal takes a task for the worker to run when another has ended or waits.
func (l *inlineLocal) PopLocal() (coro.Runnable, bool) {
	if l.turns <= 0 || l.executor.closed.Load() {
		return coro.Runnable{}, false
	}
	l.turns--
	return l.pop()
}

func (l *inlineLocal) empty() bool { return l.ready.Len()+l.spawned.Len()+l.woken.Len() == 0 }

// Post runs the task and all that it leads to, or leaves it to the goroutine that
// is running tasks already. The error is [ErrClosed] or nil.
//
// A step function that calls runtime.Goexit, as the FailNow of a test does, ends
// the goroutine that called Post, but not before nothing is left to run.
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
	e.runQueue()
	return nil
}

// runQueue runs tasks until nothing is left to run. The caller holds mu.
func (e *Inline) runQueue() {
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

func (e *Inline) stop() {
	e.running = false
	e.stopped.Broadcast()
}

// relieve makes other goroutines run what this one, which a task or a handler
// ended with runtime.Goexit, would have run. The caller holds mu.
func (e *Inline) runElsewhere() {
	for !e.closed.Load() && (e.queue.Len() > 0 || !e.local.empty()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			e.mu.Lock()
			defer e.mu.Unlock()
			e.runAll()
		}()
		e.mu.Unlock()
		<-done
		e.mu.Lock()
	}
}

// runAll runs tasks as long as there are any. The caller holds mu.
func (e *Inline) runAll() {
	e.runLocal() // what a goroutine that did not come to its end has left
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

// run runs a task of the queue, and then those that were spawned or woken, but not so many
// that the queue does not get on. It gives up mu meanwhile.
func (e *Inline) run(t coro.Runnable) {
	e.mu.Unlock()
	defer e.mu.Lock()
	e.local.turns = localTurns
	e.worker.Run(t)
	e.runSpawned()
}

// runLocal is run without a task of the queue.
func (e *Inline) runLocal() {
	if e.local.empty() {
		return
	}
	e.mu.Unlock()
	defer e.mu.Lock()
	e.local.turns = localTurns
	e.runSpawned()
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

// Elided returns how many frames were elided so far: placed in that of the task that
// awaited them.
func (e *Inline) Elided() uint64 { return e.worker.Elided() }

// Arena returns the arena that frames come from.
func (e *Inline) Arena() *arena.Arena { return e.options.arena }

// Drain makes launches return [ErrClosed] from now on, except what tasks of the Inline await
// with [coro.AwaitOn], and waits until no root task is live: until all have ended, also those
// that wait or sleep. The Inline takes tasks that are woken meanwhile, and is still to be
// closed. Tasks run where they always do; Drain runs none.
//
// If ctx ends before that, Drain returns its cause, and may be called again. If the Inline
// is closed before that, the error is ErrClosed. Any goroutine may call Drain, but in a step
// or a handler of the Inline's tasks it returns an error that wraps [ErrInStep] at once, and
// does nothing; that may be so for those of another Inline, too, while this one runs tasks.
func (e *Inline) Drain(ctx context.Context) error {
	if e.inStep() {
		return inStep("Drain")
	}
	return e.env.Drain(ctx, ErrClosed)
}

// Close ends the executor: the step that runs is the last, and all other tasks are
// cancelled, those that wait for something too. The error wraps [arena.ErrLeak] if the
// executor's own arena has live frames all the same. Closing again waits for that, and
// returns nil. Any goroutine may call Close, but in a step or a handler of the Inline's tasks
// it returns an error that wraps [ErrInStep] at once, as Drain does.
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
	e.env.CancelWaiting(ErrClosed)
	for e.queue.Len() > 0 || !e.local.empty() { // cleanups may spawn
		cancelAll(&e.queue, e.worker)
		if t, ok := e.local.pop(); ok {
			e.worker.Cancel(t, ErrClosed)
		}
	}
	e.worker.Close()
	return e.options.closeArena()
}

var inlineRunAll = methodName((*Inline).runAll)

// inStep reports whether the calling goroutine runs tasks of e or, if another one does,
// tasks of some Inline: which one a stack does not say, and to note it would cost each Post.
func (e *Inline) inStep() bool {
	if e.closing.byCaller() || e.worker.IsOwner() {
		return true
	}
	e.mu.Lock()
	running := e.running
	e.mu.Unlock()
	return running && onStack(inlineRunAll)
}
