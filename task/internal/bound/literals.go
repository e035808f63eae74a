package bound

import (
	"path"
	"runtime"
	"sync"
)

// literals has the compiled forms of literals that capture nothing. The source of a literal has no name
// that stands for its code, so it is entered by its place, and found when a value of it is seen for the
// first time. There may be several copies of its code, where Go has inlined the function around it.
var literals literalTable

type literalTable struct {
	mu      sync.RWMutex
	places  map[place]*Function
	unbound map[uintptr]bool // codes that were looked up and belong to no place
}

// place is where a literal begins.
type place struct {
	file string // its path, as package runtime tells it
	line int
}

// BindLiteral makes f the compiled form of the literal that begins at the line of the file, which lies
// beside the file of generated code that calls this function's caller.
func BindLiteral(file string, line int, f *Function) {
	_, generated, _, _ := runtime.Caller(2)
	t := &literals
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.places == nil {
		t.places = map[place]*Function{}
	}
	t.places[place{path.Join(path.Dir(generated), file), line}] = f
	t.unbound = nil
}

// at returns the compiled form of the literal with the given code, or nil, and enters it in functions.
func (t *literalTable) at(code uintptr) *Function {
	t.mu.RLock()
	none := t.places == nil || t.unbound[code]
	t.mu.RUnlock()
	if none {
		return nil
	}
	where, ok := placeOf(code)
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.places[where]
	if !ok || f == nil {
		if t.unbound == nil {
			t.unbound = map[uintptr]bool{}
		}
		t.unbound[code] = true
		return nil
	}
	functions.set(code, f)
	return f
}

// placeOf returns where the function with the given code begins. If its first instruction is that of
// another function, which was inlined, nothing tells where the function itself begins.
func placeOf(code uintptr) (p place, ok bool) {
	frames := runtime.CallersFrames([]uintptr{code + 1})
	frame, more := frames.Next()
	if more || frame.Func == nil {
		return place{}, false
	}
	file, line := frame.Func.FileLine(code)
	return place{path.Clean(file), line}, true
}
