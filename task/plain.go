package task

import (
	"iter"
	"reflect"
	"runtime"
	"strings"
	"unsafe"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/memo"
)

// A function that is not compiled runs on a goroutine, and a task of its own kind stands for it: see
// coro's plain.go. Here is one such kind for each function.

// plainKinds has a *coro.PlainKind[R] for each plainKey. Any goroutine uses it.
var plainKinds memo.Table

// plainKey identifies a function. Instances of a generic function may have one code pointer.
type plainKey struct {
	code   uintptr
	result reflect.Type
}

// plainCall returns a call of f as a function that runs on a goroutine.
func plainCall[R any](f form[R]) coro.Call[R] {
	return plainKindOf[R](f.code()).Call(func(s *coro.Suspension) (R, error) {
		return f.call((*T)(unsafe.Pointer(s)))
	})
}

func plainKindOf[R any](code uintptr) *coro.PlainKind[R] {
	return memo.Get(&plainKinds, plainKey{code, reflect.TypeFor[R]()}, func() *coro.PlainKind[R] {
		return coro.DefinePlain[R](position(code))
	})
}

// position returns the name of the function with the given code pointer, as the kinds of compiled
// functions have it, and where it stands.
func position(code uintptr) (name, file string, line int) {
	fn := runtime.FuncForPC(code)
	if fn == nil {
		return "a function", "unknown", 0
	}
	name = strings.TrimSuffix(fn.Name(), "-fm") // of a method value
	name = name[strings.LastIndexByte(name, '/')+1:]
	if _, inPackage, ok := strings.Cut(name, "."); ok {
		name = inPackage
	}
	file, line = fn.FileLine(code)
	return name, file, line
}

// Uncompiled is a task function that is not compiled, and how often it was called as a task.
type Uncompiled struct {
	Function coro.KindInfo

	Started int64 // calls, since the program began; of each, the function has its own goroutine
	Live    int64 // of Started: calls that have not ended
}

// UncompiledFunctions returns an iterator over the functions that have run on goroutines because they
// are not compiled. A call by another function that runs on a goroutine is not counted: it is a call
// like any other. Any goroutine may use it.
func UncompiledFunctions() iter.Seq[Uncompiled] {
	return func(yield func(Uncompiled) bool) {
		for k := range plainKinds.All {
			k := k.(interface {
				Info() coro.KindInfo
				Counts() (started, live int64)
			})
			started, live := k.Counts()
			if !yield(Uncompiled{k.Info(), started, live}) {
				return
			}
		}
	}
}
