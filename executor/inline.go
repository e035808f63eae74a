package executor

import (
	"sync"

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
	queue   coro.Queue
	running bool // some goroutine is in run
	closed  bool
}

// NewInline returns an Inline.
func NewInline(opts ...Option) *Inline {
	e := &Inline{options: newOptions(opts)}
	e.env = e.options.newEnvironment(e)
	e.worker = coro.NewWorker(e.options.arena)
	e.local.executor = e
	e.worker.SetLocal(e.env, &e.local)
	return e
}

// inlineLocal has the tasks that steps have spawned or woken. They run before what is in
// the queue, and those spawned by the last step first: so a tree of tasks is walked depth
// first, and few of its frames are live at a time. Those that one step spawned, and all
// that were woken, run in their order.
type inlineLocal struct {
	executor *Inline
	spawned  coro.Queue // by the step that runs
	ready    coro.Queue // spawned before
	woken    coro.Queue
	turns    int // how many may run before one of the other queue does
}

// localTurns is how many tasks of the local queue run before one of the other queue does.
const localTurns = 64

// PushLocal takes a task that a step has made ready.
func (l *inlineLocal) PushLocal(t coro.Task, from coro.Origin) {
	switch from {
	case coro.Spawned:
		l.spawned.Push(t)
		return
	case coro.Woken:
		l.woken.Push(t)
		return
	}
	l.executor.mu.Lock()
	defer l.executor.mu.Unlock()
	l.executor.queue.Push(t)
}

func (l *inlineLocal) pop() (coro.Task, bool) {
	l.ready.Prepend(&l.spawned)
	if l.ready.Len() > 0 {
		return l.ready.Pop()
	}
	return l.woken.Pop()
}

// PopLocal takes a task for the worker to run when another has ended or waits.
func (l *inlineLocal) PopLocal() (coro.Task, bool) {
	if l.turns <= 0 {
		return coro.Task{}, false
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
func (e *Inline) Post(t coro.Task) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
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
			e.running = false
			panic(v)
		}
		if exits {
			e.relieve()
		}
		e.running = false
	}()
	e.runAll()
	exits = false
}

// relieve makes other goroutines run what this one, which a task or a handler
// ended with runtime.Goexit, would have run. The caller holds mu.
func (e *Inline) relieve() {
	for e.queue.Len() > 0 || !e.local.empty() {
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
	for {
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
func (e *Inline) run(t coro.Task) {
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

// Close ends the executor. Tasks that wait for something, and those that a panic of
// an error handler left in the queue, are cancelled. The error wraps [arena.ErrLeak] if the executor's own arena
// has live frames all the same. Closing again returns nil. Close must not be
// called from a step function or an error handler, nor while another goroutine
// runs tasks in Post.
func (e *Inline) Close() error {
	if !e.close() {
		return nil
	}
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

// close makes Post refuse, and reports whether it did not before.
func (e *Inline) close() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running {
		panic("executor: Close of an Inline that is running tasks: close it after Post has returned")
	}
	was := e.closed
	e.closed = true
	return !was
}
