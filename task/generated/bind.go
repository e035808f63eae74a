package generated

import "github.com/framearena/framearena/task/internal/bound"

// Bind enters the compiled forms of the function plain: its start form, of the same type, and call,
// a func(args…) coro.Call[R], or nil if there is none.
func Bind(plain, start, call any) {
	f := &bound.Function{Start: start, Call: call}
	bound.Bind(plain, f)
	bound.Bind(start, f)
}

// StartOf returns the start form of a function value, or nil if it is not bound.
func StartOf[F any](fn F) F {
	if b := bound.Of(fn); b != nil {
		if b.Self {
			return fn
		}
		if start, ok := b.Start.(F); ok {
			return start
		}
	}
	var none F
	return none
}

// Literal declares that a literal of generated code is a start form itself.
func Literal[F any](fn F) F {
	if bound.Of(fn) == nil {
		bound.Bind(fn, &bound.Function{Self: true})
	}
	return fn
}
