package generated

import (
	"errors"
	"path"
	"reflect"
	"unsafe"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// Version1 is in each generated file, so that one that this library is too new for does not compile:
// then run framearena gen again.
const Version1 = 1

type (
	// Kind is what the frames of one function share.
	Kind = coro.CompiledKind

	// Frame is the frame of a compiled function.
	Frame = coro.CompiledFrame

	// Step is what a step form returns.
	Step = coro.Step

	// Option is for [Define].
	Option = coro.KindOption
)

// Deferring declares that the function has deferred calls: if its executor is closed, its step form is
// called once more at the resume point where it waits.
func Deferring() Option { return coro.HasCleanup() }

// Define makes the kind of the function of the given name, which stands in file at line. The variables
// that live while it waits have at most size bytes, a multiple of 8.
func Define(name, file string, line int, size uintptr, result reflect.Type, step func(*Frame) Step, opts ...Option) *Kind {
	return coro.DefineCompiled(name, size, result, step, at(file, line, opts)...)
}

// DefineHeld is [Define] for a function with variables H that hold Go pointers.
func DefineHeld[H any](name, file string, line int, size uintptr, result reflect.Type, step func(*Frame, *H) Step, opts ...Option) *Kind {
	return coro.DefineCompiledHeld(name, size, result, step, at(file, line, opts)...)
}

// Result returns the type of a function's result, for [Define].
func Result[R any]() reflect.Type { return reflect.TypeFor[R]() }

func at(file string, line int, opts []Option) []Option {
	return append([]Option{coro.DefinedAt(path.Base(file), line)}, opts...)
}

// NewCall returns a call of a function for a launch. The caller stores what it begins with in [CallState]
// and [CallHeld].
func NewCall[R any](k *Kind) coro.Call[R] { return coro.CompiledCall[R](k) }

// CallState returns the arguments that c has in its state.
func CallState[P, R any](c coro.Call[R]) *P { return (*P)(c.CompiledState()) }

// CallHeld returns the variables that c has in its held part.
func CallHeld[H, R any](c coro.Call[R]) *H { return (*H)(c.CompiledHeld()) }

// Spill makes the frame of a start form, which is being suspended at the resume point at.
func Spill(t *task.T, k *Kind, at int) *Frame { return k.Spill(suspension(t), at) }

// SpillHeld is [Spill] for a function with variables H that hold Go pointers.
func SpillHeld[H any](t *task.T, k *Kind, at int) (*Frame, *H) {
	f, h := k.SpillHeld(suspension(t), at)
	return f, (*H)(h)
}

// SpillBare is [SpillHeld] for a resume point at which no variable lives in the held part.
func SpillBare(t *task.T, k *Kind, at int) *Frame { return k.SpillBare(suspension(t), at) }

// Hold returns the held part of f for a step form that is being suspended: h or, if that is nil since
// the frame was spilled bare, a new one.
func Hold[H any](t *task.T, k *Kind, f *Frame, h *H) *H {
	return (*H)(k.Hold(suspension(t), f, unsafe.Pointer(h)))
}

// At returns the variables of f as those of one resume point.
func At[P any](f *Frame) *P { return (*P)(f.State(unsafe.Sizeof(*new(P)))) }

// Suspended reports whether the function that was called is waiting.
func Suspended(t *task.T) bool { return suspension(t).Suspended() }

// ResultTo says where the callee that is waiting puts its result: in the frame that was spilled.
func ResultTo[R any](t *task.T, r *R) { suspension(t).ResultTo(unsafe.Pointer(r)) }

// ResultToStep is [ResultTo] for a step form.
func ResultToStep[R any](t *task.T, r *R) { suspension(t).ResultToStep(unsafe.Pointer(r)) }

// Resume begins a step of f.
func Resume(f *Frame) *task.T { return (*task.T)(unsafe.Pointer(f.Resumed())) }

// Wait ends a step of f whose callee is waiting.
func Wait(f *Frame, t *task.T, at int) Step { return f.Leave(suspension(t), at) }

// Err returns the error of an operation of package task. If a function that that has called has
// panicked, Err panics.
func Err(f *Frame) error { return f.ChildErr() }

// ChildErr returns the error of a task function. If it has panicked, ChildErr panics.
func ChildErr(f *Frame) error { return f.ChildErr() }

// Child is [ChildErr] for functions that return no error. It panics if the function is not compiled, and must
// be: see [task.RequireCompiled].
func Child(f *Frame) { notCompiled(f.ChildErr()) }

// notCompiled panics if the error is that of a function that is not compiled.
func notCompiled(err error) {
	if err != nil && errors.Is(err, task.ErrNotCompiled) {
		panic(err)
	}
}

// NoError panics with the error of a call on a goroutine, if the function that is called cannot return one.
func NoError(err error) {
	if err != nil {
		panic(err)
	}
}

// Return ends the function.
func Return[R any](f *Frame, r R, err error) Step { return coro.ReturnCompiled(f, r, err) }

// suspension returns what t consists of.
func suspension(t *task.T) *coro.Suspension { return (*coro.Suspension)(unsafe.Pointer(t)) }

// BeginHeld makes a frame for a function whose start form is its step form: the caller stores the
// arguments in its state and held part, and calls [Run].
func BeginHeld[H any](t *task.T, k *Kind) (*Frame, *H) {
	f, h := k.BeginHeld(suspension(t))
	return f, (*H)(h)
}

// Run runs the step form of f, which BeginHeld has made, until the function has ended or waits. place is
// in f's state or held part, where the result can lie when the function ends.
func Run[R any](t *task.T, f *Frame, place *R) (R, error) {
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
