package coro

// Scopes that stay open beyond their owner's end.
//
// A child of a Children may outlive the task that has begun it: that may panic, or its executor may
// be closed, which ends tasks in any order. The child's frames refer to the scope that it was begun
// in. So it holds that: if the owner closes the scope meanwhile, it stays open until the last holder
// lets it go, and holds the one around it as long.
//
// scopeExtra.holds counts the holders, and closing says that the owner has closed the scope. Both are
// guarded by the lock of the scope's stripe, so either the owner sees the last holder gone and closes
// the scope, or the last holder sees that the owner has been there. A scope that is about to be left
// open first holds the one around it: the last holder, which lets that go, comes after.
// A scope without holders has no scopeExtra because of this, and is closed without a look.

// hold keeps s open until unhold. The caller knows that s is open.
func (s *childScope) hold() {
	st := s.runtime().stripe(&s.scope)
	st.mu.Lock()
	defer st.mu.Unlock()
	s.extra(st).holds++
}

// unhold undoes hold. w is the worker whose goroutine calls, or nil.
func (s *childScope) unhold(w *Worker) {
	st := s.runtime().stripe(&s.scope)
	st.mu.Lock()
	e := s.extra(st)
	e.holds--
	last := e.holds == 0 && e.closing
	st.mu.Unlock()
	if last {
		around := s.around()
		s.closeNow(w)
		if around != nil {
			around.unhold(w)
		}
	}
}

// isLeftOpen reports whether s has holders. Then the last of them closes it.
func (s *childScope) isLeftOpen(w *Worker) bool {
	around := s.around()
	if around != nil {
		around.hold()
	}
	st := s.runtime().stripe(&s.scope)
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

// around returns the childScope around s, or nil.
func (s *childScope) around() *childScope {
	if outer := s.outer(); outer != nil {
		return outer.child()
	}
	return nil
}

// childScope returns the childScope that e refers to, or nil.
func (e *envRef) childScope() *childScope {
	if s := e.scope(); s != nil {
		return s.child()
	}
	return nil
}
