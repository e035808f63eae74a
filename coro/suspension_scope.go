package coro

// Scopes of functions that are called in place: a Timeout or Shield around a function that has no
// frame yet. The scope is opened before the call. If the function waits, its frame, the outermost of
// those that were made meanwhile, owns the scope, as a child's frame owns that of AwaitCall.

// InPlace is a scope that a function is called in, from [Suspension.OpenScope] to
// [Suspension.CloseScope].
type InPlace struct {
	scope  *childScope
	around envRef
	layout uint32 // of the frames around
}

// OpenScope makes what the function that runs calls from now on run with the given options.
func (s *Suspension) OpenScope(opts ...ChildOption) InPlace {
	o := childOptions(opts)
	p := InPlace{openScope(s.w, s.env, &o), s.env, s.layout}
	s.env = p.scope.ref()
	if o.allocator != nil {
		s.layout |= flagCustom
	}
	return p
}

// CloseScope ends what OpenScope began: the function that was called has returned, has panicked, or
// waits. It is called in a deferred function.
func (s *Suspension) CloseScope(p InPlace) {
	waits := s.status != goesOn
	if waits {
		if outer := s.root(); outer != nil {
			outer.layout |= flagScope
		} else {
			s.abandon()
		}
	}
	s.env, s.layout = p.around, p.layout
	if s.status == goesOn {
		p.scope.close(s.w)
		if waits {
			panic(errNoFrame)
		}
	}
}

// ownRoot returns the outermost of the frames that were made, if it refers to env and owns no scope;
// otherwise nil.
func (s *Suspension) ownRoot(env envRef) *header {
	if h := s.outermost.get(); h != nil && h.env == env && h.layout&flagScope == 0 {
		return h
	}
	return nil
}

// root is ownRoot for s.env, but puts another frame around those that were made if that is nil. It
// returns nil if there is no memory.
func (s *Suspension) root() *header {
	if h := s.ownRoot(s.env); h != nil {
		return h
	}
	h := s.tryAllocate(&passKind.kind)
	if h != nil {
		s.fill(h, &passKind.kind, 1)
		s.link(h)
	}
	return h
}

// passKind is the kind of frames that have nothing to do but to pass on how what they await ends.
var passKind = Define("task.pass", func(f *Frame[struct{}, struct{}]) Step {
	return ReturnBoth(f, struct{}{}, ChildErr(f))
})
