package coro

// Launching a root, and its way past the closer of the executor.
//
// Environment.Close refuses launches, and waits for those that have begun: afterwards no launch
// takes a frame from the arena or posts a task, so the executor may cancel what it has and
// close the arena. Environment.Drain refuses launches, and waits until no root is live. Both
// depend on the order of two things here: when a launch looks whether it is refused, and when
// it is counted.
//
// # From outside
//
// A goroutine that runs no step of the executor passes the gate execRuntime.launching, from
// before it makes a frame until Post has returned. gate.launch is one addition, which counts
// the goroutine as inside and the launch as a live root, and whose sum says whether the gate is
// closed or draining. So a closer that does not refuse the launch waits for it, and a Drain
// that does not refuse it counts it (root_end.go). It is counted first because it may be over
// when Post returns: the executor may run the task in Post. A launch that makes no root is
// taken back (leaveLaunch). Go's memory model makes the one addition enough: all changes of the
// gate's word have one order.
//
// # In a step
//
// A launch on the executor whose step is running takes the frame from the worker's cache and
// gives the task to the worker's queue. Both stay open while the worker runs a step, so there
// is nothing to pass: the gate's word is loaded, to refuse the launch if it must be, and not
// changed.
//
//   - The closer need not wait for the launch. An executor with workers of its own closes its
//     environment when none of them is in Run any more, and then takes what is in their queues.
//   - Drain need not see the launch in the gate's word. The worker counts it before the task is
//     in its queue, where another worker may take it and end it at once. The root whose step
//     launches is live until after that, and liveRoots reads launches after ends.
//
// The worker's count is a plain store (countUp). That is why a launch in a step has no barrier.
//
// # What may be touched afterwards
//
// When Post or pushLocal returns, the root may have ended. The frame is not touched any more,
// nor is a call for which no caller of Run waits. A shared environment may have another use, which is
// why the execRuntime, which leaveLaunch needs, is loaded before.

import (
	"context"
	"runtime/trace"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// Go launches a task of kind k on ex and does not wait for it. An error of the
// task goes to the executor's handler. Go itself returns an error, and has
// launched nothing, if there is no memory ([arena.ErrExhausted]) or the executor
// takes no more tasks. Go may be called from any goroutine, and in a step function.
func Go[S, R any](ex Executor, k *Kind[S, R], state S) error {
	if k == nil {
		panic("coro: Go with a nil Kind: make one with Define")
	}
	env := environmentOf(ex, "Go")
	rt := env.runtime
	if w := currentWorker(); w.serves(rt) {
		h, err := w.newRoot(env, &k.kind)
		if err == nil {
			(*Frame[S, R])(unsafe.Pointer(h)).State = state
			w.launch(h, env)
		}
		return err
	}
	if err := rt.launchFromOutside(false); err != nil {
		return err
	}
	launched := false
	defer func() { rt.leaveLaunch(launched) }()
	h := env.newRoot(nil, &k.kind)
	if h == nil {
		return arena.ErrExhausted
	}
	(*Frame[S, R])(unsafe.Pointer(h)).State = state
	launched = true // also if Post panics
	if err := ex.Post(Runnable{h}); err != nil {
		env.freeRoot(h)
		launched = false
		return err
	}
	return nil
}

// GoHeld is [Go] for kinds with a held part.
func GoHeld[S, H, R any](ex Executor, k *HeldKind[S, H, R], state S, held H) error {
	if k == nil {
		panic("coro: GoHeld with a nil HeldKind: make one with DefineHeld")
	}
	env := environmentOf(ex, "GoHeld")
	rt := env.runtime
	if w := currentWorker(); w.serves(rt) {
		h, err := w.newRoot(env, &k.kind)
		if err == nil {
			(*Frame[S, R])(unsafe.Pointer(h)).State = state
			k.hold(w, h, &held)
			w.launch(h, env)
		}
		return err
	}
	if err := rt.launchFromOutside(false); err != nil {
		return err
	}
	launched := false
	defer func() { rt.leaveLaunch(launched) }()
	h := env.newRoot(nil, &k.kind)
	if h == nil {
		return arena.ErrExhausted
	}
	(*Frame[S, R])(unsafe.Pointer(h)).State = state
	k.hold(nil, h, &held)
	launched = true // also if Post panics
	if err := ex.Post(Runnable{h}); err != nil {
		env.freeRoot(h)
		launched = false
		return err
	}
	return nil
}

// RunAsync returns a function that launches a call on ex and does not wait for
// it: coro.RunAsync(ex)(kind.With(state)). It takes two steps, so that the options are in
// force before the frame is made. Roots that are launched with equal options cost their frames, and
// with [OnResult] room for the result. The errors are those of [Go].
func RunAsync(ex Executor, opts ...LaunchOption) func(Launchable) error {
	mustBeExecutor(ex, "RunAsync")
	return func(l Launchable) error {
		if l == nil {
			panic("coro: a nil Launchable cannot be launched: make a Call with With")
		}
		c := l.claim()
		if len(opts) == 0 {
			return c.launch(ex, nil, launching{})
		}
		o := launchOptions(opts)
		if o.results != nil {
			o.results.mustFit(c)
		}
		return c.launch(ex, &o, launching{})
	}
}

// Run launches a call on ex and waits until it has ended. It returns the task's
// result and error. If ctx ends, tasks of the tree that wait for something resume, and
// [Frame.Err] returns the context's cause; others see it after their next [Yield]. Run still
// waits for the tree, as a parent waits for its children. Run must not be called from a step
// function: it would block the worker.
func Run[R any](ctx context.Context, ex Executor, call Call[R], opts ...StartOption) (R, error) {
	mustBeExecutor(ex, "Run")
	call.claim()
	o := startOptions(opts)
	if ctx != nil && ctx != context.Background() {
		o.ctx = ctx
	}
	if len(opts) == 0 && o.ctx == nil && !trace.IsEnabled() {
		return call.c.run(ex, nil, nil) // the executor's own environment does
	}
	return call.c.run(ex, &o, nil)
}

// run is Run for a claimed call.
func (c *callFor[R]) run(ex Executor, o *options, within *execRuntime) (R, error) {
	var zero R
	l := launching{result: uintptr(unsafe.Pointer(&c.result)), waited: true, within: within}
	if err := c.launch(ex, o, l); err != nil {
		return zero, err
	}
	c.done.wait()
	result, err := c.take(), c.err
	c.err, c.env = nil, nil
	c.recycle()
	return result, err
}

// GoCall is [Go] for a call, with options. It is [RunAsync] in one step.
func GoCall[R any](ex Executor, call Call[R], opts ...LaunchOption) error {
	mustBeExecutor(ex, "GoCall")
	c := call.claim()
	if len(opts) == 0 {
		return c.launch(ex, nil, launching{})
	}
	o := launchOptions(opts)
	if o.results != nil {
		o.results.mustFit(c)
	}
	return c.launch(ex, &o, launching{})
}

// ---- what they share

// environmentOf returns the environment of ex, and panics if ex is nil. function is the function
// that ex was given to.
func environmentOf(ex Executor, function string) *Environment {
	mustBeExecutor(ex, function)
	return ex.Environment()
}

// mustBeExecutor panics if ex is nil, before a call is claimed.
func mustBeExecutor(ex Executor, function string) {
	if ex == nil {
		panicNoExecutor(function)
	}
}

func panicNoExecutor(function string) {
	panic("coro: " + function + " on a nil Executor: give it a Pool, or whatever is to run the tasks")
}

// launching is what the launches of a call differ in, besides the options.
type launching struct {
	handle *handle      // of the root, for Start and AwaitOn; otherwise nil
	result uintptr      // where the result goes, for Run, Start and AwaitOn
	waited bool         // Run waits for the root, and recycles the call
	within *execRuntime // of the tree that the root is part of, for AwaitOn; nil for a tree of its own
}

// launch makes the root of a claimed call and posts it. Unless Run waits for the call, the caller
// must not touch it afterwards. If launch returns an error, it has recycled the call. o is nil if
// the root has the executor's own environment.
func (c *call) launch(ex Executor, o *options, l launching) error {
	base := ex.Environment()
	rt := base.runtime
	w := currentWorker()
	if !w.serves(rt) {
		w = nil
	}
	if err := rt.enterLaunch(w, rt == l.within); err != nil {
		c.recycle()
		return err
	}
	launched := false
	if w == nil {
		defer func() { rt.leaveLaunch(launched) }()
	}
	env, ref := base, envRef(unsafe.Pointer(base))
	if o != nil {
		var shared *sharedEnvironment
		if l.waited {
			shared = base.own(o, c.kind)
			c.env = shared
		} else {
			shared = base.shared(o, c.kind)
		}
		env, ref = &shared.Environment, shared.ref()
		if l.handle != nil {
			ref = l.handle.begin(shared, l.within != nil)
		}
	}
	h := env.newRoot(w, c.kind)
	if h == nil {
		l.abandon(env)
		c.recycle()
		return arena.ErrExhausted
	}
	h.env = ref
	h.result = l.result
	if env.results != nil {
		h.result = env.results.place(w)
	}
	c.fill(w, h)
	c.clearKept()
	if !l.waited {
		c.recycle()
	}
	if w != nil {
		w.launch(h, env)
		return nil
	}
	launched = true // also if Post panics
	if err := ex.Post(Runnable{h}); err != nil {
		if env.results != nil {
			env.results.drop(nil, h.result)
		}
		env.freeRoot(h)
		l.abandon(env)
		launched = false
		if l.waited {
			c.recycle()
		}
		return err
	}
	return nil
}

// abandon ends what the launch of a root has begun that there is not.
func (l launching) abandon(env *Environment) {
	switch {
	case l.handle != nil:
		l.handle.abandon()
	case env.shares != nil:
		env.shares.release()
	}
}

// newRoot makes the frame of a root of env for Go and GoHeld, in a step of w, which serves
// env's executor. It has passed what a launch in a step has to pass.
func (w *Worker) newRoot(env *Environment, k *kind) (*header, error) {
	if err := env.runtime.launching.Admits(false); err != nil {
		return nil, err
	}
	h := env.newRoot(w, k)
	if h == nil {
		return nil, arena.ErrExhausted
	}
	return h, nil
}

// launch counts the root h of env and gives it to w's queue, in a step of w. It counts first:
// the root may have ended when pushLocal returns.
func (w *Worker) launch(h *header, env *Environment) {
	countUp(&w.launched)
	w.pushLocal(Runnable{h}, env, OriginConcurrent)
}

// enterLaunch admits or refuses a launch. w is the worker in whose step it is called, if that
// serves the executor; nil if the launch is from outside. If enterLaunch then returns nil,
// leaveLaunch must be called. inside means that the root will be part of a live tree of this
// executor: draining does not refuse it.
func (rt *execRuntime) enterLaunch(w *Worker, inside bool) error {
	if w != nil {
		return rt.launching.Admits(inside)
	}
	return rt.launchFromOutside(inside)
}

// launchFromOutside passes the gate, or gives notice that a launch was refused: the gate has
// counted it for a moment, and Drain may have seen that count.
func (rt *execRuntime) launchFromOutside(inside bool) error {
	err := rt.launching.Launch(inside)
	if err != nil {
		rt.roots.notifyIfDraining()
	}
	return err
}

// leaveLaunch ends a launch that gate.launch has admitted. launched reports whether the
// executor has a root of it; otherwise the launch does not count, and that may have been what
// Drain waits for.
func (rt *execRuntime) leaveLaunch(launched bool) {
	if launched {
		rt.launching.Leave()
		return
	}
	rt.launching.TakeBack()
	rt.roots.notifyIfDraining()
}

// newRoot makes the frame of a root of kind k, or returns nil if there is no memory. Its state
// is undefined. w is the worker in whose step it is called, if that serves e's executor, or
// nil.
func (e *Environment) newRoot(w *Worker, k *kind) *header {
	layout := uint32(flagRoot)
	if e.counted {
		layout |= flagCounted
	}
	size := e.rootFrameSize(k)
	var h *header
	switch {
	case e.allocator != nil:
		layout |= flagCustom
		h = (*header)(e.allocator.Allocate(size))
	case w != nil:
		h = (*header)(w.cache.Allocate(size))
	default:
		h = (*header)(e.arena.Allocate(size))
	}
	if h == nil {
		return nil
	}
	*h = header{layout: layout | roomBehind(k, size)}
	h.kind.set(k)
	h.env.set(e)
	if e.counted {
		h.countStart(w)
	}
	if e.relay != nil && e.shares == nil {
		e.relay.rootBegan()
	}
	return h
}

// rootFrameSize returns how much memory a root of kind k gets, in bytes: from the arena a whole
// size class, from a custom allocator what is asked for, since that may give no more.
func (e *Environment) rootFrameSize(k *kind) uintptr {
	size := max(k.size, e.rootSize)
	if e.allocator == nil {
		if class := bins.ClassOf(size); class < bins.Classes {
			return class.Size()
		}
	}
	return size
}

// freeRoot frees the frame of a root that the executor has not taken, with its held part. No
// worker is at hand.
func (e *Environment) freeRoot(h *header) {
	k := h.kind.get()
	size := e.rootFrameSize(k)
	if h.layout&flagCounted != 0 {
		h.uncount()
	}
	if h.layout&flagHeld != 0 {
		k.held.release(nil, h)
	}
	if e.allocator != nil {
		e.allocator.Deallocate(unsafe.Pointer(h), size)
	} else {
		e.arena.Deallocate(unsafe.Pointer(h), size)
	}
	if e.relay != nil && e.shares == nil {
		e.relay.rootEnded()
	}
}
