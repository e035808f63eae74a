package coro

import (
	"fmt"
	"iter"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/framearena/framearena/internal/printable"
)

// KindInfo identifies a kind: its name, where it was defined, and the size of its frames.
type KindInfo struct {
	Name      string  // as given to Define
	File      string  // where Define was called
	Line      int     // in File
	FrameSize uintptr // of a task's frame, in bytes
}

// String returns the name and the position of the definition, such as "ping (ping.go:12)". The
// position distinguishes kinds that have the same name. A name that is no plain text is shown as
// one line of valid UTF-8: what cannot be printed becomes an escape sequence such as \n or \xff,
// and more than 120 characters are cut. So it is in every text, metric and profile of a kind.
func (i KindInfo) String() string {
	return fmt.Sprintf("%s (%s:%d)", printable.Text(i.Name), path.Base(i.File), i.Line)
}

// Info returns the kind's name, where it was defined, and the size of its frames.
func (k *kind) Info() KindInfo {
	return KindInfo{Name: k.name, File: k.defined.file, Line: k.defined.line, FrameSize: k.size}
}

// Kinds returns an iterator over all kinds that were defined before the loop began, in the order
// of their definition. Any goroutine may use it.
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

	// initialises is the path of the package if the definition initialises one of the
	// package's variables; otherwise it is empty.
	initialises string
}

// callerPosition returns a position in the stack of the calling goroutine: with skip 0 that of the
// call of callerPosition, with 1 that of the call of its caller, and so on.
func callerPosition(skip int) position {
	var pcs [1]uintptr
	runtime.Callers(skip+2, pcs[:])
	frame, _ := runtime.CallersFrames(pcs[:]).Next()
	return position{frame.File, frame.Line, initialiserOf(frame.Function)}
}

// initialiserOf returns the path of the package whose variables the function of the given name
// initialises, or the empty string for any other function. The name of a method called init ends
// in the same way, but has a type in it.
func initialiserOf(function string) string {
	dir, last := path.Split(function)
	pkg, rest, _ := strings.Cut(last, ".")
	if rest != "init" {
		return ""
	}
	return dir + pkg
}

func (p position) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// kinds has every kind. It keeps them from the collector, because frames refer to kinds by
// links. Any goroutine uses it.
var kinds kindTable

type kindTable struct {
	mu    sync.Mutex // guards what follows; no other lock is taken while it is held
	all   []*kind    // in the order of their definition
	named map[packageName]position
}

// packageName is the name of a kind that is a package-level variable.
type packageName struct{ pkg, name string }

// add adds k to the table. It panics if k and another kind are package-level variables of one
// package and have the same name, but are defined at different positions.
func (r *kindTable) add(k *kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k.defined.initialises != "" {
		key := packageName{k.defined.initialises, k.name}
		if other, ok := r.named[key]; ok && other != k.defined {
			panic(fmt.Sprintf("coro: task %s is defined twice in package %s, at %v and at %v: give each kind a name of its own",
				quote(k.name), key.pkg, other, k.defined))
		}
		if r.named == nil {
			r.named = make(map[packageName]position)
		}
		r.named[key] = k.defined
	}
	r.all = append(r.all, k)
}

// snapshot returns the kinds that are in the table now.
func (r *kindTable) snapshot() []*kind {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}
