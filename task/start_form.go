package task

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/coro"
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
var starterKinds typed

// startCall returns a call of a start form. plain is the same function with the same arguments.
func startCall[R any](start, plain form[R]) Call[R] {
	k := oneFor[R](&starterKinds, func() *starterKind[R] {
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

// typed has one value for each type. Any goroutine may use it.
type typed struct {
	byType sync.Map   // from a reflect.Type
	mu     sync.Mutex // held while a value is made
}

// oneFor returns the value for the type R. If there is none, make makes it.
func oneFor[R, V any](all *typed, make func() V) V {
	t := reflect.TypeFor[R]()
	if v, ok := all.byType.Load(t); ok {
		return v.(V)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if v, ok := all.byType.Load(t); ok {
		return v.(V)
	}
	v := make()
	all.byType.Store(t, v)
	return v
}
