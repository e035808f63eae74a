package coro

import (
	"context"
	"sync"

	"github.com/framearena/framearena/internal/slots"
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
	slot *slots.Slot[scope] // this, in scopes
	base *Environment       // that of what is around; nil if that is nothing

	// shielded says that the ends of what is around are not the end of this, and
	// ownCtx that env.ctx is not base's.
	shielded, ownCtx bool

	ctxMu  sync.Mutex // guards what follows
	ctx    context.Context
	endCtx context.CancelCauseFunc
}

// scopes has all scopes.
var scopes slots.Of[scope]

func init() { scopes.Init() }

// openScope returns a new scope of tasks whose environment would be base. w is the
// worker whose goroutine calls.
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
	slot := s.slot
	s.env, s.base, s.slot = Environment{}, nil, nil
	scopes.Put(w.freeSlots(), slot)
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

// enclose gives c, which has just been made, a scope of its own.
func (w *Worker) openChildScope(c *header, o *options) {
	s := openScope(w, c.env.get(), o)
	c.env.set(&s.env)
	c.layout |= flagScope
}
