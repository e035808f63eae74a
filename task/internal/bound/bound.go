// Package bound has the compiled forms of functions: generated code enters them in its init
// functions, and package task looks them up when a function is launched or called as a value.
package bound

import (
	"reflect"
	"sync"
	"sync/atomic"
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

// functions is all functions that are bound, by code pointer. Bind replaces the map, with mu held;
// readers load it.
var (
	mu        sync.Mutex
	functions atomic.Pointer[map[uintptr]*Function]
)

// Bind makes f the compiled form of the function value plain.
func Bind(plain any, f *Function) {
	code := codeOf(plain)
	mu.Lock()
	defer mu.Unlock()
	next := map[uintptr]*Function{code: f}
	if old := functions.Load(); old != nil {
		for k, v := range *old {
			if _, ok := next[k]; !ok {
				next[k] = v
			}
		}
	}
	functions.Store(&next)
}

// Of returns the compiled form of the function value fn, or nil. F is a function type.
func Of[F any](fn F) *Function {
	m := functions.Load()
	if m == nil {
		return nil
	}
	return (*m)[Code(fn)]
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
