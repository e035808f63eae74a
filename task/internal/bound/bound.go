// Package bound has the compiled forms of functions: generated code enters them in its init
// functions, and package task looks them up when a function is launched or called as a value.
package bound

import (
	"reflect"
	"unsafe"
)

// Function is the compiled forms of one function.
type Function struct {
	// Start is the start form, a function of the source function's type.
	Start any

	// Call makes a launchable call: a func(args…) coro.Call[R]. It is nil if there is none.
	Call any

	// Self says that each function value with this code is a start form itself, as the literals of
	// generated code are: several values share the code, each with its captured variables.
	Self bool

	// Value makes the start form of a method value: it is a func(F) F. Several values share the code,
	// each with its receiver. It is nil for functions of other sorts.
	Value any
}

// StartOf returns the start form of fn, to which f belongs. It returns fn and false if f has none of
// fn's type.
func StartOf[F any](f *Function, fn F) (F, bool) {
	if f.Self {
		return fn, true
	}
	if start, ok := f.Start.(F); ok {
		return start, true
	}
	if of, ok := f.Value.(func(F) F); ok {
		return of(fn), true
	}
	return fn, false
}

// functions has all functions that are bound, by code pointer.
var functions table

// Bind makes f the compiled form of the function value plain.
func Bind(plain any, f *Function) { functions.set(codeOf(plain), f) }

// Of returns the compiled form of the function value fn, or nil. F is a function type.
func Of[F any](fn F) *Function {
	c := Code(fn)
	if c == 0 {
		return nil
	}
	if f := functions.get(c); f != nil {
		return f
	}
	return literals.at(c)
}

// IsBound reports whether the code of fn has been entered by Bind.
func IsBound[F any](fn F) bool { return functions.get(Code(fn)) != nil }

// Code returns the code pointer of a function value, or 0 if that is nil. A function value is a
// pointer to an object whose first word is the code pointer: package reflect depends on that too.
func Code[F any](fn F) uintptr {
	p := *(**uintptr)(unsafe.Pointer(&fn))
	if p == nil {
		return 0
	}
	return *p
}

// codeOf is Code for a function value in an interface.
func codeOf(fn any) uintptr { return reflect.ValueOf(fn).Pointer() }

// Receiver returns the receiver of a method value, of a method whose receiver is a pointer, if Go keeps
// it in the word behind the code pointer. The language does not say so: see [HasReceiver].
func Receiver[R, F any](fn F) *R {
	return (*(**struct {
		code uintptr
		recv *R
	})(unsafe.Pointer(&fn))).recv
}

// HasReceiver reports whether fn, a method value of recv, keeps that where Receiver looks for it.
func HasReceiver[R, F any](fn F, recv *R) bool {
	word := (*(**struct{ code, recv uintptr })(unsafe.Pointer(&fn))).recv
	return word == uintptr(unsafe.Pointer(recv))
}
