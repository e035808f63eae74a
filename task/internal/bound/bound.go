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
}

// functions has all functions that are bound, by code pointer.
var functions table

// Bind makes f the compiled form of the function value plain.
func Bind(plain any, f *Function) { functions.set(codeOf(plain), f) }

// Of returns the compiled form of the function value fn, or nil. F is a function type.
func Of[F any](fn F) *Function {
	if c := Code(fn); c != 0 {
		return functions.get(c)
	}
	return nil
}

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
