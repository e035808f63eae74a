package coro

import (
	"context"
	"sync"
	"time"
)

// scopeSource is the parent of a scope's context, if the scope has a deadline, or a context of
// its own within a tree that can end, or was cancelled before a task asked for the context. Only a parent can end a context of package context with an
// error that is not context.Canceled, and only a context of package context gives its Cause and
// ends the contexts that are made from it. So Frame.Context returns a context of package context,
// and this type is the parent of it.
//
// A scopeSource does not end by itself: the registry of the scope learns of each end, of the
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

// newContext makes the context of the tasks in the scope, which is not cancelled, or was
// cancelled because of end. The caller holds no lock: the contexts around are made first, and
// their locks come before ctxMu.
func (s *scope) newContext() (ctx context.Context, source *scopeSource, cancel context.CancelCauseFunc) {
	// The context around: that of the options, or that of the enclosing scope or tree.
	around := s.env.ctx
	if s.base != nil && !s.ownCtx {
		around = s.base.context()
		if s.shielded {
			around = context.WithoutCancel(around)
		}
	}
	if around == nil {
		around = context.Background()
	}
	var deadline time.Time
	if d := s.tree.deadline; d != 0 {
		deadline = s.tree.runtime.timing().date(d)
	}
	switch {
	case s.ownCtx && s.tree.outer != nil:
		d, _ := s.base.context().Deadline() // of the tree, which is in force too
		deadline = earliest(deadline, d)
	case s.tree.cancelled.Load(): // the context around may have ended later, in another way
	case deadline.IsZero():
		ctx, cancel = context.WithCancelCause(around)
		return ctx, nil, cancel
	}
	d, _ := around.Deadline()
	source = &scopeSource{values: context.WithoutCancel(around), deadline: earliest(deadline, d), done: make(chan struct{})}
	ctx, cancel = context.WithCancelCause(source)
	return ctx, source, cancel
}
