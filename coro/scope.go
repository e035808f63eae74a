package coro

import (
	"context"
	"errors"
	"sync"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// scope is a part of a tree of tasks that has an environment of its own: what is awaited
// with a timeout, for example, or the children of a group that cancels them. It belongs to
// a frame, ends with that, and lies in a slot on the Go heap that is never given back: so
// frames may refer to it.
//
// A call that carries an environment is a scope too: that of the whole tree. It belongs to
// the tree's root, lies in no slot, and is its environment's scope only if the tree can be
// cancelled by others than its context.
type scope struct {
	env  Environment // of its tasks; env.scope is this
	tree waitRegistry
	node *slotNode    // this, in scopes
	base *Environment // that of what is around; nil if that is nothing

	// shielded says that the ends of what is around are not the end of this, and
	// ownCtx that env.ctx is not base's.
	shielded, ownCtx bool

	ctxMu  sync.Mutex // guards what follows
	ctx    context.Context
	endCtx context.CancelCauseFunc
}

// scopes has all scopes.
var scopes slots

func init() { scopes.init(newSlots[scope]) }

// openScope returns a new scope of tasks whose environment would be base. w is the
// worker whose goroutine calls.
func openScope(w *Worker, base *Environment, o *Option) *scope {
	n := scopes.take(w)
	s := &slotOf[scope](n).held
	s.node, s.base, s.shielded, s.ownCtx = n, base, o.shielded, o.ctx != nil
	s.env = *base
	s.env.scope = s
	s.env.registry = &s.tree
	if o.allocator != nil {
		s.env.allocator = o.allocator
	}
	r := &s.tree
	r.runtime, r.env, r.shared = base.runtime, &s.env, true
	if base.mayEnd() && !o.shielded {
		r.outer = base.registry
	}
	if o.ctx != nil {
		s.env.ctx = o.ctx
		if o.ctx.Done() != nil {
			r.ctx = o.ctx
		}
	}
	r.deadline = base.runtime.deadlineOf(o)
	return s
}

// close ends the scope: its tasks have ended.
func (s *scope) close(w *Worker) {
	s.tree.close()
	s.closeContext()
	n := s.node
	s.env, s.base, s.node = Environment{}, nil, nil
	scopes.put(w, n)
}

// cancel ends the scope early. It is called by who knows that the scope has not ended.
func (s *scope) cancel(cause error) { s.tree.cancel(s.tree.generation, cause) }

// context returns the context of the tasks in the scope. It is made when somebody asks
// for it.
func (s *scope) context() context.Context {
	s.ctxMu.Lock()
	ctx := s.ctx
	s.ctxMu.Unlock()
	if ctx != nil {
		return ctx
	}
	if s.base != nil && !s.tree.armed.Load() {
		s.tree.arm() // so that the context is told
	}
	// Not with ctxMu held, as who cancels takes that last.
	outer := s.env.ctx
	if s.base != nil && !s.ownCtx {
		outer = s.base.context()
		if s.shielded {
			outer = context.WithoutCancel(outer)
		}
	}
	if outer == nil {
		outer = context.Background()
	}
	s.ctxMu.Lock()
	defer s.ctxMu.Unlock()
	if s.ctx == nil {
		s.ctx, s.endCtx = context.WithCancelCause(outer)
		if d := s.tree.deadline; d != 0 {
			s.ctx = &deadlineContext{s.ctx, s.tree.runtime.timing().date(d)}
		}
		if s.tree.cancelled.Load() {
			s.endCtx(s.tree.cause)
		}
	}
	return s.ctx
}

// cancelContext ends the context, if there is one. The caller has set cancelled.
func (s *scope) cancelContext(cause error) {
	s.ctxMu.Lock()
	defer s.ctxMu.Unlock()
	if s.ctx != nil {
		s.endCtx(cause)
	}
}

// closeContext ends the context, if there is one, with the scope.
func (s *scope) closeContext() {
	s.ctxMu.Lock()
	defer s.ctxMu.Unlock()
	if s.ctx != nil {
		s.endCtx(context.Canceled)
		s.ctx, s.endCtx = nil, nil
	}
}

// deadlineContext is a context that the executor's clock ends.
type deadlineContext struct {
	context.Context
	deadline time.Time
}

func (c *deadlineContext) Deadline() (time.Time, bool) {
	if d, ok := c.Context.Deadline(); ok && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

func (c *deadlineContext) Err() error {
	err := c.Context.Err()
	if err != nil && errors.Is(context.Cause(c.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}

// AwaitCall is [Await] for a call, of a kind of either sort, with options: [Timeout],
// [Deadline] and [Shield], and also [Context] and [Allocator], which are then in force for
// the child and what it awaits. It costs a little more than Await, and with options some
// more, but allocates nothing on the Go heap in the steady state.
//
// Options that only a launch can have make it panic.
func AwaitCall[S, R, CR any](f *Frame[S, R], at int, call Call[CR], result *CR, opts ...Option) Step {
	c := call.launchable()
	c.claim()
	h := f.awaitCall(at, c, unsafe.Pointer(result), unsafe.Sizeof(f.State), opts)
	c.recycle()
	return Step{next: h, op: opAwait}
}

// awaitCall makes the frame of a child from a call.
func (h *header) awaitCall(at int, call *call, result unsafe.Pointer, stateSize uintptr, opts []Option) *header {
	if len(opts) == 0 {
		c := h.await(at, call.kind, result, stateSize)
		if c.layout&flagRefused == 0 {
			call.fill(h.worker.get(), c)
		}
		return c
	}
	o := mergeForPart(opts)
	// Whatever is wrong with the await is found before there is a scope.
	c := h.awaitFrom(o.allocator, at, call.kind, result, stateSize)
	if c.layout&flagRefused != 0 {
		return c
	}
	w := h.worker.get()
	w.openChildScope(c, &o)
	call.fill(w, c)
	return c
}

// enclose gives c, which has just been made, a scope of its own.
func (w *Worker) openChildScope(c *header, o *Option) {
	s := openScope(w, c.env.get(), o)
	c.env.set(&s.env)
	c.layout |= flagScope
}

// awaitFrom is await with a frame from m, unless that is nil.
func (h *header) awaitFrom(m arena.FrameAllocator, at int, k *kind, result unsafe.Pointer, stateSize uintptr) *header {
	if m == nil {
		return h.await(at, k, result, stateSize)
	}
	w := h.mustBeAbleToAwait(k, result, stateSize)
	h.resumeAt(at)
	return h.makeChild(w, (*header)(m.Allocate(k.size)), k, result, flagCustom|h.layout&flagCounted)
}

// mergeForPart returns all of opts, which are for a part of a tree, in one.
func mergeForPart(opts []Option) Option {
	var all Option
	for _, o := range opts {
		all.merge(o)
	}
	all.mustBeForPart()
	return all
}

// mustBeForPart panics if there is an option that is not for a part of a tree.
func (o *Option) mustBeForPart() {
	if o.handler != nil || o.results != nil || o.rootSize != 0 || o.counted {
		panic("coro: OnError, OnResult, RootFrameSize and Counted are for launches, not for a child")
	}
	o.mustNotLimit()
}

// forPart reports whether o needs a scope.
func (o *Option) forPart() bool {
	return o.allocator != nil || o.ctx != nil || o.timeout != 0 || !o.deadline.IsZero() || o.shielded
}

func (o *Option) mustNotLimit() {
	if o.limit != 0 {
		panic("coro: the option Limit is for All, Any and Race; a Group has a method for that")
	}
}
