package executor

import (
	"context"
	"sync"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// Loop runs tasks when it is told to, on the goroutine that tells it: [Loop.RunOne],
// [Loop.RunUntilIdle], [Loop.RunFor] and [Loop.Run] drive it. It suits tests, which say
// how far tasks get before they look, games, which give tasks some time of each frame,
// and programs whose goroutine belongs to another event loop already.
//
// Any goroutine may post. One at a time may drive, and not from inside of a task: it
// panics otherwise. Tasks run in the order in which they are posted; one that yields
// goes to the end of the queue.
//
// coro.Run waits for a task that the same goroutine would have to run: what drives a
// Loop launches with coro.Go or coro.RunAsync.
//
// A step function that calls runtime.Goexit ends the goroutine that drives, and a panic
// of an error handler goes on through the method that drives. What is left in the queue
// then runs when the Loop is driven again.
type Loop struct {
	options options
	env     *coro.Environment

	// worker belongs to the goroutine that set driven.
	worker *coro.Worker

	// ready gets a value when there is something to do, unless it has one. So it has
	// one, or somebody has taken it and will drive, whenever tasks are queued and
	// nobody drives.
	ready chan struct{}

	mu     sync.Mutex // guards what follows
	queue  coro.Queue
	driven bool // some goroutine is in a method that drives
	awake  bool // and will look into the queue before it waits, and give notice if it leaves tasks there
	closed bool
}

// WithNotify makes a [Loop] call f whenever it puts a value into the channel of
// [Loop.Ready] or would do so if there was none: for event loops that are not woken by
// a channel. f is called on the goroutine that posts or drives, while that holds no
// lock. It must not drive the Loop. Other executors do not use it.
func WithNotify(f func()) Option { return func(o *options) { o.notify = f } }

// NewLoop returns a Loop.
func NewLoop(opts ...Option) *Loop {
	l := &Loop{options: newOptions(opts), ready: make(chan struct{}, 1)}
	l.env = coro.NewEnvironment(l, l.options.arena, l.options.handler)
	l.worker = coro.NewWorker(l.options.arena)
	return l
}

// Post queues the task. The error is [ErrClosed] or nil.
func (l *Loop) Post(t coro.Task) error {
	l.mu.Lock()
	if l.closed {
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

// Ready returns a channel that has a value when tasks are ready and nobody runs them:
// who receives it drives the Loop, on whatever goroutine. There may also be a value
// when another has run them meanwhile. After each method that drives and leaves tasks
// in the queue, there is one.
func (l *Loop) Ready() <-chan struct{} { return l.ready }

func (l *Loop) notify() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
	if f := l.options.notify; f != nil {
		f()
	}
}

// RunOne runs the task that is next, until it has ended, yields or waits. It returns
// false if there was none.
func (l *Loop) RunOne() bool {
	l.begin()
	defer l.end()
	return l.runOne()
}

// RunUntilIdle runs tasks until none is ready, and returns how many it has run; one that
// was ready several times counts as often. Tasks that wait for something are not ready.
func (l *Loop) RunUntilIdle() int {
	l.begin()
	defer l.end()
	n := 0
	for l.runOne() {
		n++
	}
	return n
}

// RunFor is RunUntilIdle that returns when d has passed, if tasks are still ready then.
// It looks at the clock after each task, and so runs at least one, if there is one. It
// does not wait for tasks: that is what Run does.
func (l *Loop) RunFor(d time.Duration) int {
	l.begin()
	defer l.end()
	begun := time.Now()
	n := 0
	for l.runOne() {
		n++
		if time.Since(begun) >= d {
			break
		}
	}
	return n
}

// Run runs tasks, and waits for more when none is ready, until ctx ends. It returns the
// cause of that. Tasks that are ready then stay in the queue. The error is [ErrClosed]
// if the Loop is closed already.
func (l *Loop) Run(ctx context.Context) error {
	l.begin()
	defer l.end()
	if l.closed { // which is not changed while we drive
		return ErrClosed
	}
	for ctx.Err() == nil {
		if l.runOne() {
			continue
		}
		l.worker.Publish() // an idle worker keeps no frames from others
		if l.sleep() {
			select {
			case <-l.ready:
			case <-ctx.Done():
			}
			l.wake()
		}
	}
	return context.Cause(ctx)
}

// begin makes the caller the one who drives.
func (l *Loop) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.driven {
		panic("executor: a Loop is driven by two at a time, or by one of its own tasks: let one goroutine drive it, outside of tasks")
	}
	l.driven, l.awake = true, true
}

// end ends that. It is also called when a task ends the goroutine.
func (l *Loop) end() {
	l.mu.Lock()
	l.driven, l.awake = false, false
	left := !l.closed && l.queue.Len() > 0
	l.mu.Unlock()
	if left {
		l.notify()
	}
}

// sleep says that who drives is about to wait, or returns false if there is a task.
func (l *Loop) sleep() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awake = l.queue.Len() > 0
	return !l.awake
}

func (l *Loop) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awake = true
}

func (l *Loop) runOne() bool {
	t, ok := l.pop()
	if ok {
		l.worker.Run(t)
	}
	return ok
}

// pop takes nothing from a closed Loop: its queue and its worker are Close's.
func (l *Loop) pop() (t coro.Task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return coro.Task{}, false
	}
	return l.queue.Pop()
}

// Environment returns the environment of tasks launched without options.
func (l *Loop) Environment() *coro.Environment { return l.env }

// Elided returns how many frames were elided so far: placed in that of the task that
// awaited them.
func (l *Loop) Elided() uint64 { return l.worker.Elided() }

// Arena returns the arena that frames come from.
func (l *Loop) Arena() *arena.Arena { return l.options.arena }

// Close ends the executor, and cancels the tasks that are in the queue or wait for
// something. The error wraps [arena.ErrLeak] if the executor's own arena has live
// frames all the same. Closing again returns nil. Close panics while a goroutine drives
// the Loop: it comes after a Run has returned.
func (l *Loop) Close() error {
	if !l.close() {
		return nil
	}
	l.env.Close(ErrClosed)
	// Nobody else uses the queue and the worker any more.
	l.env.CancelWaiting(ErrClosed)
	cancelAll(&l.queue, l.worker)
	l.worker.Close()
	return l.options.closeArena()
}

// close makes Post refuse, and reports whether it did not before.
func (l *Loop) close() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.driven {
		panic("executor: Close of a Loop that is running tasks: close it after Run, or what else drives it, has returned")
	}
	was := l.closed
	l.closed = true
	return !was
}
