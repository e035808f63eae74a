package coro

import (
	"context"
	"errors"
	"unsafe"
)

// Handle is a task that was launched by [Start]: it can be awaited, cancelled, and asked
// how it stands. R is the type of the result.
//
// All methods may be called from any goroutine, and in step functions, except that Wait
// keeps the worker. A Handle is an object like any other: it holds nothing but what the
// task has ended with, may be kept as long as one likes, in held parts too, and the task
// does not depend on whether somebody has it. It must not be copied.
type Handle[R any] struct {
	end *handleCompletion

	// What the task has ended with. It is written before end says that it has ended, and
	// read after.
	result R
	err    error

	// tree and its generation are what Cancel cancels; tree is nil when the task has
	// ended. Set before the launch, then guarded by end's lock.
	tree       *waitRegistry
	generation uint64

	// inner says that the task is a part of the tree of one that waits for it: AwaitOn's.
	inner bool
}

// handleState is the end of a Handle's task, for those who wait for it. It is apart from the
// Handle because registries keep for a while what tasks have waited for: that must not be
// the result.
type handleCompletion struct {
	lock    lock
	state   HandleState   // guarded by lock, as the rest
	done    chan struct{} // closed at the end; nil if nobody asked for it before
	waiters fifo[struct{}]
}

// HandleState is how the task of a [Handle] stands.
type HandleState uint8

const (
	// HandleRunning is the state from the launch on: the task runs, or waits for something
	// or for its turn.
	HandleRunning HandleState = iota + 1

	// HandleCancelling is that of a task that was cancelled with the Handle and has not
	// ended.
	HandleCancelling

	// HandleDone is that of a task that has returned.
	HandleDone

	// HandleFailed is that of a task that has ended with an error.
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

// Start launches a call on ex and returns a handle of it. The task and what it awaits are
// a tree of their own; the options are those of [RunAsync] except [OnError] and
// [OnResult], since the handle has both. The errors are those of [Go].
//
// Start may be called from any goroutine, and in a step function: then too the task is
// nobody's child, and ends by itself. Closing the executor ends it with the executor's
// error. Start allocates two
// objects on the Go heap, and the first Done of a handle another one.
func Start[R any](ex Executor, call Call[R], opts ...StartOption) (*Handle[R], error) {
	call.launchable().claim()
	h := &Handle[R]{end: new(handleCompletion)}
	o := startOptions(opts)
	if err := h.launch(ex, &call.c.call, &o, nil); err != nil {
		return nil, err
	}
	return h, nil
}

// launch launches a claimed call; see call.launch.
func (h *Handle[R]) launch(ex Executor, c *call, o *options, within *execRuntime) error {
	h.end.state = HandleRunning
	c.recipient = h
	return c.launch(ex, o, within)
}

func (h *Handle[R]) attach(c *call) {
	c.tree.share(&c.env)
	c.env.scope = &c.scope
	if h.inner {
		c.tree.ctx = nil // who waits for it tells it
	}
	h.tree, h.generation = &c.tree, c.tree.generation
}

// ended must not touch h after it has let go of the lock: then h may have another use.
func (h *Handle[R]) deliver(c *call, err error) {
	result := c.self.(*callFor[R]).take()
	c.release() // whoever learns of the end finds nothing of the tree left
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
	e.state = state
	if e.done != nil {
		close(e.done)
	}
	e.waiters.wakeAll(flagWoken, &woken)
	e.lock.mu.Unlock()
	post(&woken)
}

// Cancel cancels the task and what it awaits: those that wait for something go on, and Err
// is cause; others learn it after their next Yield; their context ends. If cause is nil,
// it is [context.Canceled]. Like the end of a context, that ends nobody by force. Cancel
// does not wait, and does nothing if the task has ended or was cancelled before.
func (h *Handle[R]) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	e := h.started()
	e.lock.mu.Lock()
	tree, generation := h.tree, h.generation
	if e.state == HandleRunning {
		e.state = HandleCancelling
	}
	e.lock.mu.Unlock()
	if tree != nil {
		// The tree may end meanwhile, and its registry become another's: then the
		// generation is not right any more.
		tree.cancel(generation, cause)
	}
}

// State returns how the task stands.
func (h *Handle[R]) State() HandleState {
	e := h.started()
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	return e.state
}

// Result returns what the task has ended with, and [ErrRunning] if it has not ended. It
// may be called any number of times: all get the same result, not copies of what that
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
	if e.done == nil {
		e.done = make(chan struct{})
		if e.hasEnded() {
			close(e.done)
		}
	}
	return e.done
}

// Wait waits until the task has ended, and returns its result and error. If ctx ends
// before that, Wait returns ctx's cause, and the task goes on. It must not be called from
// a step function: it would keep the worker. See Await.
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

// Await waits until the task has ended, and goes on in f at the resume point at. The
// result goes to *result, which must lie in f's state or held part, or nowhere if result
// is nil; f.Err gives the error. Any number of tasks may await one Handle, on any
// executor, and each gets the result.
//
// If f's own tree is cancelled, f goes on, and f.Err gives the cause; the Handle's task
// goes on too. Await costs as much as an Await of a small child, and allocates nothing on
// the Go heap in the steady state.
func (h *Handle[R]) Await(f AnyFrame, at int, result *R) Step {
	h.started()
	k := kindByResult[R](&handleKinds, defineHandleKind[R])
	return awaitHeldBy(f.anyFrame(), at, k.HeldKind, handleHeld[R]{h}, result)
}

// started returns h.end.
func (h *Handle[R]) started() *handleCompletion {
	if h.end == nil {
		panic("coro: the zero Handle has no task: make one with Start")
	}
	return h.end
}

// over reports whether the task has ended. The caller holds the lock.
func (e *handleCompletion) hasEnded() bool { return e.state >= HandleDone }

func (e *handleCompletion) lockedHasEnded() bool {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	return e.hasEnded()
}

// park is for tasks that go on when their own tree is cancelled.
func (e *handleCompletion) park(_ *Worker, h *header) parking {
	return e.parkIn(h.env.get().registry, h)
}

func (e *handleCompletion) parkIn(r *waitRegistry, h *header) parking {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.hasEnded() {
		return parkDone
	}
	p := e.lock.admitTo(r, e, h)
	if p == parked {
		e.waiters.push(h, struct{}{})
	}
	return p
}

func (e *handleCompletion) withdraw(m match, woken *wakeList) {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	e.waiters.withdraw(m, woken)
}

func (e *handleCompletion) forget(r *waitRegistry) bool {
	if !e.lock.mu.TryLock() {
		return false
	}
	defer e.lock.mu.Unlock()
	return e.lock.forget(r, !e.waiters.idle())
}

// A task awaits a Handle by way of a child: then the error is the child's, which needs no
// memory in a frame, and the result goes where that of any child may go.

type handleHeld[R any] struct{ handle *Handle[R] }

// handleKind is the kind of the child.
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

// awaitHeldBy is AwaitHeld by a task of any kind.
func awaitHeldBy[CH, CR any](h *header, at int, k *HeldKind[struct{}, CH, CR], held CH, result *CR) Step {
	h.mustRun("Await")
	c := h.await(at, &k.kind, unsafe.Pointer(result), h.kind.get().size-headerSize)
	if c.layout&flagRefused == 0 { // a child that only fails needs no held part
		k.hold(h.worker.get(), c, &held)
	}
	return Step{next: c, op: opAwait}
}
