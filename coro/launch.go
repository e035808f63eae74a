package coro

import (
	"context"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// Go launches a task of kind k on ex and does not wait for it. An error of the
// task goes to the executor's handler. Go itself returns an error, and has
// launched nothing, if there is no memory ([arena.ErrExhausted]) or the executor
// takes no more tasks.
func Go[S, R any](ex Executor, k *Kind[S, R], state S) error {
	if k == nil {
		panic("coro: Go with a nil Kind: make one with Define")
	}
	env := ex.Environment()
	x := env.runtime // env may be gone when Post returns
	if w := currentWorker(); w.serves(x) {
		h, err := w.newRoot(env, &k.kind)
		if err == nil {
			(*Frame[S, R])(unsafe.Pointer(h)).State = state
			w.launch(h, env)
		}
		return err
	}
	if err := x.launching.Launch(false); err != nil {
		return err
	}
	launched := false
	defer func() { x.leaveLaunch(launched) }()
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
	env := ex.Environment()
	x := env.runtime // env may be gone when Post returns
	if w := currentWorker(); w.serves(x) {
		h, err := w.newRoot(env, &k.kind)
		if err == nil {
			(*Frame[S, R])(unsafe.Pointer(h)).State = state
			k.hold(w, h, &held)
			w.launch(h, env)
		}
		return err
	}
	if err := x.launching.Launch(false); err != nil {
		return err
	}
	launched := false
	defer func() { x.leaveLaunch(launched) }()
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
// it: coro.RunAsync(ex)(kind.With(state)). The two steps let the options be in
// force before the frame is made. The errors are those of [Go].
func RunAsync(ex Executor, opts ...LaunchOption) func(Launchable) error {
	return func(l Launchable) error {
		if l == nil {
			panic("coro: a nil Launchable cannot be launched: make a Call with With")
		}
		c := l.launchable()
		c.claim()
		if len(opts) == 0 {
			return c.launch(ex, nil, nil)
		}
		o := launchOptions(opts)
		if o.results != nil {
			o.results.mustFit(c)
			c.recipient = o.results
		}
		return c.launch(ex, &o, nil)
	}
}

// Run launches a call on ex and waits until it has ended. It returns the task's
// result and error. If ctx ends, tasks of the tree that wait for something go on
// and learn it from Err, others after their next Yield; Run still waits for them,
// as a parent waits for its children. Run
// must not be called from a step function: it would keep the worker.
func Run[R any](ctx context.Context, ex Executor, call Call[R]) (R, error) {
	var zero R
	call.launchable().claim()
	c := call.c
	c.waited = true
	if err := c.launch(ex, &options{ctx: ctx}, nil); err != nil {
		return zero, err
	}
	c.done.wait()
	result, err := c.take(), c.err
	c.release()
	return result, err
}

// launch makes the root of a claimed call and posts it. Unless Run waits for it, the call
// must not be touched afterwards. within is the executor of the task whose tree the root
// is a part of; nil if it is not part of one.
func (c *call) launch(ex Executor, o *options, within *execRuntime) error {
	env := ex.Environment()
	carries := o != nil
	x := env.runtime // env may be gone when Post returns
	w := currentWorker()
	if !w.serves(x) {
		w = nil
	}
	if err := x.beginLaunch(w, x == within); err != nil {
		c.waited, c.recipient = false, nil
		c.recycle()
		return err
	}
	launched := false
	if w == nil {
		defer func() { x.leaveLaunch(launched) }()
	}
	if carries {
		c.env = env.with(o)
		c.env.call = c
		c.tree.open(&c.env)
		c.trace.begin(&c.env, c.kind)
		if c.recipient != nil {
			c.recipient.attach(c)
		}
		env = &c.env
		if !c.waited {
			pinned.add(c)
		}
	}
	h := env.newRoot(w, c.kind)
	if h == nil {
		c.drop(carries)
		return arena.ErrExhausted
	}
	c.fill(w, h)
	if c.waited || c.recipient != nil {
		h.result = c.resultAddress
	}
	if !carries {
		c.recycle()
	}
	if w != nil {
		w.launch(h, env)
		return nil
	}
	launched = true // also if Post panics
	if err := ex.Post(Runnable{h}); err != nil {
		env.freeRoot(h)
		launched = false
		if carries {
			c.release()
		}
		return err
	}
	return nil
}

func (c *call) drop(carries bool) {
	if carries {
		c.release()
	} else {
		c.recycle()
	}
}

// newRoot makes a root's frame, or returns nil. Its state is undefined. w is the worker in
// whose step it is called, or nil.
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
	if e.relay != nil && e.call == nil {
		e.relay.rootBegan()
	}
	return h
}

// rootFrameSize returns how much memory a root of kind k gets, in bytes. A custom
// allocator is asked for what is needed, and nothing is known of what it gives more.
func (e *Environment) rootFrameSize(k *kind) uintptr {
	size := max(k.size, e.rootSize)
	if e.allocator == nil {
		if class := bins.ClassOf(size); class < bins.Classes {
			return class.Size()
		}
	}
	return size
}

// freeRoot takes back the frame of a root that never ran.
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
	if e.relay != nil && e.call == nil {
		e.relay.rootEnded()
	}
}

// newRoot makes the frame of a root of env, whose executor w serves, for Go and GoHeld. w
// runs a step.
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

// launch makes a root of env that newRoot has made ready to run. It is counted first: it may
// have ended when pushLocal returns.
func (w *Worker) launch(h *header, env *Environment) {
	countUp(&w.launched)
	w.pushLocal(Runnable{h}, env, OriginConcurrent)
}

// beginLaunch is Gate.Launch, or Gate.Admits if w is the worker in whose step it is called.
func (x *execRuntime) beginLaunch(w *Worker, inside bool) error {
	if w != nil {
		return x.launching.Admits(inside)
	}
	return x.launching.Launch(inside)
}

// leaveLaunch ends what Gate.Launch began. launched says whether there is a root.
func (x *execRuntime) leaveLaunch(launched bool) {
	if launched {
		x.launching.Leave()
		return
	}
	x.launching.TakeBack()
	x.roots.notifyIfDraining()
}
