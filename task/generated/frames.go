package generated

import (
	"path"
	"unsafe"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/task"
)

// Version1 is in each generated file, so that one that this library is too new for does not compile:
// then run framearena gen again.
const Version1 = 1

type (
	// Frame is the frame of a compiled function.
	Frame[S, R any] = coro.Frame[S, R]

	// Step is what a step form returns.
	Step = coro.Step

	// Option is for [Define].
	Option = coro.KindOption
)

// Deferring declares that the function has deferred calls: if its executor is closed, its step form is
// called once more at the resume point where it waits.
func Deferring() Option { return coro.HasCleanup() }

// Kind is what the frames of one function share. S is the variables that live while it waits, R its
// result.
type Kind[S, R any] struct{ k *coro.Kind[S, R] }

// HeldKind is a Kind for a function with variables H that hold Go pointers.
type HeldKind[S, H, R any] struct{ k *coro.HeldKind[S, H, R] }

// Define makes the kind of the function of the given name, which stands in file at line.
func Define[S, R any](name, file string, line int, step func(*Frame[S, R]) Step, opts ...Option) *Kind[S, R] {
	return &Kind[S, R]{coro.Define(name, step, options(file, line, opts)...)}
}

// DefineHeld is [Define] for a function with variables that hold Go pointers.
func DefineHeld[S, H, R any](name, file string, line int, step func(*Frame[S, R], *H) Step, opts ...Option) *HeldKind[S, H, R] {
	return &HeldKind[S, H, R]{coro.DefineHeld(name, step, options(file, line, opts)...)}
}

func options(file string, line int, opts []Option) []Option {
	return append([]Option{coro.DefinedAt(path.Base(file), line), coro.Compiled()}, opts...)
}

// With returns a call whose variables begin as s.
func (k *Kind[S, R]) With(s S) coro.Call[R] { return k.k.With(s) }

// With returns a call whose variables begin as s and h.
func (k *HeldKind[S, H, R]) With(s S, h H) coro.Call[R] { return k.k.With(s, h) }

// Spill makes the frame of a start form, which is being suspended at the resume point at.
func (k *Kind[S, R]) Spill(t *task.T, at int) *Frame[S, R] { return coro.Spill(suspension(t), k.k, at) }

// Spill makes the frame of a start form, which is being suspended at the resume point at.
func (k *HeldKind[S, H, R]) Spill(t *task.T, at int) (*Frame[S, R], *H) {
	return coro.SpillHeld(suspension(t), k.k, at)
}

// SpillBare is Spill for a resume point at which no variable lives in the held part.
func (k *HeldKind[S, H, R]) SpillBare(t *task.T, at int) *Frame[S, R] {
	return coro.SpillBare(suspension(t), k.k, at)
}

// Hold returns the held part of f for a step form that is being suspended: h or, if that is nil since
// the frame was spilled bare, a new one.
func (k *HeldKind[S, H, R]) Hold(t *task.T, f *Frame[S, R], h *H) *H {
	return coro.Hold(suspension(t), k.k, f, h)
}

// At returns the variables of f as those of one resume point.
func At[P, S, R any](f *Frame[S, R]) *P {
	if framecheck.Enabled {
		coro.NoteLive(f, unsafe.Sizeof(*new(P)))
	}
	return In[P](&f.State)
}

// In returns s as the variables of one resume point.
func In[P, S any](s *S) *P { return (*P)(unsafe.Pointer(s)) }

// Suspended reports whether the function that was called is waiting.
func Suspended(t *task.T) bool { return suspension(t).Suspended() }

// ResultTo says where the callee that is waiting puts its result: in the frame that was spilled.
func ResultTo[R any](t *task.T, r *R) { suspension(t).ResultTo(unsafe.Pointer(r)) }

// ResultToStep is [ResultTo] for a step form.
func ResultToStep[R any](t *task.T, r *R) { suspension(t).ResultToStep(unsafe.Pointer(r)) }

// Resume begins a step of f.
func Resume[S, R any](f *Frame[S, R]) *task.T { return (*task.T)(unsafe.Pointer(coro.Resumed(f))) }

// Wait ends a step of f whose callee is waiting.
func Wait[S, R any](f *Frame[S, R], t *task.T, at int) Step { return coro.Leave(f, suspension(t), at) }

// Err returns the error of an operation of package task. If a function that that has called has
// panicked, Err panics.
func Err[S, R any](f *Frame[S, R]) error { return coro.ChildErr(f) }

// ChildErr returns the error of a task function. If it has panicked, ChildErr panics.
func ChildErr[S, R any](f *Frame[S, R]) error { return coro.ChildErr(f) }

// Child is [ChildErr] for functions that return no error.
func Child[S, R any](f *Frame[S, R]) { coro.ChildErr(f) }

// Return ends the function.
func Return[S, R any](f *Frame[S, R], r R, err error) Step { return coro.ReturnBoth(f, r, err) }

// suspension returns what t consists of.
func suspension(t *task.T) *coro.Suspension { return (*coro.Suspension)(unsafe.Pointer(t)) }

// Begin makes a frame for a function whose start form is its step form: the caller stores the
// arguments in its state, and calls [Run].
func (k *Kind[S, R]) Begin(t *task.T) *Frame[S, R] { return coro.Begin(suspension(t), k.k) }

// Begin makes a frame for a function whose start form is its step form: the caller stores the
// arguments in its state and held part, and calls [Run].
func (k *HeldKind[S, H, R]) Begin(t *task.T) (*Frame[S, R], *H) {
	return coro.BeginHeld(suspension(t), k.k)
}

// Run runs the step form of f, which Begin has made, until the function has ended or waits. place is
// in f's state or held part, where the result can lie when the function ends.
func Run[S, R any](t *task.T, f *Frame[S, R], place *R) (R, error) {
	return coro.RunNow(suspension(t), f, place)
}

// OnGoroutine calls a function that is not compiled: see [task.CallPlain].
func OnGoroutine[R any](t *task.T, fn func(t *task.T, r *R) error) (R, error) {
	return task.CallPlain(t, fn)
}

// Box returns a new variable with the value of *v, which nobody uses any more.
func Box[V any](v *V) *V {
	b := new(V)
	*b = *v
	return b
}

// BoxOf returns *box, which several functions share, after it has made that a [Box] of v if it was nil.
func BoxOf[V any](box **V, v *V) *V {
	if *box == nil {
		*box = Box(v)
	}
	return *box
}
