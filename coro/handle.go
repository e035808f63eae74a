package coro

import (
	"context"
	"errors"
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// A Handle is the scope of the tree that Start has launched: the frames of the tree refer to it,
// by integers, and liveHandles keeps it until the root has ended. Return writes the result into
// it. If the context of the tree can end, the scope is a childScope instead, within that of the
// shared environment, which refers to the Handle.
//
// # Its end
//
// The worker that ends the root closes the scope, and then sets the state to HandleDone or
// HandleFailed, under mu. A goroutine that sees the end finds nothing of the tree live, but for
// children that were left (see scope_hold.go), and the result written. Only those that wait for the
// end, and an error, need a handleEnd: it is made on demand, under mu, while the state says that the
// task runs. So the worker that ends the task finds it under mu, and wakes its waiters under its lock: a
// task that has the handleEnd and has not queued itself yet finds ended set there.
//
// # Cancel
//
// Cancel may come at any time. It takes the scope and its generation under mu, while the state
// says that the task runs; close changes the generation. So a late Cancel does nothing.
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
	handle
	result R // written by Return before the state says that the task has ended
}

// handle is the part of a Handle that does not depend on types.
type handle struct {
	own scope // of the tree, if its context cannot end

	tree *scope // of the tree: own, or that of a childScope. Not changed while the task runs.

	mu   interleave.Mutex
	task HandleState // guarded by mu
	left bool        // children are left in the tree, and the last one closes its scope; guarded by mu
	pin  uint32      // in liveHandles
	end  *handleEnd  // nil: nobody has waited, and there is no error; guarded by mu
}

// handleEnd is what tasks and goroutines wait for that wait for the end of a Handle's task. Any
// goroutine may use it, under its lock. It is apart from the Handle because most are not waited
// for, and because runtimes keep a waitable for a while after tasks have waited for it, and must
// not keep the result.
type handleEnd struct {
	handleWaiters

	// done is closed at the end; nil if Done was not called. err is what the task has ended with.
	// Both are guarded by the Handle's mu.
	done chan struct{}
	err  error
}

// handleWaiters is the lock, the state and the queue; an alias, see waiters.
type handleWaiters = waiters[struct{ ended bool }, struct{}]

// liveHandles keeps the Handles of tasks that have not ended.
var liveHandles pins[handle]

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
// Start may be called from any goroutine, and in a step function. Also there, the task is not a
// child of the caller, and ends by itself. Closing the executor ends it with the executor's
// error. Start allocates one object on the Go heap; the first wait for a task that has not ended,
// and an error, take another one.
func Start[R any](ex Executor, call Call[R], opts ...StartOption) (*Handle[R], error) {
	mustBeExecutor(ex, "Start")
	c := call.claim()
	h := new(Handle[R])
	o := startOptions(opts)
	if err := c.launch(ex, &o, launching{handle: &h.handle, result: uintptr(unsafe.Pointer(&h.result))}); err != nil {
		return nil, err
	}
	return h, nil
}

// begin makes h the scope of a tree with the environment env, and returns what the root refers
// to. inner says that the tree is a part of the tree of the task that waits for it, AwaitOn's,
// which cancels it.
func (h *handle) begin(env *sharedEnvironment, inner bool) envRef {
	h.task = HandleRunning
	h.pin = liveHandles.add(h)
	if env.root.env != 0 && !inner {
		s := openScope(nil, env.root.ref(), &options{})
		s.links[0] = uintptr(unsafe.Pointer(h))
		s.state.Or(scopeOfHandle)
		h.tree = &s.scope
		return h.tree.ref()
	}
	flags := uint64(scopeOfHandle | scopeArmed)
	if inner {
		flags |= scopeNoContext
	}
	h.own.begin(&env.Environment, flags)
	h.tree = &h.own
	return h.tree.ref()
}

// handleOf returns the Handle whose tree s is the scope of, or nil.
func (s *scope) handleOf() *handle {
	switch state := s.state.Load(); {
	case state&scopeOfHandle == 0:
		return nil
	case state&scopeChild == 0:
		return (*handle)(unsafe.Pointer(s)) // own is the first field
	}
	l := link[handle](s.ofChild().links[0])
	return l.get()
}

var _ [-unsafe.Offsetof(handle{}.own)]struct{}

// close closes the scope of the Handle's tree: no task of it is left.
func (h *handle) close(w *Worker, tree *scope) {
	env := tree.env.get().shares
	if c := tree.child(); c != nil {
		c.closeNow(w)
	} else {
		tree.finish()
	}
	env.release()
	liveHandles.remove(h.pin)
}

// abandon undoes begin for a root that was not launched.
func (h *handle) abandon() {
	h.close(nil, h.tree)
	h.task, h.tree = 0, nil
}

// ended ends the Handle's task with err. After it has released mu, and then the lock of end, h
// may have another use: ended does not touch it any more.
func (h *handle) ended(w *Worker, err error) {
	tree := h.tree
	h.mu.Lock()
	h.tree = nil // Cancel does nothing from now on
	h.mu.Unlock()
	left := tree.isLeftOpen(w)
	if !left {
		h.close(w, tree)
	}
	h.mu.Lock()
	h.left = left
	h.task = HandleDone
	if err != nil {
		h.makeEnd().err = err
		h.task = HandleFailed
	}
	e := h.end
	if e == nil {
		h.mu.Unlock()
		return
	}
	if e.done != nil {
		close(e.done)
	}
	var woken wakeList
	e.lock.mu.Lock() // before mu is released: then h may be used again, with e
	h.mu.Unlock()
	e.state.ended = true
	e.queue.wakeAll(flagWoken, &woken)
	e.lock.mu.Unlock()
	post(&woken)
}

// makeEnd returns h.end, and makes it if there is none. The caller holds mu.
func (h *handle) makeEnd() *handleEnd {
	if h.end == nil {
		h.end = new(handleEnd)
		h.end.state.ended = h.task >= HandleDone
	}
	return h.end
}

// reuse makes h ready for another task, and reports whether it can have one. Nobody has it, but the
// runtime of a task that has waited may have end.
func (h *handle) reuse() bool {
	if h.left {
		return false
	}
	h.task = 0
	if e := h.end; e != nil {
		e.lock.mu.Lock()
		e.state.ended = false
		e.lock.mu.Unlock()
		e.done, e.err = nil, nil
	}
	return true
}

// Cancel cancels the task and what it awaits: tasks that wait continue, and their Err is
// cause; others get it after their next Yield or wait; their context ends. If cause is nil, it
// is [context.Canceled]. Like the end of a context, that ends no task by force. Cancel does
// not wait, and does nothing if the task has ended or was cancelled before.
func (h *Handle[R]) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	h.started().cancel(canceledWith(cause))
}

// State returns the state of the task.
func (h *Handle[R]) State() HandleState {
	s := h.started()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.task
}

// Result returns what the task has ended with, or [ErrRunning] if it has not ended. It may be
// called any number of times: all calls return the same result, and no copy of what that
// refers to.
func (h *Handle[R]) Result() (R, error) {
	if ended, err := h.started().outcome(); ended {
		return h.take(err)
	}
	var zero R
	return zero, ErrRunning
}

// take returns the result of a task that has ended with err. A task that has failed may have
// stored a result before.
func (h *Handle[R]) take(err error) (result R, _ error) {
	if err != nil {
		return result, err
	}
	return h.result, nil
}

// Done returns a channel that is closed when the task has ended.
func (h *Handle[R]) Done() <-chan struct{} { return h.started().doneChan() }

// Wait waits until the task has ended, and returns its result and error. If ctx ends before
// that, Wait returns ctx's cause, and the task continues. Wait must not be called from a step
// function, since it would keep the worker: use Await there.
func (h *Handle[R]) Wait(ctx context.Context) (R, error) {
	s := h.started()
	ended, err := s.outcome()
	if !ended {
		select {
		case <-s.doneChan():
		case <-ctx.Done():
			if ended, _ := s.outcome(); !ended {
				var zero R
				return zero, context.Cause(ctx)
			}
		}
		_, err = s.outcome()
	}
	return h.take(err)
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
	return awaitHeld(f.anyFrame(), at, k.HeldKind, struct{}{}, handleHeld[R]{h}, result)
}

// started returns the part that does not depend on types. It panics for nil and for the zero Handle.
func (h *Handle[R]) started() *handle {
	if h != nil {
		h.mu.Lock()
		started := h.task != 0
		h.mu.Unlock()
		if started {
			return &h.handle
		}
	}
	panic("coro: the zero Handle has no task: make one with Start")
}

// ---- without types

// cancel is Cancel with the error that the task's context has then.
func (h *handle) cancel(end ending) {
	h.mu.Lock()
	tree := h.tree
	if tree == nil { // the task has ended, or is just ending
		h.mu.Unlock()
		return
	}
	h.task = HandleCancelling
	// ended takes mu before it closes the scope, so that is open now.
	rt, generation := tree.runtime(), generationOf(tree.state.Load())
	h.mu.Unlock()
	rt.cancel(tree, generation, end)
}

// outcome reports whether the task has ended, and with which error.
func (h *handle) outcome() (ended bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.task == HandleFailed {
		err = h.end.err
	}
	return h.task >= HandleDone, err
}

func (h *handle) doneChan() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.makeEnd()
	if e.done == nil {
		e.done = make(chan struct{})
		if h.task >= HandleDone {
			close(e.done)
		}
	}
	return e.done
}

// waitFor makes the child f that stands for h's task wait for the end of it. uncancellable is for
// a child that waits although its own tree has been cancelled: only the closer of its executor
// finds it.
func (h *handle) waitFor(f AnyFrame, at int, uncancellable bool) Step {
	h.mu.Lock()
	e := h.makeEnd()
	h.mu.Unlock()
	if uncancellable {
		return f.anyFrame().waitFor(at, (*uncancellableEnd)(e))
	}
	return f.anyFrame().waitFor(at, e)
}

// park is for tasks that continue when their own tree is cancelled.
func (e *handleEnd) park(_ *Worker, h *header) parking { return e.parkIn(h.env.scope(), h) }

// parkIn is park for the task as if it were in the scope s.
func (e *handleEnd) parkIn(s *scope, h *header) parking {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.state.ended {
		return parkDone
	}
	return e.waitIn(s, e, h, struct{}{})
}

func (e *handleEnd) visit(v *visitor) bool { return e.visitAs("Handle.Await", v) }

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
		if ended, err := h.outcome(); ended {
			if err != nil {
				return f.Fail(err)
			}
			return f.Return(h.result)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return h.waitFor(f, 1, false)
	})}
}
