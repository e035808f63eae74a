package coro

import (
	"context"
	"sync"
	"time"
)

// scopeSource is the parent of a scope's context, if the scope has a deadline, or a context of
// its own within a tree that can end, or was cancelled before a task asked for the context. Only
// a parent can end a context of package context with an error that is not context.Canceled, and
// only a context of package context gives its Cause and ends the contexts that are made from it.
// So Frame.Context returns a context of package context, and this type is the parent of it.
//
// A scopeSource does not end by itself: the scope learns of each end, of the
// executor's deadlines as well as of the contexts around, and calls end, at most once. Any
// goroutine may use it.
type scopeSource struct {
	values   context.Context // has the values, and does not end
	deadline time.Time       // zero: none
	done     chan struct{}   // closed by end

	mu    sync.Mutex      // guards what follows
	err   error           // nil until end
	cause context.Context // a context with the cause of the end; nil until end
	child func()          // ends the context that has this parent; nil: there is none any more
}

// Deadline is part of context.Context.
func (s *scopeSource) Deadline() (time.Time, bool) { return s.deadline, !s.deadline.IsZero() }

// Done is part of context.Context.
func (s *scopeSource) Done() <-chan struct{} { return s.done }

// Err is part of context.Context.
func (s *scopeSource) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Value is part of context.Context. After the end it also has the value by which context.Cause
// finds the cause.
func (s *scopeSource) Value(key any) any {
	s.mu.Lock()
	cause := s.cause
	s.mu.Unlock()
	if cause != nil {
		if v := cause.Value(key); v != nil {
			return v
		}
	}
	return s.values.Value(key)
}

// AfterFunc is the method that package context calls instead of starting a goroutine. It is called
// once, for the one context that has this parent. The context calls f itself if it finds that
// the parent has ended.
func (s *scopeSource) AfterFunc(f func()) (stop func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.child = f
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		had := s.child != nil
		s.child = nil
		return had
	}
}

// end ends the context.
func (s *scopeSource) end(end ending) {
	cause, setCause := context.WithCancelCause(context.Background())
	setCause(end.cause)
	s.mu.Lock()
	s.err, s.cause = end.err, cause
	close(s.done)
	child := s.child
	s.child = nil
	s.mu.Unlock()
	if child != nil {
		child()
	}
}

// earliest returns the earlier one of two deadlines. The zero time is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// scopeContext is the context of the tasks in a scope. The goroutine that makes it, the canceller
// and the one that closes the scope use it, under mu. All of it is nil until a task asks for the
// context.
//
// No end is lost: the canceller sets scopeCancelled and takes the scopeExtra, with the stripe's
// lock held, and then looks for the context; the goroutine that makes the context stores it and
// then loads the flag.
type scopeContext struct {
	mu     sync.Mutex
	ctx    context.Context
	source *scopeSource // the parent of ctx, if that is one
	cancel context.CancelCauseFunc
}

// end ends the context, if there is one that has not ended. c may be that of no scope.
func (e *scopeExtra) end(end ending) {
	if e == nil {
		return
	}
	c := &e.scopeContext
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		return
	}
	if c.source != nil && c.ctx.Err() == nil {
		c.source.end(end)
	}
	c.cancel(end.cause)
}

// close cancels the context, if there is one, because the scope ends.
func (e *scopeExtra) close() {
	if e == nil {
		return
	}
	c := &e.scopeContext
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx != nil {
		c.cancel(context.Canceled)
	}
}

// context returns the context of the tree, or of the scope that a task is in.
func (e *envRef) context() context.Context {
	if s := e.scope(); s != nil {
		return s.context()
	}
	return e.get().context()
}

// context returns the context of tasks in no scope.
func (e *Environment) context() context.Context {
	if e.ctx == nil {
		return context.Background()
	}
	return e.ctx
}

// context returns the context of the tasks in s. The first call makes it. The goroutine that runs a
// task of s, or of a scope in it, calls it.
func (s *scope) context() context.Context {
	state := s.state.Load()
	if state&scopeShared != 0 {
		return s.env.get().context()
	}
	if state&scopeArmed == 0 {
		s.arm() // otherwise nothing would cancel the context
	}
	// Frame.Err may have shown the end to the task before the timer, or the goroutine of the
	// context around, has cancelled the scope. The context shows it too.
	if end := s.end(); end.err != nil && s.state.Load()&scopeCancelled == 0 {
		s.cancel(end)
	}
	rt := s.runtime()
	st := rt.stripe(s)
	st.mu.Lock()
	extra := s.extra(st)
	st.mu.Unlock()
	c := &extra.scopeContext
	c.mu.Lock()
	ctx := c.ctx
	c.mu.Unlock()
	if ctx != nil {
		return ctx
	}
	// Without mu: the context around takes locks of its own.
	ctx, source, cancel := s.newContext()
	c.mu.Lock()
	if c.ctx == nil {
		c.ctx, c.source, c.cancel = ctx, source, cancel
	} else {
		cancel(nil) // another task of the scope was faster
		ctx = c.ctx
	}
	c.mu.Unlock()
	if s.state.Load()&scopeCancelled != 0 {
		extra.end(s.reason(rt))
	}
	return ctx
}

// newContext makes the context of the tasks in s. The caller holds no lock.
func (s *scope) newContext() (ctx context.Context, source *scopeSource, cancel context.CancelCauseFunc) {
	env, state := s.env.get(), s.state.Load()
	ownCtx := state&scopeOwnEnv != 0 && env.shares.ownCtx
	// The context around: that of the options, or that of the enclosing scope or tree.
	around := env.context()
	c := s.child()
	var outer *scope
	if c != nil {
		outer = c.outer()
	}
	if c != nil && !ownCtx {
		if outer != nil {
			around = outer.context()
		}
		if state&scopeShielded != 0 {
			around = context.WithoutCancel(around)
		}
	}
	var deadline time.Time
	if state&scopeTimed != 0 {
		deadline = env.runtime.timing().date(c.when)
	}
	switch {
	case ownCtx && outer != nil && state&scopeShielded == 0:
		d, _ := outer.context().Deadline() // of the tree, which is in force too
		deadline = earliest(deadline, d)
	case state&scopeCancelled != 0: // the context around may have ended later, in another way
	case deadline.IsZero():
		ctx, cancel = context.WithCancelCause(around)
		return ctx, nil, cancel
	}
	d, _ := around.Deadline()
	source = &scopeSource{values: context.WithoutCancel(around), deadline: earliest(deadline, d), done: make(chan struct{})}
	ctx, cancel = context.WithCancelCause(source)
	return ctx, source, cancel
}
