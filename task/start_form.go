package task

import (
	"reflect"
	"unsafe"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/memo"
)

// A compiled function that cannot be launched by itself, such as a literal, has a start form alone. A
// root of starterKind calls that, and waits for it if it is suspended.

// starter is the held part of such a root.
type starter[R any] struct {
	start  form[R]
	result R
}

type starterKind[R any] = coro.HeldKind[struct{}, starter[R], R]

// starterKinds has a *starterKind[R] for each reflect.Type of R.
var starterKinds memo.Table

// startCall returns a call of a start form. plain is the same function with the same arguments.
func startCall[R any](start, plain form[R]) Call[R] {
	k := memo.Get(&starterKinds, reflect.TypeFor[R](), func() *starterKind[R] {
		return coro.DefineHeld("task.start", stepStarter[R], coro.Compiled())
	})
	call := k.With(struct{}{}, starter[R]{start: start})
	*call.Kept() = keptForm[R]{plain}
	return Call[R]{call: call}
}

func stepStarter[R any](f *coro.Frame[struct{}, R], held *starter[R]) coro.Step {
	s := coro.Resumed(f)
	if f.At() != 0 {
		return coro.ReturnBoth(f, held.result, coro.ChildErr(f))
	}
	start := held.start
	held.start = nil
	result, err := start.call((*T)(unsafe.Pointer(s)))
	if s.Suspended() {
		s.ResultToStep(unsafe.Pointer(&held.result))
		return coro.Leave(f, s, 1)
	}
	return coro.ReturnBoth(f, result, err)
}

// keptForm is a form that is not reused.
type keptForm[R any] struct{ form[R] }

func (keptForm[R]) Clear() {}
