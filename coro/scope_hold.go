package coro

// Scopes that stay open beyond their owner's end.
//
// A child of a Children may outlive the task that has begun it: that may return without a wait for it, may
// panic, or its executor may be closed, which ends tasks in any order. The child's frames refer to
// the scope that it was begun in. So it holds that: if the owner closes the scope meanwhile, it stays
// open until the last holder lets it go, and holds the one around it as long. That of a
// sharedEnvironment needs no holder: the child is a user of the environment.
//
// scopeExtra.holds counts the holders, and closing says that the owner has closed the scope. Both are
// guarded by the lock of the scope's stripe, so either the owner sees the last holder gone and closes
// the scope, or the last holder sees that the owner has been there. A scope that is about to be left
// open first holds the one around it: the last holder, which lets that go, comes after.
// A scope without holders has no scopeExtra because of this, and is closed without a look.
//
// A Handle whose tree is left open says that the task has ended, as the root has. It stays in
// liveHandles, and has no other use, since the scope may lie in it: see handle.left.

// hold keeps s open until unhold. The caller knows that s is open.
func (s *scope) hold() {
	st := s.runtime().stripe(s)
	st.mu.Lock()
	defer st.mu.Unlock()
	s.extra(st).holds++
}

// unhold undoes hold. w is the worker whose goroutine calls, or nil.
func (s *scope) unhold(w *Worker) {
	st := s.runtime().stripe(s)
	st.mu.Lock()
	e := s.extra(st)
	e.holds--
	last := e.holds == 0 && e.closing
	st.mu.Unlock()
	if !last {
		return
	}
	around := s.around()
	if h := s.handleOf(); h != nil {
		h.close(w, s)
	} else {
		s.ofChild().closeNow(w)
	}
	if around != nil {
		around.unhold(w)
	}
}

// isLeftOpen is asked by the owner of s, which is about to close it. If it reports true, s has holders,
// and the last of them closes it.
func (s *scope) isLeftOpen(w *Worker) bool {
	if s.state.Load()&scopeHasExtra == 0 {
		return false
	}
	around := s.around()
	if around != nil {
		around.hold()
	}
	st := s.runtime().stripe(s)
	st.mu.Lock()
	e := s.extra(st)
	open := e.holds > 0
	e.closing = open
	st.mu.Unlock()
	if around != nil && !open {
		around.unhold(w)
	}
	return open
}

// around returns the scope around s that can be held, or nil.
func (s *scope) around() *scope {
	if c := s.child(); c != nil {
		return holdable(c.outer())
	}
	return nil
}

// holdable returns s, or nil if it is nil or that of a sharedEnvironment.
func holdable(s *scope) *scope {
	if s == nil || s.state.Load()&scopeShared != 0 {
		return nil
	}
	return s
}
