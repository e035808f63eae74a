package generated

import "github.com/framearena/framearena/task/internal/bound"

// Bind enters the compiled forms of the function plain: its start form, of the same type, and call,
// a func(args…) coro.Call[R], or nil if there is none.
func Bind(plain, start, call any) {
	f := &bound.Function{Start: start, Call: call}
	bound.Bind(plain, f)
	bound.Bind(start, f)
}

// BindLiteral enters the compiled forms of the literal that begins at the line of file, which lies beside
// the caller's, in the function of the given name, or outside of all functions. start and call are those
// of [Bind].
func BindLiteral(file string, line int, function string, start, call any) {
	f := &bound.Function{Start: start, Call: call}
	bound.BindLiteral(file, line, function, f)
	bound.Bind(start, f)
}

// StartOf returns the start form of a function value, or nil if it is not bound.
func StartOf[F any](fn F) F {
	if b := bound.Of(fn); b != nil {
		if start, ok := bound.StartOf(b, fn); ok {
			return start
		}
	}
	var none F
	return none
}

// Literal declares that a literal of generated code is a start form itself.
func Literal[F any](fn F) F {
	if !bound.IsBound(fn) {
		bound.Bind(fn, &bound.Function{Self: true})
	}
	return fn
}

// BindMethodValue enters the start forms of the method values that value makes: start makes the same of a
// start form. A method value is a pointer to its code and its receiver in all versions of Go so far. Where
// that is not so, nothing is entered, and the values run on goroutines.
func BindMethodValue[R, F any](value func(*R) F, start func(*R) F) {
	recv := new(R)
	fn := value(recv)
	if !bound.HasReceiver(fn, recv) {
		return
	}
	bound.Bind(fn, &bound.Function{Value: func(fn F) F { return start(bound.Receiver[R](fn)) }})
}
