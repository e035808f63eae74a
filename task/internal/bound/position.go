package bound

import (
	"path"
	"runtime"
	"strings"
	"sync"
)

// Literals in plain functions have no name that generated code could use. They are bound by their
// position, and found by it when they are launched for the first time.

// position is where a literal stands.
type position struct {
	pkg  string // its path, as in the names of functions
	file string // its base name
	line int
}

var positions struct {
	mu       sync.Mutex // guards bound
	bound    map[position]*Function
	resolved table // also has code that is bound to nothing, with unbound
}

// unbound is the Function of code that is known not to be bound.
var unbound = new(Function)

// BindPosition makes f the compiled form of the literal at a position in the package whose function
// calls, so many callers up.
func BindPosition(skip int, file string, line int, f *Function) {
	pc, _, _, _ := runtime.Caller(skip + 1)
	p := position{packageOf(runtime.FuncForPC(pc).Name()), path.Base(file), line}
	positions.mu.Lock()
	defer positions.mu.Unlock()
	if positions.bound == nil {
		positions.bound = make(map[position]*Function)
	}
	positions.bound[p] = f
}

// atPosition returns the compiled form of the literal with the given code, or nil.
func atPosition(code uintptr) *Function {
	f := positions.resolved.get(code)
	if f == nil {
		f = resolve(code)
		positions.resolved.set(code, f)
	}
	if f == unbound {
		return nil
	}
	return f
}

func resolve(code uintptr) *Function {
	fn := runtime.FuncForPC(code)
	if fn == nil {
		return unbound
	}
	file, line := fn.FileLine(fn.Entry())
	positions.mu.Lock()
	defer positions.mu.Unlock()
	if f := positions.bound[position{packageOf(fn.Name()), path.Base(file), line}]; f != nil && strings.Contains(fn.Name(), ".func") {
		return f
	}
	return unbound
}

// packageOf returns the path of the package that the function of the given name belongs to.
func packageOf(function string) string {
	dir, last := path.Split(function)
	pkg, _, _ := strings.Cut(last, ".")
	return dir + pkg
}
