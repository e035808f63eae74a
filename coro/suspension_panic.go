package coro

// Panics of compiled functions with deferred calls. The step form recovers a panic, runs the deferred
// calls, and raises the panic again if none of them has recovered it.

import (
	"runtime/debug"
	"unsafe"
)

// abandon ends what the functions that were called are waiting for: the one that has called them has
// panicked or ends, so they end where they wait, as at the end of an executor. Their frames are freed.
func (s *Suspension) abandon() {
	h := s.innermost.get()
	op := s.clear()
	running := s.running()
	if a, ok := op.(Abandonable); ok {
		a.Abandon(s)
	}
	for h != nil {
		parent := h.parent.get()
		if h.kind.get().hasCleanup {
			s.endAbandoned(h)
		}
		s.w.discard(h)
		h = parent
	}
	s.resume(running)
}

// endAbandoned runs the deferred calls of h.
func (s *Suspension) endAbandoned(h *header) {
	err, ending, raised := s.w.err, s.ending, s.raised
	h.at |= atFailed
	s.ending = true
	s.w.err = ErrGoexit
	s.w.stepAlone(h, ErrGoexit)
	s.w.err, s.ending, s.raised = err, ending, raised
}

// AfterPanic is called in a deferred function of a step form which has recovered v, or in which
// nothing was to recover, so it is a Goexit. It ends what functions that were called wait for. It
// returns the panic of a child if v is that.
func (s *Suspension) AfterPanic(v any) *PanicError {
	raised := s.raised
	s.raised = nil
	if s.status != goesOn {
		s.abandon()
	}
	if raised != nil && (sameValue(raised.Value, v) || IsExit(v)) {
		return raised
	}
	return nil
}

// Unwind ends what functions that were called wait for, since their caller is ending.
func (s *Suspension) Unwind() {
	if s.status != goesOn {
		s.abandon()
	}
}

// NewPanic returns what is known of a panic with v. It is called in a deferred function, while the
// panic's stack is still there.
func NewPanic(v any) *PanicError { return &PanicError{Value: v, Stack: debug.Stack()} }

// Reraise says that the panic which follows is p, if that is not nil.
func (s *Suspension) Reraise(p *PanicError) { s.raised = p }

// SamePanic reports whether a and b, which were recovered, are the value of one panic. It compares no
// contents, which may not be comparable.
func SamePanic(a, b any) bool { return sameValue(a, b) }

// sameValue reports whether a and b are one interface value.
func sameValue(a, b any) bool {
	return *(*[2]uintptr)(unsafe.Pointer(&a)) == *(*[2]uintptr)(unsafe.Pointer(&b))
}
