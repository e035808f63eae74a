package coro

// Scopes: what closes one, what may cancel one, and which locks this takes.
//
// A scope has one owner, which closes it once, when all tasks in it have ended:
//
//   - the frame that was made with options (flagScope): the worker that frees the frame closes
//     the scope after it, in discard, since freeing uses the environment;
//   - a Group whose policy may cancel its children: the worker that has found that all
//     children have ended, in endRecord, or the task, in SetPolicy, before there are any;
//   - a call: the goroutine that releases it, see call.release.
//
// A canceller may come late, when the scope's slot, or its call, has another use. Slots are never
// given back to the collector, so the memory is a scope in any case, and
// waitRegistry.generation distinguishes the uses: close changes it with the registry's walk held,
// and a canceller compares it with walk held. There are these cancellers:
//
//   - the end of a context, a deadline timer, and a Handle: each has the generation of the use
//     that it is for, from the beginning of that use;
//   - scope.cancel, which reads the generation without walk. Its callers are the Group's task
//     and children that are still counted, so the scope is not closed meanwhile;
//   - the registry of the enclosing tree or scope: it finds this one in a list, with its own walk
//     held. close takes this one off the list, also with that walk held.
//
// Order of locks: execRuntime.mu, walk from the outer registry to the inner ones, the lock of a
// waitable, waitRegistry.mu. ctxMu comes after walk, and none of these is taken while it is held.
// The context is made without walk, and no cancel is lost: a canceller sets cancelled and then
// takes ctxMu; context, with ctxMu held, stores the context and then loads cancelled. The one
// that has ctxMu second sees what the other has written.

import (
	"context"
	"sync"
	"time"

	"github.com/framearena/framearena/internal/slots"
)

// scope is a part of a tree of tasks that has an environment of its own: a task that is awaited
// with a timeout, for example, or the children of a Group that may cancel them. It belongs to a
// frame or a Group and ends with it. It lies in a slot on the Go heap that is never given
// back, so frames may refer to it by integers.
//
// A call that carries an environment is a scope too: that of the whole tree. It belongs to the
// tree's root, and lies in no slot. It is its environment's scope only if something other than
// the tree's context can cancel the tree.
//
// Tasks of the scope, on any worker, read env; it does not change until close.
type scope struct {
	env  Environment        // of the tasks in the scope; env.scope is this scope
	tree waitRegistry       // has locks of its own
	slot *slots.Slot[scope] // this scope, in scopes; nil in a call
	base *Environment       // of the enclosing scope or tree; nil in a call

	// shielded reports that the end of the enclosing scope or tree does not end this one.
	// ownCtx reports that env.ctx was given with the options, and is not base's.
	shielded, ownCtx bool

	// timeout is the time that a child has from its start on, while it is queued because of
	// Group.SetLimit; otherwise 0. The Group's task writes it, and the goroutine that starts the
	// child.
	timeout time.Duration

	// ctx is what Frame.Context returns to tasks in the scope, source its parent if that is a
	// scopeSource, and endCtx cancels it. They are nil until a task asks for the context. ctxMu
	// guards them.
	ctxMu  sync.Mutex
	ctx    context.Context
	source *scopeSource
	endCtx context.CancelCauseFunc
}

// scopes has the slots of all scopes that are not calls.
var scopes slots.Of[scope]

func init() { scopes.Init() }

// openScope returns a new scope within base, with the options o. w is the worker whose goroutine
// calls. The registry is armed when a task in the scope begins to wait.
func openScope(w *Worker, base *Environment, o *options) *scope {
	slot := scopes.Take(w.freeSlots())
	s := &slot.Value
	s.slot, s.base, s.shielded, s.ownCtx = slot, base, o.shielded, o.ctx != nil
	s.env = *base
	s.env.scope = s
	s.env.registry = &s.tree
	if o.allocator != nil {
		s.env.allocator = o.allocator
	}
	r := &s.tree
	r.runtime, r.env, r.shared = base.runtime, &s.env, true
	if base.mayEnd() && !o.shielded {
		r.enclose(base.registry)
	}
	if o.ctx != nil {
		s.env.ctx = o.ctx
		if o.ctx.Done() != nil {
			r.ctx = o.ctx
		}
	}
	r.shorten(base.runtime.deadlineOf(o))
	return s
}

// close ends the use of the scope. Its owner calls it when all tasks in the scope have ended.
func (s *scope) close(w *Worker) {
	s.tree.close()
	s.closeContext()
	slot := s.slot
	s.env, s.base, s.slot, s.timeout = Environment{}, nil, nil, 0
	scopes.Put(w.freeSlots(), slot)
}

// cancel cancels the tasks in the scope. The caller knows that the scope is not closed before
// cancel returns: see the head of this file.
func (s *scope) cancel(cause error) { s.tree.cancel(s.tree.generation, canceledWith(cause)) }

// context returns the context of the tasks in the scope. The first call makes it. The goroutine
// that runs a task of the scope, or of a scope in it, calls it.
func (s *scope) context() context.Context {
	if s.base != nil && !s.tree.armed.Load() {
		s.tree.arm() // otherwise nothing would cancel the context
	}
	// Frame.Err may have shown the end to the task before the timer, or the goroutine of the
	// context around, has cancelled the scope. The context shows it too.
	if end := s.env.ending(); end.err != nil && !s.tree.cancelled.Load() {
		s.tree.cancel(s.tree.generation, end)
	}
	s.ctxMu.Lock()
	ctx := s.ctx
	s.ctxMu.Unlock()
	if ctx != nil {
		return ctx
	}
	// Without ctxMu: base.context takes locks that come before it.
	ctx, source, cancel := s.newContext()
	s.ctxMu.Lock()
	defer s.ctxMu.Unlock()
	if s.ctx == nil {
		s.ctx, s.source, s.endCtx = ctx, source, cancel
		if s.tree.cancelled.Load() {
			s.endContext(s.tree.ending)
		}
	} else {
		cancel(nil) // another task of the scope was faster
	}
	return s.ctx
}

// cancelContext ends the context, if there is one. The caller holds walk and has set cancelled.
func (s *scope) cancelContext(end ending) {
	s.ctxMu.Lock()
	defer s.ctxMu.Unlock()
	if s.ctx != nil {
		s.endContext(end)
	}
}

// endContext ends the context, unless it has ended. The caller holds ctxMu.
func (s *scope) endContext(end ending) {
	if s.source != nil && s.ctx.Err() == nil {
		s.source.end(end)
	}
	s.endCtx(end.cause)
}

// closeContext cancels the context, if there is one, because the scope ends.
func (s *scope) closeContext() {
	s.ctxMu.Lock()
	defer s.ctxMu.Unlock()
	if s.ctx != nil {
		s.endCtx(context.Canceled)
		s.ctx, s.source, s.endCtx = nil, nil, nil
	}
}

// openChildScope gives c, whose frame was just made, a scope of its own with the options o.
func (w *Worker) openChildScope(c *header, o *options) {
	s := openScope(w, c.env.get(), o)
	c.env.set(&s.env)
	c.layout |= flagScope
}

// startTimeout makes the time of c's Timeout begin, if c was queued because of Group.SetLimit. The
// goroutine that starts c calls it before c is in a queue of an executor. No other goroutine uses
// the scope's deadline before c has run.
func (c *header) startTimeout() {
	if c.layout&flagScope == 0 {
		return
	}
	s := c.env.get().scope
	if s.timeout == 0 {
		return
	}
	s.tree.shorten(s.tree.runtime.deadlineOf(&options{timeout: s.timeout}))
	s.timeout = 0
}
