package executor

import (
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// Loop runs tasks when a goroutine drives it, on that goroutine. [Loop.RunOne],
// [Loop.RunUntilIdle], [Loop.RunFor], [Loop.Run] and [Loop.Drain] drive it. It suits tests,
// which decide how far tasks get before they look; games, which give tasks some time of each
// frame of the picture; and programs whose goroutine belongs to another event loop already.
//
// Any goroutine may post. One goroutine at a time may drive, and not in a task: a second one
// panics. Tasks run in the order in which they are posted. One that yields goes to the end
// of the queue.
//
// coro.Run waits for a task that the same goroutine would have to run. A goroutine that drives a
// Loop launches with coro.Go or coro.RunAsync.
//
// A step function that calls runtime.Goexit ends the goroutine that drives, and a panic of an
// error handler passes through the method that drives. Tasks that are left in the queue run
// when the Loop is driven again.
type Loop struct {
	options loopOptions
	env     *coro.Environment

	// worker belongs to the goroutine that has set driven.
	worker *coro.Worker

	// ready has room for one value. Whenever tasks are queued and no goroutine drives, it
	// has a value, or a goroutine has received one and is about to drive.
	ready chan struct{}

	mu       sync.Mutex // guards what follows
	queue    coro.RunQueue
	driven   bool       // some goroutine drives
	released *sync.Cond // driven has become false, or a goroutine that waits for that should give up
	awake    bool       // the goroutine that drives looks into the queue before it waits, and notifies if it leaves tasks there
	giveUp   func()     // makes the goroutine that drives leave soon, if it is in Drain; nil otherwise
	waiters  int        // goroutines that wait until driven is false, in begin

	closing closing

	// closed is set once, by Close, with mu held. The goroutine that drives loads it with mu
	// held when it takes a task, so it takes none afterwards. Other loads are hints.
	closed atomic.Bool
	quit   chan struct{} // closed after closed is set

	// clock is nil if the time is real. until is how far the time may go; it belongs to the
	// goroutine that has set driven.
	clock *virtualClock
	until int64
}

// NewLoop returns a Loop. It has to be closed.
func NewLoop(opts ...LoopOption) *Loop {
	l := &Loop{options: newLoopOptions(opts), ready: make(chan struct{}, 1), quit: make(chan struct{})}
	l.released = sync.NewCond(&l.mu)
	if l.options.virtual {
		l.clock = new(virtualClock)
		l.options.clock = l.clock
	}
	l.env = l.options.newEnvironment(l)
	if l.options.seeded || l.options.virtual {
		l.env.SetSeed(l.options.seed)
	}
	l.worker = coro.NewWorker(l.options.arena)
	return l
}

// Post queues the task. The error is [ErrClosed] or nil.
func (l *Loop) Post(t coro.Runnable) error {
	l.mu.Lock()
	if l.closed.Load() {
		l.mu.Unlock()
		return ErrClosed
	}
	l.queue.Push(t)
	notice := l.queue.Len() == 1 && !l.awake
	l.mu.Unlock()
	if notice {
		l.notify()
	}
	return nil
}

// Ready returns a channel that has a value when tasks are ready and nobody drives. The goroutine
// that receives the value drives the Loop, or has another goroutine do so. There may be a
// value although another goroutine has run the tasks meanwhile. When a method that drives
// returns and leaves tasks in the queue, there is a value.
func (l *Loop) Ready() <-chan struct{} { return l.ready }

// notify puts a value into ready, if there is none, and calls the function of WithNotify. The
// caller does not hold mu.
func (l *Loop) notify() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
	if f := l.options.notify; f != nil {
		f()
	}
}

// Environment returns the environment of tasks launched without options.
func (l *Loop) Environment() *coro.Environment { return l.env }

// Elided returns the number of frames that were elided so far: placed in the frame of the task
// that awaited them.
func (l *Loop) Elided() uint64 { return l.worker.Elided() }

// Arena returns the arena that frames come from.
func (l *Loop) Arena() *arena.Arena { return l.options.arena }

// Close ends the executor: the step that is running is the last one, and all other tasks are
// cancelled, also those that wait. A method that drives the Loop returns. The error wraps
// [arena.ErrLeak] if the executor's own arena has live frames all the same. A second Close
// waits until the first has ended, and returns nil. Any goroutine may call Close. In a step or
// a handler of the Loop's tasks it does nothing and returns an error that wraps [ErrInStep],
// as Drain does.
func (l *Loop) Close() error {
	if l.inStep() {
		return inStep("Close")
	}
	return l.closing.do(l.close)
}

func (l *Loop) close() error {
	l.mu.Lock()
	if !l.closed.Swap(true) {
		close(l.quit)
	}
	l.worker.Preempt()
	l.released.Broadcast()
	for l.driven {
		l.released.Wait()
	}
	l.mu.Unlock()
	l.env.Close(ErrClosed)
	// Nobody else uses the queue and the worker any more.
	cancelAll(&l.queue, l.worker) // first, since functions on goroutines may wait for these
	l.env.CancelWaiting(ErrClosed)
	l.worker.Close()
	l.env.FlushErrors()
	if l.clock != nil {
		l.clock.forget()
	}
	return l.options.closeArena()
}

var loopRunOne = methodName((*Loop).runOne)

// inStep reports whether the calling goroutine closes l or runs tasks of l. While another
// goroutine drives l, it also reports true in a task of another Loop: a stack does not show
// which Loop runs, and to note it would slow down each RunOne.
func (l *Loop) inStep() bool {
	if l.closing.byCaller() || l.worker.IsOwner() || l.env.InTaskFunction() {
		return true
	}
	l.mu.Lock()
	driven := l.driven
	l.mu.Unlock()
	return driven && onStack(loopRunOne)
}
