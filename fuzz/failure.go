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

// failure describes a failed call of Check, Fuzz or Stress.
type failure struct {
	violation *violation
	program   Program // nil for a failure of Stress, which no program repeats
	steady    bool    // the program failed each time that it was run
	done      int     // operations until the invariant was broken, over all runs
	call      string  // a test that reproduces the failure
}

// text returns the failure as it is reported to the test.
func (f *failure) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fuzz: %s: %s\n", f.violation.invariant, f.violation.text)
	switch {
	case f.program != nil && !f.steady:
		b.WriteString("The same operations did not break it again: the failure depends on something else too.\n")
	case f.program == nil:
		b.WriteString("It depends on how goroutines are scheduled, so it may take several runs to happen again.\n")
	}
	fmt.Fprintf(&b, "To reproduce it:\n\n%s", f.call)
	return b.String()
}

// replayCall returns the source of a test that replays p. If promised is set, the test
// names the options of the failed one.
func replayCall(p Program, new func(testing.TB) arena.FrameAllocator, promised bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "func TestReproduction(t *testing.T) {\n\tfuzz.Replay(t, %s, fuzz.Program{\n", nameOf(new))
	for _, op := range p {
		fmt.Fprintf(&b, "\t\t%s,\n", op.text())
	}
	b.WriteString("\t}")
	if promised {
		b.WriteString(", promises) // what the failed test promised\n}\n")
	} else {
		b.WriteString(")\n}\n")
	}
	return b.String()
}

// checkCall returns the source of a test that calls Check with the same operations.
func checkCall(c *config, new func(testing.TB) arena.FrameAllocator) string {
	promises := " "
	if c.promised {
		promises = " promises, // what the failed test promised\n\t\t"
	}
	return fmt.Sprintf("func TestReproduction(t *testing.T) {\n\tfuzz.Check(t, %s,%sfuzz.Operations(%d), fuzz.Seed(%d))\n}\n", nameOf(new), promises, c.operations, c.seed)
}

// topLevel matches the runtime's name of a function that is declared at top level.
var topLevel = regexp.MustCompile(`^[^.]+\.([\pL_][\pL\pN_]*)$`)

// nameOf returns the name of a constructor, or newAllocator if it is a function literal or
// a method.
func nameOf(new func(testing.TB) arena.FrameAllocator) string {
	if f := runtime.FuncForPC(reflect.ValueOf(new).Pointer()); f != nil {
		name := f.Name()
		if m := topLevel.FindStringSubmatch(name[strings.LastIndexByte(name, '/')+1:]); m != nil {
			return m[1]
		}
	}
	return "newAllocator"
}
