package task

import (
	"unsafe"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task/internal/bound"
)

// CallPlain runs fn on a goroutine, with a T of its own, and waits until it has returned, whether
// the context ends or not: fn learns of that by its T. It returns what fn has stored in *r. It is how
// a compiled function calls one that is not compiled. A panic of fn is raised again in the caller.
func CallPlain[R any](t *T, fn func(t *T, r *R) error) (R, error) {
	if !t.s.InTask() {
		var r R
		err := fn(t, &r)
		return r, err
	}
	return wait[R](t, plainCall[R](unbound[R](fn)).Stage(&t.s))
}

// unbound is a form for CallPlain.
type unbound[R any] func(*T, *R) error

func (f unbound[R]) call(t *T) (r R, err error) {
	err = f(t, &r)
	return r, err
}

func (f unbound[R]) code() uintptr { return bound.Code(f) }
func (f unbound[R]) Clear()        {}

// onSuspension returns fn as a function of what a T consists of.
func onSuspension(fn func(*T) error) func(*coro.Suspension) error {
	return *(*func(*coro.Suspension) error)(unsafe.Pointer(&fn))
}
