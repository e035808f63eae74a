package fuzz

import (
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/framearena/framearena/arena"
)

// failure is what is reported of a run that failed.
type failure struct {
	violation *violation
	program   Program // nil if it cannot be replayed
	steady    bool    // the program fails each time
	done      int     // operations until the invariant was broken, all runs together
	call      string  // that reproduces it
}

// text returns the report.
func (f *failure) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fuzz: %s: %s\n", f.violation.invariant, f.violation.text)
	switch {
	case f.program != nil && !f.steady:
		b.WriteString("The same operations did not break it again: something else than the operations decides.\n")
	case f.program == nil:
		b.WriteString("Goroutines decide, so it may take some runs to happen again:\n")
	}
	fmt.Fprintf(&b, "To reproduce it:\n\n%s", f.call)
	return b.String()
}

// replayCall returns a test that replays p.
func replayCall(p Program, new func(testing.TB) arena.FrameAllocator, promises bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "func TestReproduction(t *testing.T) {\n\tfuzz.Replay(t, %s, fuzz.Program{\n", nameOf(new))
	for _, op := range p {
		fmt.Fprintf(&b, "\t\t%s,\n", op.text())
	}
	b.WriteString("\t}")
	if promises {
		b.WriteString(", promises...) // the options of the test that failed\n}\n")
	} else {
		b.WriteString(")\n}\n")
	}
	return b.String()
}

var topLevel = regexp.MustCompile(`^[^.]+\.([\pL_][\pL\pN_]*)$`)

// nameOf returns the constructor's name, or one for a function literal.
func nameOf(new func(testing.TB) arena.FrameAllocator) string {
	if f := runtime.FuncForPC(reflect.ValueOf(new).Pointer()); f != nil {
		name := f.Name()
		if m := topLevel.FindStringSubmatch(name[strings.LastIndexByte(name, '/')+1:]); m != nil {
			return m[1]
		}
	}
	return "newAllocator"
}
