package coro

// Tasks whose functions are plain Go: what package task, and the code that framearena gen writes,
// need of the step loop.
//
// A compiled function has two forms. Its start form is called like any Go function, in the step of
// some frame, and needs no frame itself. If an operation has to wait, it says so in the worker's
// Suspension and returns. Then each start form that was called makes a frame for itself, stores
// its variables there and returns to its caller, which does the same: innermost function first. The
// step that called the outermost one stores its own variables in its frame, and leaves. So at the
// end of that step there is a chain of frames as Await would have made it, and the operation is
// entered for the innermost of them, by the same loop as for any other task.
//
// When what it waited for has happened, the innermost frame's step function is called, which is the
// function's step form. When that returns, its parent's is called, and so on: to the loop there is
// no difference between these frames and others.
//
// Nothing is entered before the step has ended: until then no other goroutine can know any of the
// frames.

import (
	"context"
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/forcing"
	"github.com/framearena/framearena/internal/framecheck"
)

// Suspension tells the compiled functions that a worker runs whether they go on, or make frames and
// return because one of them has to wait. It is for package task and for generated code. It belongs
// to the worker's goroutine, in the step that runs.
type Suspension struct {
	status uint32

	// w is the worker that this is part of. It is nil on a goroutine that runs no steps.
	w *Worker

	// frame is the frame whose step runs. env is what frames that are made in it refer to: the same as
	// frame's or, in a function that was called with a scope of its own, that.
	frame  link[header]
	env    envRef
	layout uint32 // inheritedFlags of frames that are made

	// innermost and outermost are the first and the last frame that were made since a function
	// began to wait. below is what the outermost one awaits; 0: the operation.
	innermost, outermost, below link[header]

	// inPlace is the frame whose step form the innermost RunNow has called, or 0.
	inPlace link[header]

	// pending is what the innermost function waits for. Result is where it puts its result, or 0.
	pending Waiting
	result  uintptr

	// live is how much of its state the function uses that has looked at it last; see
	// CompiledFrame.State. In builds with the tag framecheck alone.
	live uintptr

	sharing sharing

	// ending is set while the task whose step runs is ended, since its executor is closed.
	ending bool

	// Amount and Argument are arguments of pending: nanoseconds, permits; a function, a Go channel.
	// They are for the operation's Enter.
	Amount   int64
	Argument any

	// raised is the panic of a child that Child or ChildErr has raised again in this step, so that
	// its stack is not lost. It is looked at when the step panics.
	raised *PanicError

	// Context and Executor are those of functions that run on a goroutine, where w is nil.
	Context  context.Context
	Executor Executor
}

// Waiting is an operation that a task function waits for.
type Waiting interface {
	// Enter begins the operation for the task of f, in f's step, which returns the Step. f resumes
	// at the resume point at, and finds there what the operation has given: an error by Err, a
	// result where Suspension.Result said.
	Enter(s *Suspension, f AnyFrame, at int) Step
}

// Abandonable is a Waiting that has something to end if it was noted and is never entered: there is
// no memory for the frames of the functions that wait, or their caller panics.
type Abandonable interface {
	Waiting
	Abandon(s *Suspension)
}

// status
const (
	goesOn     = 0
	suspending = 1
)

// Suspended reports whether the function that the caller has just called is waiting. Then the caller
// makes a frame, by [CompiledKind.Spill], and returns.
func (s *Suspension) Suspended() bool { return s.status != goesOn }

// InTask reports whether s is a worker's: whether the functions that use it can wait.
func (s *Suspension) InTask() bool { return s.w != nil }

// MustGiveWay reports whether the worker was asked to let other tasks run. Then an operation that
// need not wait is entered all the same.
func (s *Suspension) MustGiveWay() bool { return s.w != nil && s.w.preempt.Load() != 0 }

// GiveWay asks the worker to let other tasks run, as another goroutine may at any time. On a goroutine
// it does nothing.
func (s *Suspension) GiveWay() {
	if s.w != nil {
		s.w.Preempt()
	}
}

// Wait makes the function that runs wait for op: its caller must return to its own caller at once.
func (s *Suspension) Wait(op Waiting) {
	if framecheck.Enabled && s.status != goesOn {
		panic("coro: a task function waits while it is being suspended: the code that framearena gen has written is older than the library; run it again")
	}
	s.pending = op
	s.result = 0
	s.status = suspending
}

// Result returns the address where the operation that is being entered puts its result. It is nil if
// the result is dropped. It lies in the state or held part of the frame that waits.
func (s *Suspension) Result() unsafe.Pointer {
	l := link[byte](s.result)
	return unsafe.Pointer(l.get())
}

// ResultTo says where the result goes of what the frame that was made last awaits: in its
// state or held part.
func (s *Suspension) ResultTo(place unsafe.Pointer) {
	if s.below != 0 {
		s.below.get().result = uintptr(place)
	} else {
		s.result = uintptr(place)
	}
}

// ResultToStep is ResultTo for a step form that suspends, which calls it before [Leave].
func (s *Suspension) ResultToStep(place unsafe.Pointer) {
	s.below = s.outermost
	s.ResultTo(place)
}

// spill makes the frame of a start form, and makes it the outermost of the frames that are being
// made.
func (s *Suspension) spill(k *kind, at int) *header {
	c := s.allocate(k)
	s.fill(c, k, at)
	s.link(c)
	return c
}

// fill writes the header of c, a new frame that no other is linked to.
func (s *Suspension) fill(c *header, k *kind, at int) {
	c.kind.set(k)
	c.parent = 0
	c.env = s.env
	c.result = 0
	c.at = uint32(at)
}

// link makes c the outermost of the frames that are being made.
func (s *Suspension) link(c *header) {
	s.below = s.outermost
	if s.below == 0 {
		s.innermost.set(c)
	} else {
		s.below.get().parent.set(c)
	}
	s.outermost.set(c)
}

// allocate returns memory for a frame of kind k, with its layout and worker. If there is none, it ends
// what the functions that were called wait for, and panics with errNoFrame.
func (s *Suspension) allocate(k *kind) *header {
	w := s.w
	if s.layout == 0 {
		if c := (*header)(w.cache.TryAllocateAt(k.place)); c != nil {
			c.layout = k.room
			c.worker.set(w)
			return c
		}
	}
	c := s.tryAllocate(k)
	if c == nil {
		s.Unwind() // so that the caller's deferred calls see a panic, and no suspension
		panic(errNoFrame)
	}
	return c
}

// tryAllocate is allocate for frames from anywhere. It returns nil if there is no memory.
func (s *Suspension) tryAllocate(k *kind) *header {
	w := s.w
	layout := s.layout
	var c *header
	if layout&flagCustom != 0 {
		c = (*header)(s.env.get().allocator.Allocate(k.size))
	} else {
		c = (*header)(w.cache.Allocate(k.capacity))
		layout |= k.room
	}
	if c == nil {
		return nil
	}
	c.layout = layout
	c.worker.set(w)
	if layout&flagCounted != 0 {
		c.kind.set(k)
		c.parent = 0
		c.env = s.env
		c.countStart(w)
	}
	return c
}

// errNoFrame is what a start form panics with if there is no memory for its frame. The task whose
// step runs fails with [arena.ErrExhausted].
var errNoFrame = &noFrame{}

type noFrame struct{}

func (*noFrame) Error() string { return arena.ErrExhausted.Error() }
func (*noFrame) Unwrap() error { return arena.ErrExhausted }

// clear makes s go on, after its chain has been handed on, and returns the operation that the
// innermost function waits for. The result's place stays for Enter.
func (s *Suspension) clear() Waiting {
	op := s.pending
	s.status = goesOn
	s.innermost, s.outermost, s.below = 0, 0, 0
	s.pending = nil
	return op
}

// Resumed returns the Suspension for f's step, which calls it first.
func Resumed(f AnyFrame) *Suspension { return f.anyFrame().resumed() }

func (h *header) resumed() *Suspension {
	if framecheck.Enabled {
		h.mustRun("Resumed")
	}
	s := &h.worker.get().suspension
	s.frame.set(h)
	s.env = h.env
	s.layout = h.layout & inheritedFlags
	s.sharing.lengths[0] = 0
	return s
}

// Leave returns the Step of f's step form, which is suspended because a function that it has called,
// or it itself, waits. f resumes at the resume point at.
func Leave(f AnyFrame, s *Suspension, at int) Step { return s.leave(f.anyFrame(), at) }

func (s *Suspension) leave(h *header, at int) Step {
	if s.inPlace.get() == h {
		return s.leaveInPlace(h, at)
	}
	h.resumeAt(at)
	if forcing.Moves {
		h = s.moveFrames(h)
	}
	inner := h
	if s.innermost != 0 {
		inner = s.innermost.get()
		s.outermost.get().parent.set(h)
		s.w.current = uintptr(unsafe.Pointer(inner))
	}
	return s.clear().Enter(s, inner, int(inner.at))
}

// ChildErr returns the error of the task function that f's has called, and raises its panic again.
func ChildErr(f AnyFrame) error { return f.anyFrame().childErr() }

func (h *header) childErr() error {
	if h.at&atFailed == 0 {
		return nil
	}
	return h.childFailure()
}

func (h *header) childFailure() error {
	w := h.worker.get()
	if w.suspension.ending {
		runtime.Goexit()
	}
	p, ok := w.err.(*PanicError)
	if !ok || p != w.passing {
		return w.err
	}
	w.suspension.raised = p
	if p.Value == ErrGoexit {
		panic(exiting)
	}
	panic(p.Value)
}

// panicError returns the error of h, whose step panicked with v, and makes it the panic that passes
// to the functions that have called it. If there was no memory for a frame, the error is not a panic.
func (w *Worker) panicError(h *header, v any) error {
	s := &w.suspension
	raised := s.raised
	s.raised = nil
	if s.status != goesOn {
		s.abandon()
	}
	switch {
	case v == any(errNoFrame):
		return arena.ErrExhausted
	case IsExit(v) && raised != nil:
		w.passing = raised
		return raised
	}
	w.passing = newPanicError(h, v)
	if raised != nil && sameValue(raised.Value, v) {
		w.passing.exit = raised.exit
		w.passing.Stack = raised.Stack
		if len(raised.Backtrace.Tasks) > 0 {
			w.passing.Backtrace = raised.Backtrace
		}
	}
	return w.passing
}

// Recovered returns the error of a function that was called in place and has panicked with v, which
// the caller has just recovered. Frames that it was making are freed.
func (s *Suspension) Recovered(v any) error {
	raised := s.raised
	s.raised = nil
	if s.w != nil && s.status != goesOn {
		s.abandon()
	}
	if v == any(errNoFrame) {
		return arena.ErrExhausted
	}
	if raised != nil && sameValue(raised.Value, v) {
		return raised
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}

// ReturnBoth ends the task of f with a result and an error, either of which may be nil. Frame.Fail
// gives an error alone.
func ReturnBoth[R any](f AnyFrame, result R, err error) Step {
	return returnBoth(f.anyFrame(), result, err)
}

func returnBoth[R any](h *header, result R, err error) Step {
	if h.result != 0 {
		**(**R)(unsafe.Pointer(&h.result)) = result
	}
	if err != nil {
		return h.fail(err)
	}
	if framecheck.Enabled {
		h.makesStep("Return")
	}
	return h.returned()
}

// TaskContext returns the context of the task whose step runs.
func (s *Suspension) TaskContext() context.Context { return s.env.context() }

// TaskExecutor returns the executor of the task whose step runs.
func (s *Suspension) TaskExecutor() Executor { return s.env.get().executor }

// TaskErr returns why the task whose step runs should end, or nil.
func (s *Suspension) TaskErr() error {
	if !s.env.mayEnd() {
		return nil
	}
	return s.env.cause()
}
