package bound

import (
	"path"
	"runtime"
	"strings"
	"sync"
)

// literals has the compiled forms of literals that capture nothing. The source of a literal has no name
// that stands for its code, so it is entered by its place, and found when a value of it is seen for the
// first time. There may be several copies of its code, where Go has inlined the function around it.
var literals literalTable

type literalTable struct {
	mu      sync.RWMutex
	places  map[place]literal
	unbound map[uintptr]bool // codes that were looked up and belong to no place
}

// literal is a literal that was entered. function is the name of the function it is in, or empty: code
// that was generated for an older source is nearly always found by it.
type literal struct {
	function string
	forms    *Function
}

// place is where a literal begins.
type place struct {
	file string // its path, as package runtime tells it
	line int
}

// BindLiteral makes f the compiled form of the literal that begins at the line of the file, which lies
// beside the file of generated code that calls this function's caller, in the function of the given name.
func BindLiteral(file string, line int, function string, f *Function) {
	_, generated, _, _ := runtime.Caller(2)
	t := &literals
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.places == nil {
		t.places = map[place]literal{}
	}
	t.places[place{path.Join(path.Dir(generated), file), line}] = literal{function, f}
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
	where, name, ok := placeOf(code)
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.places[where]
	if !ok || l.forms == nil || l.function != "" && !strings.Contains(name, "."+l.function+".") {
		if t.unbound == nil {
			t.unbound = map[uintptr]bool{}
		}
		t.unbound[code] = true
		return nil
	}
	functions.set(code, l.forms)
	return l.forms
}

// placeOf returns where the function with the given code begins, and its name. If its first instruction is that of
// another function, which was inlined, nothing tells where the function itself begins.
func placeOf(code uintptr) (p place, name string, ok bool) {
	frames := runtime.CallersFrames([]uintptr{code + 1})
	frame, more := frames.Next()
	if more || frame.Func == nil {
		return place{}, "", false
	}
	file, line := frame.Func.FileLine(code)
	return place{path.Clean(file), line}, frame.Function, true
}
