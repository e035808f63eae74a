package coro

// Compiled functions whose start form is their step form: it begins in a frame that is made at once,
// and runs in place, called like a function. It is for functions with deferred calls, which Go would run
// as they leave. If it suspends, the frame is there already.

import (
	"unsafe"

	"github.com/framearena/framearena/internal/forcing"
)

// begin makes a frame that no other is linked to.
func (s *Suspension) begin(k *kind) *header {
	c := s.allocate(k)
	s.fill(c, k, 0)
	return c
}

// RunNow runs the step form of f, which was made by [CompiledKind.BeginHeld], until it has ended or waits. If it has
// ended, f is freed, and RunNow returns its result, which was stored in place meanwhile: in f's state
// or held part. If it waits, s says so.
func RunNow[R any](s *Suspension, f *CompiledFrame, place *R) (result R, err error) {
	f.header.result = uintptr(unsafe.Pointer(place))
	if s.runNow(&f.header, &err) {
		result = *place
		s.w.discard(&f.header)
	}
	return result, err
}

// runNow is the part of RunNow that does not depend on types. It reports whether the function has
// ended. If the function panics, h is freed, and the panic passes to the caller.
func (s *Suspension) runNow(h *header, err *error) (ended bool) {
	w := s.w
	running := s.running()
	returned := false
	defer func() {
		s.resume(running)
		if !returned {
			if s.status != goesOn {
				s.abandon()
			}
			w.discard(h)
		}
	}()
	w.current = uintptr(unsafe.Pointer(h))
	s.inPlace.set(h)
	step := h.kind.get().step(h)
	returned = true
	if s.status != goesOn {
		return false
	}
	if w.current != uintptr(unsafe.Pointer(step.next)) {
		panic(w.foreignStep(step))
	}
	if step.op == opFail {
		*err = w.err
		w.err = nil
	}
	return true
}

// runningStep is what s and its worker know of the step that runs, while another is called in it.
type runningStep struct {
	current        uintptr
	frame, inPlace link[header]
	env            envRef
	layout         uint32
	depth          uint32
}

func (s *Suspension) running() runningStep {
	return runningStep{s.w.current, s.frame, s.inPlace, s.env, s.layout, s.sharing.depth}
}

func (s *Suspension) resume(r runningStep) {
	s.w.current, s.frame, s.inPlace, s.env, s.layout = r.current, r.frame, r.inPlace, r.env, r.layout
	s.sharing.depth = r.depth
}

// leaveInPlace is leave for h, whose step form was called by RunNow: h becomes the outermost of the
// frames that are being made.
func (s *Suspension) leaveInPlace(h *header, at int) Step {
	h.resumeAt(at)
	if forcing.Moves {
		s.overwriteDead(h)
	}
	h.result = 0
	s.link(h)
	return Step{}
}
