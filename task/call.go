package task

import (
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task/internal/bound"
)

// None is the result of a function that returns an error alone.
type None = struct{}

// Call is a task function with its arguments, which [Run], [Go] or [Start] launches. It is good for
// one launch.
type Call[R any] struct {
	call  coro.Call[R]        // if the function is compiled
	plain func(*T) (R, error) // otherwise
}

// Call2 returns a call of fn with the arguments a and b.
func Call2[A, B, R any](fn func(*T, A, B) (R, error), a A, b B) Call[R] {
	if f := bound.Of(fn); f != nil {
		if call, ok := f.Call.(func(A, B) coro.Call[R]); ok {
			return Call[R]{call: call(a, b)}
		}
	}
	return Call[R]{plain: func(t *T) (R, error) { return fn(t, a, b) }}
}

// Do0 returns a call of fn.
func Do0(fn func(*T) error) Call[None] {
	if f := bound.Of(fn); f != nil {
		if call, ok := f.Call.(func() coro.Call[None]); ok {
			return Call[None]{call: call()}
		}
	}
	return Call[None]{plain: func(t *T) (None, error) { return None{}, fn(t) }}
}

// Do1 returns a call of fn with the argument a.
func Do1[A any](fn func(*T, A) error, a A) Call[None] {
	if f := bound.Of(fn); f != nil {
		if call, ok := f.Call.(func(A) coro.Call[None]); ok {
			return Call[None]{call: call(a)}
		}
	}
	return Call[None]{plain: func(t *T) (None, error) { return None{}, fn(t, a) }}
}
