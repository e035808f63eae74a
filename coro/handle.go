package coro

import (
	"context"
	"errors"
	"unsafe"
)

// The call that Start launches is the scope of its whole tree: it has the registry, the
// environment and the context, which is made when it is asked for. Its recipient is the
// Handle: call.rootEnded gives it the result. deliver releases the call before it sets the
// state, so a goroutine that sees the end finds nothing of the tree live.
//
// Cancel may come at any time, also when the call is reused. The Handle has the registry and
// its generation from before the launch. waitRegistry.cancel compares the generation with
// walk held, and the end of the tree changes it with walk held. So a late Cancel does nothing.
//
// A task awaits a Handle by way of a child of kind handleKind, and the child waits. So the
// error is the child's, which needs no memory in the awaiting frame, and the result goes
// where that of any child may go.

// Handle is a task that was launched by [Start]: it can be awaited, cancelled, and asked for
// its state and result. R is the type of the result.
//
// All methods may be called from any goroutine and in step functions, except Wait, which
// would keep the worker. A Handle is an ordinary object on the Go heap: it holds only what the
// task has ended with, and may be kept without limit, in held parts too. The task does not
// depend on it. It must not be copied.
type Handle[R any] struct {
	end *handleCompletion

	// What the task has ended with. It is written before the state in end says that the task
	// has ended, and read after that.
	result R
	err    error

	// tree and its generation are what Cancel cancels; tree is nil when the task has ended.
	// Written before the launch, then guarded by end's lock.
	tree       *waitRegistry
	generation uint64

	// inner says that the task is part of the tree of the task that waits for it: AwaitOn's.
	inner bool
}

// handleCompletion is what tasks and goroutines wait for that wait for the end of a Handle's
// task. Any goroutine may use it, under its lock. It is apart from the Handle because
// registries keep a waitable for a while after tasks have waited for it, and must not keep the
// result.
type handleCompletion struct {
	handleWaiters
}

type handleWaiters = waiters[completionState, struct{}]

// completionState is the state of a handleCompletion.
type completionState struct {
	task HandleState
	done chan struct{} // closed at the end; nil if Done was not called
}

// HandleState is the state of the task of a [Handle].
type HandleState uint8

const (
	// HandleRunning is the state from the launch on: the task runs, waits, or is queued to
	// run.
	HandleRunning HandleState = iota + 1

	// HandleCancelling is the state of a task that was cancelled by the Handle and has not
	// ended.
	HandleCancelling

	// HandleDone is the state of a task that has returned.
	HandleDone

	// HandleFailed is the state of a task that has ended with an error.
	HandleFailed
)

// String returns "running", "cancelling", "done" or "failed".
func (s HandleState) String() string {
	switch s {
	case HandleRunning:
		return "running"
	case HandleCancelling:
		return "cancelling"
	case HandleDone:
		return "done"
	case HandleFailed:
		return "failed"
	}
	return "not started"
}

// ErrRunning is what [Handle.Result] returns if the task has not ended.
var ErrRunning = errors.New("coro: the task has not ended")

// Start launches a call on ex and returns a handle of it. The task and what it awaits are a
// tree of their own; the options are those of [RunAsync] except [OnError] and [OnResult],
// since the handle has both. The errors are those of [Go].
//
// Start may be called from any goroutine, and in a step function. Also there, the task is not
// a child of the caller, and ends by itself. Closing the executor ends it with the executor's
// error. Start allocates two objects on the Go heap, and the first Done of a handle another
// one.
func Start[R any](ex Executor, call Call[R], opts ...StartOption) (*Handle[R], error) {
	mustBeExecutor(ex, "Start")
	call.launchable().claim()
	h := &Handle[R]{end: new(handleCompletion)}
	o := startOptions(opts)
	if err := h.launch(ex, &call.c.call, &o, nil); err != nil {
		return nil, err
	}
	return h, nil
}

// launch launches a claimed call, with h as its recipient; see call.launch.
func (h *Handle[R]) launch(ex Executor, c *call, o *options, within *execRuntime) error {
	h.end.state.task = HandleRunning
	c.recipient = h
	return c.launch(ex, o, within)
}

func (h *Handle[R]) attach(c *call) {
	c.tree.share(&c.env)
	c.env.scope = &c.scope
	if h.inner {
		c.tree.ctx = nil // the task that waits for it cancels it
	}
	h.tree, h.generation = &c.tree, c.tree.generation
}

// deliver ends the handle's task with err. After it has released the lock, h may have another
// use: deliver does not touch it any more.
func (h *Handle[R]) deliver(c *call, err error) {
	result := c.self.(*callFor[R]).take()
	c.release() // before the state: a goroutine that sees the end finds nothing of the tree live
	state := HandleFailed
	if err == nil {
		state = HandleDone
		h.result = result
	}
	h.err = err
	var woken wakeList
	e := h.end
	e.lock.mu.Lock()
	h.tree = nil
	e.state.task = state
	if e.state.done != nil {
		close(e.state.done)
	}
	e.queue.wakeAll(flagWoken, &woken)
	e.lock.mu.Unlock()
	post(&woken)
}

// Cancel cancels the task and what it awaits: tasks that wait continue, and their Err is
// cause; others get it after their next Yield or wait; their context ends. If cause is nil, it
// is [context.Canceled]. Like the end of a context, that ends no task by force. Cancel does
// not wait, and does nothing if the task has ended or was cancelled before.
func (h *Handle[R]) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	h.cancel(canceledWith(cause))
}

// cancel is Cancel with the error that the task's context has then.
func (h *Handle[R]) cancel(end ending) {
	e := h.started()
	e.lock.mu.Lock()
	tree, generation := h.tree, h.generation
	if e.state.task == HandleRunning {
		e.state.task = HandleCancelling
	}
	e.lock.mu.Unlock()
	if tree != nil {
		// The tree may end before that, and the registry become another tree's: then the
		// generation is another one.
		tree.cancel(generation, end)
	}
}

// State returns the state of the task.
func (h *Handle[R]) State() HandleState {
	e := h.started()
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	return e.state.task
}

// Result returns what the task has ended with, or [ErrRunning] if it has not ended. It may be
// called any number of times: all calls return the same result, and no copy of what that
// refers to.
func (h *Handle[R]) Result() (R, error) {
	if !h.started().lockedHasEnded() {
		var zero R
		return zero, ErrRunning
	}
	return h.result, h.err
}

// Done returns a channel that is closed when the task has ended.
func (h *Handle[R]) Done() <-chan struct{} {
	e := h.started()
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.state.done == nil {
		e.state.done = make(chan struct{})
		if e.hasEnded() {
			close(e.state.done)
		}
	}
	return e.state.done
}

// Wait waits until the task has ended, and returns its result and error. If ctx ends before
// that, Wait returns ctx's cause, and the task continues. Wait must not be called from a step
// function, since it would keep the worker: use Await there.
func (h *Handle[R]) Wait(ctx context.Context) (R, error) {
	if !h.started().lockedHasEnded() {
		select {
		case <-h.Done():
		case <-ctx.Done():
			if !h.end.lockedHasEnded() {
				var zero R
				return zero, context.Cause(ctx)
			}
		}
	}
	return h.result, h.err
}

// Await waits until the task has ended, and resumes f's task at the resume point at. The result
// goes to *result, which must lie in f's state or held part, or nowhere if result is nil;
// f.Err gives the error. Any number of tasks may await one Handle, on any executor, and each
// gets the result.
//
// If f's own tree is cancelled, f continues, and f.Err gives the cause; the Handle's task
// continues too. Await costs as much as an Await of a small child, and allocates nothing on
// the Go heap in the steady state.
func (h *Handle[R]) Await(f AnyFrame, at int, result *R) Step {
	h.started()
	k := kindByResult[R](&handleKinds, defineHandleKind[R])
	return awaitHeldBy(f.anyFrame(), at, k.HeldKind, handleHeld[R]{h}, result)
}

// started returns h.end. It panics for the zero Handle.
func (h *Handle[R]) started() *handleCompletion {
	if h == nil || h.end == nil {
		panic("coro: the zero Handle has no task: make one with Start")
	}
	return h.end
}

// hasEnded reports whether the task has ended. The caller holds the lock.
func (e *handleCompletion) hasEnded() bool { return e.state.task >= HandleDone }

// lockedHasEnded is hasEnded for a caller that does not hold the lock.
func (e *handleCompletion) lockedHasEnded() bool {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	return e.hasEnded()
}

// park is for tasks that continue when their own tree is cancelled.
func (e *handleCompletion) park(_ *Worker, h *header) parking {
	return e.parkIn(h.env.get().registry, h)
}

// parkIn is park with another registry than that of h's tree.
func (e *handleCompletion) parkIn(r *waitRegistry, h *header) parking {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.hasEnded() {
		return parkDone
	}
	return e.waitIn(r, e, h, struct{}{})
}

func (e *handleCompletion) visit(v *visitor) bool { return e.visitAs("Handle.Await", v) }

// handleHeld is the held part of the child by which a task awaits a Handle.
type handleHeld[R any] struct{ handle *Handle[R] }

// handleKind is the kind of that child.
type handleKind[R any] struct {
	*HeldKind[struct{}, handleHeld[R], R]
}

var handleKinds kindsByResult

func defineHandleKind[R any]() *handleKind[R] {
	return &handleKind[R]{DefineHeld("coro.Handle.Await", func(f *Frame[struct{}, R], held *handleHeld[R]) Step {
		h := held.handle
		if h.end.lockedHasEnded() {
			if h.err != nil {
				return f.Fail(h.err)
			}
			return f.Return(h.result)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.waitFor(1, h.end)
	})}
}

// awaitHeldBy is AwaitHeld by a task of any kind, without arguments.
func awaitHeldBy[CH, CR any](h *header, at int, k *HeldKind[struct{}, CH, CR], held CH, result *CR) Step {
	h.mustRun("Await")
	c := h.await(at, &k.kind, unsafe.Pointer(result), h.kind.get().size-headerSize)
	if c.layout&flagRefused == 0 { // a child that only fails needs no held part
		k.hold(h.worker.get(), c, &held)
	}
	return Step{next: c, op: opAwait}
}
