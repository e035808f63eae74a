//go:build framearena_explore

package interleave

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// Result counts what an exploration has run.
type Result struct {
	Executions int // all executions
	Redundant  int // those that turned out to be covered by others
	Steps      int // operations of the longest execution
	Failure    *Failure
}

func (r Result) String() string {
	return fmt.Sprintf("%d executions, %d of them redundant, of at most %d operations", r.Executions, r.Redundant, r.Steps)
}

// Failure is an execution that went wrong.
type Failure struct {
	What      string
	Execution int // its number, from 1

	run        *Run
	unfinished bool
}

// An Option says how to explore.
type Option func(*options)

// Preemptions limits the exploration to executions with at most n preemptions, in place of the
// reduction. A preemption is that another thread runs although the last one could, or that
// a thread runs although a store in a buffer could have become visible at once.
func Preemptions(n int) Option { return func(o *options) { o.preemptions = n } }

// All explores all interleavings, also those that differ from others only in the order of
// operations that commute. It is for models of a few operations.
func All() Option { return func(o *options) { o.all = true } }

// If is the option o if condition returns true when exploring begins, and no option otherwise.
func If(condition func() bool, o Option) Option {
	return func(all *options) {
		if condition() {
			o(all)
		}
	}
}

// Limit sets the most executions that are run. It is a failure if more would be needed.
func Limit(n int) Option { return func(o *options) { o.limit = n } }

// Only explores only the operations in packages with these names. The operations of other
// packages must not wait for what a thread does.
func Only(packages ...string) Option { return func(o *options) { o.packages = packages } }

// Break does the operations that f names wrong.
func Break(f Fault) Option { return func(o *options) { o.fault = &f } }

// Explore runs the model in all ways. It calls model before each execution. model must make
// everything that the threads share, in the same way each time.
func Explore(model func(*Run), opts ...Option) Result {
	x := newExplorer(opts)
	x.explore(model)
	return x.result
}

func newExplorer(opts []Option) *explorer {
	x := &explorer{options: options{preemptions: -1, limit: 1_000_000}, effects: make(map[*site]effects)}
	for _, o := range opts {
		o(&x.options)
	}
	return x
}

// Check explores the model, which must not fail. With -v the test prints how much it has
// explored.
func Check(t testing.TB, model func(*Run), opts ...Option) Result {
	t.Helper()
	r := Explore(model, opts...)
	if r.Failure != nil {
		t.Fatalf("%v", r.Failure)
	}
	t.Logf("%v", r)
	return r
}

// Catch explores the model with a fault in it. The model must fail.
func Catch(t testing.TB, model func(*Run), opts ...Option) *Failure {
	t.Helper()
	r := Explore(model, opts...)
	switch {
	case r.Failure == nil:
		t.Fatalf("the fault was not noticed in %v", r)
	case r.Failure.unfinished:
		t.Fatalf("the fault was not noticed: %s", r.Failure.What)
	}
	what, _, _ := strings.Cut(r.Failure.What, "\n")
	t.Logf("caught in execution %d: %s", r.Failure.Execution, what)
	return r.Failure
}

// String shows the execution, one operation on each line.
func (f *Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "interleave: in execution %d: %s\n", f.Execution, f.What)
	if f.unfinished {
		return b.String()
	}
	r := f.run
	width := 0
	for _, t := range r.threads {
		width = max(width, len(t.name))
	}
	names := make(map[any]string)
	for _, s := range r.trace {
		if s.op.kind == opNone {
			continue
		}
		t := r.threads[s.actor/2]
		name := t.name
		if s.actor&1 != 0 {
			name = "(" + name + ")" // the thread's buffer
		}
		fmt.Fprintf(&b, "%-*s  %-16s %-32s %s", width+2, name, opNames[s.op.kind], s.op.site, s.op.site.text())
		if s.value != nil {
			fmt.Fprintf(&b, "  // %s", describe(s.value, names))
		}
		b.WriteByte('\n')
	}
	for _, t := range r.threads {
		if !t.done && t.next.site != nil {
			fmt.Fprintf(&b, "%-*s  is about to      %-32s %s\n", width+2, t.name, t.next.site, t.next.site.text())
		}
	}
	return b.String()
}

// describe returns the text of a value. Pointers get names, which it keeps in names.
func describe(v any, names map[any]string) string {
	if c, ok := v.(interface {
		parts() (old, new any, done bool)
	}); ok {
		old, new, done := c.parts()
		if !done {
			return describe(old, names) + ", unchanged"
		}
		return describe(old, names) + " -> " + describe(new, names)
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer {
		return fmt.Sprint(v)
	}
	if p.IsNil() {
		return "nil"
	}
	if names[v] == "" {
		names[v] = "p" + fmt.Sprint(len(names)+1)
	}
	return names[v]
}

func (c change[V]) parts() (old, new any, done bool) { return c.old, c.new, c.done }
