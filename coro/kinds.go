package coro

import (
	"fmt"
	"iter"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// KindInfo describes a kind.
type KindInfo struct {
	Name      string  // as given to Define
	File      string  // where Define was called
	Line      int     // in File
	FrameSize uintptr // of a task's frame, in bytes
}

// String returns the name and the place of the definition, which tell kinds of
// one name apart: "ping (ping.go:12)".
func (i KindInfo) String() string {
	return fmt.Sprintf("%s (%s:%d)", i.Name, path.Base(i.File), i.Line)
}

// Info returns the kind's name, where it was defined, and the size of a task's frame.
func (k *kind) Info() KindInfo {
	return KindInfo{Name: k.name, File: k.defined.file, Line: k.defined.line, FrameSize: k.size}
}

// Kinds returns an iterator over all kinds that were defined when the loop began, in the order
// of their definition. It may be used from any goroutine.
func Kinds() iter.Seq[KindInfo] {
	return func(yield func(KindInfo) bool) {
		for _, k := range kinds.snapshot() {
			if !yield(k.Info()) {
				return
			}
		}
	}
}

// position is where a kind was defined.
type position struct {
	file string
	line int

	// scope is the path of the package if a package-level variable is initialised there,
	// otherwise empty.
	scope string
}

// callerPosition returns the position of a call that is in progress: with skip 0 the call of
// callerPosition, with skip 1 the call of the function that calls callerPosition.
func callerPosition(skip int) position {
	var pcs [1]uintptr
	runtime.Callers(skip+2, pcs[:])
	frame, _ := runtime.CallersFrames(pcs[:]).Next()
	return position{frame.File, frame.Line, initialiserOf(frame.Function)}
}

// initialiserOf returns the path of the package whose variables the function of the given name
// initialises, or the empty string for any other function. The name of a method called init
// has the same end, but a type before it.
func initialiserOf(function string) string {
	dir, last := path.Split(function)
	pkg, rest, _ := strings.Cut(last, ".")
	if rest != "init" {
		return ""
	}
	return dir + pkg
}

func (p position) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// kinds keeps all kinds alive, since frames refer to them by links. Any goroutine may use it.
var kinds registry

type registry struct {
	mu    sync.Mutex              // guards what follows
	all   []*kind                 // in the order of definition
	named map[scopedName]position // of package-level kinds
}

type scopedName struct{ scope, name string }

// add keeps k. It panics if k and another kind are package-level variables of one
// package, have one name and are not defined in one place.
func (r *registry) add(k *kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k.defined.scope != "" {
		key := scopedName{k.defined.scope, k.name}
		if other, ok := r.named[key]; ok && other != k.defined {
			panic(fmt.Sprintf("coro: task %s is defined twice in package %s, at %v and at %v: give each kind a name of its own",
				quote(k.name), key.scope, other, k.defined))
		}
		if r.named == nil {
			r.named = make(map[scopedName]position)
		}
		r.named[key] = k.defined
	}
	r.all = append(r.all, k)
}

func (r *registry) snapshot() []*kind {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}
