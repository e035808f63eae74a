package coro

// The loop over a generator: one chain of tasks, its Post, and when it ends.
//
// A loop runs one chain: the generator, which is a root, and the tasks that it awaits. Spawn
// panics in it (execRuntime.oneChain). The loop's goroutine is the only one that runs the
// chain, and owns the worker. The seqDriver is the chain's executor. At any time the chain is in
// one of these places:
//
//	runs          on the loop's goroutine, in steps
//	has yielded   a value, or has not begun: nextFrame is the frame to run next
//	waits         in the queue of a waitable, or for a timer: the lock of that owns it
//	ready         it was posted and not taken yet: ready is it
//	has ended     its root's frame is free
//
// So steps returns to advance for three reasons. If worker.current is not 0, the chain has
// yielded a value. Otherwise the chain waits, or has called Yield, or has ended; in all of these
// cases call.done will be given, once: by Post, on the goroutine that has woken the chain, or
// on the loop's own when a task calls Yield; or by rootEnded. A chain cannot be posted while it
// runs or once it has ended, so the two never meet, and each wait for done takes what one give
// has given.
//
// Post sets ready and gives done in one critical section of done.mu, and rootEnded leaves
// ready nil. Hence after a wait for done: ready is nil if and only if the chain has ended.
// The lock also hands the frame over: what the waker wrote into the frame, or into memory that
// the task will read, is written before Post and read after takeReady.
//
// Nobody closes the executor that a seqDriver is. A loop ends on its own goroutine, in end, in
// a deferred call: either the chain has ended, or it has yielded, or one of its step functions
// has panicked or called runtime.Goexit and worker.current is its frame. It never ends while
// the chain waits, because the goroutine is blocked in advance then.

import (
	"errors"
	"runtime/trace"
	"sync"

	"github.com/framearena/framearena/arena"
)

// seqLoop is a range loop over a generator. It belongs to the goroutine of the loop, and is used
// again for later loops.
type seqLoop[T any] struct {
	seqDriver

	// value is the next value of the loop. The generator, and those that it yields from, write
	// it: the result words of their frames have its address.
	value T
}

// seqDriver is the part of a seqLoop that does not depend on types: a worker that runs one chain
// of tasks, and the executor that the chain is on. It belongs to the goroutine of the loop,
// except for ready and call.done. All frames come from the environment's allocator; the
// worker's cache is not open.
type seqDriver struct {
	worker Worker

	// traced reports that an execution trace was taken when the loop began.
	traced bool

	// nextFrame is the frame whose step runs next: it has yielded the last value, or has not
	// begun. It is 0 while steps run and once the root has ended.
	nextFrame link[header]

	env sharedEnvironment // of the chain; it is shared with no other

	// call.done is given when the chain is ready, or has ended. call.err is the error of the generator.
	call call

	// runtime is what the chain needs to wait for something. It is not shared: a loop is an
	// executor of its own.
	runtime *execRuntime

	// ready is the chain when it has waited and was posted. Post writes it on any goroutine,
	// the loop takes it. Guarded by call.done.mu.
	ready Runnable
}

func newSeqLoop[T any]() *seqLoop[T] {
	l := new(seqLoop[T])
	l.call.done.init()
	l.runtime = newExecRuntime(1)
	l.runtime.oneChain = true
	return l
}

// seqArena returns the arena for frames of loops that are given no allocator.
var seqArena = sync.OnceValue(func() *arena.Arena {
	a, err := arena.New()
	if err != nil {
		panic(err) // there are no options that could be wrong
	}
	return a
})

// begin makes the frame of the root, and returns it. It returns nil if there is no memory.
func (d *seqDriver) begin(k *kind, o *options) *header {
	env := &d.env.Environment
	base := Environment{executor: d, runtime: d.runtime}
	*env = base.with(o)
	env.shares = &d.env
	if env.allocator == nil {
		env.allocator = seqArena()
	}
	d.env.openRoot()
	d.traced = trace.IsEnabled()
	h := env.newRoot(nil, k)
	if h != nil {
		h.env = d.env.ref()
		h.layout |= flagSeq
		d.nextFrame.set(h)
	}
	return h
}

// pass gives values to yield until the generator has ended or yield returns false. It returns true
// if it must be called again: a task that the generator awaits has panicked, and the task that
// awaits it is to resume. It does not recover any other panic.
func (l *seqLoop[T]) pass(yield func(T) bool) (again bool) {
	defer func() {
		if !l.isInChild() {
			return
		}
		if v := recover(); v != nil { // if it is nil, the step has called Goexit
			h := l.worker.failOnPanic(v)
			if h.at&atMask == Cleanup && recoveredInGoexit() {
				h.at = 0 // the goroutine ends: end calls the cleanup step
			}
			l.nextFrame.set(h)
			again = true
		}
	}()
	for l.advance() && yield(l.value) {
	}
	return false
}

// isInChild reports whether the step function that is running, or has panicked, is that of a task
// that another task awaits.
func (d *seqDriver) isInChild() bool {
	if d.worker.current == 0 {
		return false
	}
	h, _ := d.worker.running()
	return h.layout&flagRoot == 0
}

// advance runs steps until there is a value. It returns false if the generator has ended.
func (d *seqDriver) advance() bool {
	w := &d.worker
	h := d.nextFrame.get()
	d.nextFrame = 0
	if h.at&atFailed == 0 && h.env.mayEnd() {
		w.takeCause(h)
	}
	for {
		if d.traced {
			w.stepsTraced(h, false)
		} else {
			w.steps(h)
		}
		if w.current != 0 { // the task there has yielded a value
			d.nextFrame = link[header](w.current &^ currentHasStep)
			w.current = 0
			return true
		}
		d.call.done.wait()
		if h = d.takeReady(); h == nil {
			return false
		}
		w.takeOutcome(h)
	}
}

// takeReady returns the frame of the chain that was posted, or nil if the chain has ended. The
// loop calls it after a wait for done.
func (d *seqDriver) takeReady() *header {
	d.call.done.mu.Lock()
	defer d.call.done.mu.Unlock()
	h := d.ready.h
	d.ready = Runnable{}
	return h
}

// end frees the frames that are left when the loop ends, and what else the loop has used. failed
// is what the cleanup steps have ended with, unless that is ErrLoopEnded: panicked reports that
// some have panicked, exited that some have called runtime.Goexit, which is not in failed.
func (d *seqDriver) end() (panicked, exited bool, failed error) {
	w := &d.worker
	h := d.nextFrame.get()
	if w.current != 0 { // a step function panicked, or ended the goroutine
		var child *header
		if h, child = w.running(); child != nil { // it will not begin
			w.discard(child)
		}
	}
	w.current = 0
	cause := ErrLoopEnded
	for h != nil {
		ends := w.runCleanup(h, cause)
		parent := h.parent.get()
		p, isPanic := ends.(*PanicError)
		switch {
		case isPanic:
			cause = errors.Join(cause, p) // as in Worker.Cancel
			if p.Value == error(ErrGoexit) {
				exited = true
				break
			}
			panicked = true
			failed = joinFailures(failed, p)
		case parent == nil && ends != nil && !errors.Is(ends, ErrLoopEnded):
			failed = joinFailures(failed, ends)
		}
		w.discard(h)
		h = parent
	}
	w.err = nil
	d.nextFrame = 0
	d.env.closeRoot()
	d.env.Environment = Environment{}
	d.call.err = nil
	return panicked, exited, failed
}

// joinFailures is errors.Join that leaves a single error as it is.
func joinFailures(before, err error) error {
	if before == nil {
		return err
	}
	return errors.Join(before, err)
}

var errOneChain = errors.New("coro: the loop over a generator runs nothing but the generator and what that awaits")

// Post takes the chain after it has waited, or has called Yield, and wakes the loop. Any goroutine
// may call it.
func (d *seqDriver) Post(t Runnable) error {
	done := &d.call.done
	done.mu.Lock()
	defer done.mu.Unlock()
	if d.ready.h != nil {
		return errOneChain
	}
	d.ready = t
	done.set = true
	done.cond.Signal()
	return nil
}

// Environment returns the environment of the loop.
func (d *seqDriver) Environment() *Environment { return &d.env.Environment }

var _ Executor = (*seqDriver)(nil)
