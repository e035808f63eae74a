package executor

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
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
	options loopOptions
	env     *coro.Environment

	// worker belongs to the goroutine that set driven.
	worker *coro.Worker

	// ready gets a value when there is something to do, unless it has one. So it has
	// one, or somebody has taken it and will drive, whenever tasks are queued and
	// nobody drives.
	ready chan struct{}

	mu     sync.Mutex // guards what follows
	queue  coro.RunQueue
	driven bool       // some goroutine is in a method that drives
	left   *sync.Cond // driven has become false
	awake  bool       // and will look into the queue before it waits, and give notice if it leaves tasks there
	giveUp func()     // makes who drives leave soon, if that is Drain; otherwise nil
	askers int        // who wait for that

	closing closing

	// closed is set once, by Close, with mu held. Whoever drives looks at it before each task.
	closed atomic.Bool
	quit   chan struct{} // closed after closed was set

	// clock is nil if the time is real. until is how far the time may go; it belongs to the
	// goroutine that set driven.
	clock *virtualClock
	until int64
}

// NewLoop returns a Loop.
func NewLoop(opts ...LoopOption) *Loop {
	l := &Loop{options: newLoopOptions(opts), ready: make(chan struct{}, 1), quit: make(chan struct{})}
	l.left = sync.NewCond(&l.mu)
	if l.options.virtual {
		l.clock = new(virtualClock)
		l.options.clock = l.clock
	}
	l.env = l.options.newEnvironment(l)
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
// false if there was none. With virtual time, it jumps to the next timer if no task is ready.
func (l *Loop) RunOne() bool {
	l.begin()
	defer l.end()
	return l.runOne()
}

// RunUntilIdle runs tasks until none is ready, and returns how many it has run; one that
// was ready several times counts as often. Tasks that wait for something are not ready.
// With virtual time, those that sleep are, as soon as nothing else is: RunUntilIdle runs a
// simulation to its end.
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
//
// With virtual time, d is of that: RunFor runs what there is to run in it, however long it
// takes, and then the clock has gone on by d.
func (l *Loop) RunFor(d time.Duration) int {
	l.begin()
	defer l.end()
	if l.clock != nil {
		return l.runVirtual(d)
	}
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

// runVirtual is RunFor with virtual time.
func (l *Loop) runVirtual(d time.Duration) int {
	l.until = later(l.clock.now.Load(), d)
	n := 0
	for l.runOne() {
		n++
	}
	if !l.closed.Load() {
		l.clock.moveTo(l.until)
	}
	return n
}

// Now returns the time by the Loop's clock, that of [WithVirtualTime] or [WithClock], if it
// was given one; without, the time since some moment. Any goroutine may ask, and steps.
// Virtual time begins at 0.
func (l *Loop) Now() time.Duration { return l.env.Now() }

// Run runs tasks, and waits for more when none is ready, until ctx ends. It returns the
// cause of that. Tasks that are ready then stay in the queue. The error is [ErrClosed]
// if the Loop is closed.
func (l *Loop) Run(ctx context.Context) error {
	l.begin()
	defer l.end()
	return l.run(ctx)
}

func (l *Loop) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if l.runOne() {
			continue
		}
		if l.closed.Load() {
			return ErrClosed
		}
		l.worker.Publish() // an idle worker keeps no frames from others
		if l.sleep() {
			select {
			case <-l.ready:
			case <-ctx.Done():
			case <-l.quit:
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
	l.askers++
	for l.driven {
		if l.giveUp == nil || onStack(loopRunOne) {
			l.askers--
			panic("executor: a Loop is driven by two at a time, or by one of its own tasks: let one goroutine drive it, outside of tasks")
		}
		l.giveUp()
		l.left.Wait()
	}
	l.askers--
	l.drive()
}

// drive is called with mu held by who drives from now on.
func (l *Loop) drive() { l.driven, l.awake, l.until = true, true, math.MaxInt64 }

// end ends that. It is also called when a task ends the goroutine.
func (l *Loop) end() {
	l.mu.Lock()
	l.driven, l.awake, l.giveUp = false, false, nil
	left := !l.closed.Load() && l.queue.Len() > 0
	l.left.Broadcast()
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
	for !ok && l.clock != nil && !l.closed.Load() && l.clock.jump(l.until) {
		t, ok = l.pop()
	}
	if ok {
		l.worker.Run(t)
	}
	return ok
}

// pop takes nothing from a closed Loop: its queue and its worker are Close's.
func (l *Loop) pop() (t coro.Runnable, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed.Load() {
		return coro.Runnable{}, false
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

// Drain makes launches return [ErrClosed] from now on, except what tasks of the Loop await
// with [coro.AwaitOn], and drives the Loop until no root task is live: until all have ended,
// also those that wait or sleep. While another goroutine drives, Drain waits; and one that
// wants to is let in. The Loop is still to be closed.
//
// If ctx ends before that, Drain returns its cause, and may be called again. If the Loop is
// closed before that, the error is ErrClosed. Any goroutine may call Drain, but in a step or
// a handler of the Loop's tasks it returns an error that wraps [ErrInStep] at once, and does
// nothing; that may be so for those of another Loop, too, while this one is driven.
func (l *Loop) Drain(ctx context.Context) error {
	if l.inStep() {
		return inStep("Drain")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // if a handler panics
	driving, stop := context.WithCancel(context.Background())
	drained := make(chan error, 1)
	go func() {
		drained <- l.env.Drain(ctx, ErrClosed)
		stop()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.left.Broadcast()
	}()
	for {
		turn, ok := l.takeTurn(driving)
		if !ok {
			return <-drained
		}
		l.runDraining(turn)
	}
}

// takeTurn makes the caller the one who drives, as soon as nobody else does or wants to, and
// returns a context that ends when somebody wants to; or it returns false if ctx has ended, or
// the Loop is closed.
func (l *Loop) takeTurn(ctx context.Context) (turn context.Context, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ctx.Err() == nil && !l.closed.Load() {
		if !l.driven && l.askers == 0 {
			l.drive()
			turn, l.giveUp = context.WithCancel(ctx)
			return turn, true
		}
		l.left.Wait()
	}
	return nil, false
}

func (l *Loop) runDraining(ctx context.Context) {
	defer l.end()
	_ = l.run(ctx) // the error is that of the one who waits for the end of the roots
}

// Close ends the executor: the step that runs is the last, and all other tasks are
// cancelled, those that wait for something too. Whatever drives the Loop returns. The error
// wraps [arena.ErrLeak] if the executor's own arena has live frames all the same. Closing
// again waits for that, and returns nil. Any goroutine may call Close, but in a step or a
// handler of the Loop's tasks it returns an error that wraps [ErrInStep] at once, as Drain
// does.
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
	l.left.Broadcast()
	for l.driven {
		l.left.Wait()
	}
	l.mu.Unlock()
	l.env.Close(ErrClosed)
	// Nobody else uses the queue and the worker any more.
	l.env.CancelWaiting(ErrClosed)
	cancelAll(&l.queue, l.worker)
	l.worker.Close()
	if l.clock != nil {
		l.clock.forget()
	}
	return l.options.closeArena()
}

var loopRunOne = methodName((*Loop).runOne)

// inStep reports whether the calling goroutine runs tasks of l or, if another one does,
// tasks of some Loop: which one a stack does not say, and to note it would cost each RunOne.
func (l *Loop) inStep() bool {
	if l.closing.byCaller() || l.worker.IsOwner() {
		return true
	}
	l.mu.Lock()
	driven := l.driven
	l.mu.Unlock()
	return driven && onStack(loopRunOne)
}
