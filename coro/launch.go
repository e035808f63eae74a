package coro

import (
	"context"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Option changes the environment of one launch or, with [AwaitCall] and [SpawnCall], of
// one child and what it awaits.
type Option struct {
	allocator arena.FrameAllocator
	ctx       context.Context
	handler   func(error)
	results   resultHandler
	rootSize  uintptr
	timeout   time.Duration
	deadline  time.Time
	shielded  bool
	counted   bool
	profiled  bool // and counted
	limit     int
}

// merge makes o say what other says, and keep what it does not say.
func (o *Option) merge(other Option) {
	if other.allocator != nil {
		o.allocator = other.allocator
	}
	if other.ctx != nil {
		o.ctx = other.ctx
	}
	if other.handler != nil {
		o.handler = other.handler
	}
	if other.results != nil {
		o.results = other.results
	}
	if other.rootSize != 0 {
		o.rootSize = other.rootSize
	}
	if other.timeout != 0 {
		o.timeout = other.timeout
	}
	if !other.deadline.IsZero() {
		o.deadline = other.deadline
	}
	o.shielded = o.shielded || other.shielded
	o.counted = o.counted || other.counted
	o.profiled = o.profiled || other.profiled
	if other.limit != 0 {
		o.limit = other.limit
	}
}

// Allocator makes m serve every frame of the launched tree, and of no other. It
// is called from the goroutines that launch and run the tree, and must not be
// closed before the tree has ended.
func Allocator(m arena.FrameAllocator) Option { return Option{allocator: m} }

// Context gives the tree a context: when it ends, tasks of the tree that wait
// for something go on and learn it from Err, and others after their next Yield.
func Context(ctx context.Context) Option { return Option{ctx: ctx} }

// Timeout cancels the child, and what it awaits, when so much time has passed: tasks that
// wait go on, and Err is [context.DeadlineExceeded]. A timeout that is not positive has
// passed already. It is an option of [AwaitCall] and [SpawnCall].
func Timeout(d time.Duration) Option { return Option{timeout: max(d, 1)} }

// Deadline is [Timeout] with a point in real time, whatever clock the executor has.
func Deadline(t time.Time) Option { return Option{deadline: t} }

// Shield keeps the child, and what it awaits, from learning that what is around it has
// ended: the tree's context, a deadline, a group. It is for what must be brought to an
// end, such as to give something back over a connection, and is best combined with a
// [Timeout]. Closing the executor still cancels it. It is an option of [AwaitCall] and
// [SpawnCall].
func Shield() Option { return Option{shielded: true} }

// OnError makes f get the root's error, in place of the executor's handler. It is
// called on the worker's goroutine.
func OnError(f func(error)) Option { return Option{handler: f} }

// OnResult makes f get the root's result, if it ends without an error. It is called on the
// worker's goroutine. R must be the result type of what is launched: the launch panics
// otherwise. OnResult is an option of [RunAsync].
func OnResult[R any](f func(R)) Option {
	if f == nil {
		return Option{}
	}
	return Option{results: resultFunc[R](f)}
}

// resultHandler is a resultFunc of any type.
type resultHandler interface {
	recipient

	// mustFit panics if the handler is not one for the results of c.
	mustFit(c *call)
}

// resultFunc is the ender of a tree whose result goes to a function.
type resultFunc[R any] func(R)

func (f resultFunc[R]) mustFit(c *call) {
	if _, ok := c.self.(*callFor[R]); !ok {
		panic(fmt.Sprintf("coro: task %s: its result does not fit OnResult's function, which takes the type %v: give it one that takes what the task returns",
			quote(c.kind.name), reflect.TypeFor[R]()))
	}
}

func (f resultFunc[R]) attach(*call) {}

func (f resultFunc[R]) deliver(c *call, err error) {
	result := c.self.(*callFor[R]).take()
	handler := c.env.handler
	c.release()
	if err != nil {
		handler(err)
		return
	}
	f(result)
}

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
	if err := x.launching.launch(false); err != nil {
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

// RunAsync returns a function that launches a call on ex and does not wait for
// it: coro.RunAsync(ex)(kind.With(state)). The two steps let the options be in
// force before the frame is made. The errors are those of [Go].
func RunAsync(ex Executor, opts ...Option) func(Launchable) error {
	return func(l Launchable) error {
		if l == nil {
			panic("coro: a nil Launchable cannot be launched: make a Call with With")
		}
		c := l.launchable()
		c.claim()
		for i := range opts {
			if r := opts[i].results; r != nil {
				r.mustFit(c)
				c.recipient = r
			}
		}
		return c.launch(ex, opts, nil)
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
	opts := [...]Option{{ctx: ctx}}
	if err := c.launch(ex, opts[:], nil); err != nil {
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
func (c *call) launch(ex Executor, opts []Option, within *execRuntime) error {
	env := ex.Environment()
	carries := c.waited || c.recipient != nil || len(opts) > 0
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
		c.env = env.with(opts)
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

// with returns a copy of e, changed by opts.
func (e *Environment) with(opts []Option) Environment {
	changed := *e
	var all Option
	for _, o := range opts {
		if o.timeout != 0 || !o.deadline.IsZero() || o.shielded {
			panic("coro: Timeout, Deadline and Shield are for AwaitCall and SpawnCall: a launch has a context for that")
		}
		o.mustNotLimit()
		all.merge(o)
	}
	if all.allocator != nil {
		changed.allocator = all.allocator
	}
	if all.ctx != nil {
		changed.ctx = all.ctx
	}
	if all.handler != nil {
		changed.handler = all.handler
	}
	if all.rootSize != 0 {
		changed.rootSize = all.rootSize
	}
	changed.counted = changed.counted || all.counted
	changed.profiled = changed.profiled || all.profiled
	return changed
}
