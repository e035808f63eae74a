package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// emitter writes one form of one function.
type emitter struct {
	strings.Builder
	*renderer
	boxes map[*types.Var]string // of variables that have just moved
}

func (e *emitter) printf(format string, args ...any) { fmt.Fprintf(&e.Builder, format, args...) }

func (f *file) generated(name string) string {
	return f.imports.use(generatedPath, "generated") + "." + name
}

// line says that what follows is at a place of the source, or, without a place, in the output.
func (e *emitter) line(pos token.Pos) { e.file.line(&e.Builder, pos) }

func (f *file) line(b *strings.Builder, pos token.Pos) {
	if !f.unit.lines {
		return
	}
	if !pos.IsValid() {
		fmt.Fprintf(b, "%s\n", lineHere)
		return
	}
	p := f.unit.fset.Position(pos)
	fmt.Fprintf(b, "//line %s:%d\n", f.unit.lineName(p.Filename), p.Line)
}

// withCopies writes what f writes, in a block with copies of variables that literals in the nodes
// capture.
func (e *emitter) withCopies(f func(), ns ...ast.Node) {
	vs := e.copies(ns...)
	if len(vs) == 0 {
		f()
		return
	}
	e.printf("{\n")
	for _, v := range vs {
		name := e.fn.nameOf(v)
		e.printf("%s := %s\n", name, name)
	}
	f()
	e.printf("}\n")
}

// lhsText returns the left side of a call's assignment, up to and with = or :=, or an empty string.
func (e *emitter) lhsText(a *await, assign string) string {
	if len(a.lhs) == 0 {
		return ""
	}
	names := make([]string, len(a.lhs))
	blank := true
	for i, v := range a.lhs {
		names[i] = "_"
		if v != nil {
			blank = false
			names[i] = e.variable(v)
		}
	}
	if blank {
		assign = "="
	}
	return strings.Join(names, ", ") + " " + assign + " "
}

// variable returns the text of a variable.
func (e *emitter) variable(v *types.Var) string {
	if e.pointers[v] {
		return "*" + e.fn.nameOf(v)
	}
	return e.fn.nameOf(v)
}

// unwindPulled defers what lets a panic of the function pass through the functions that it ranges over,
// from the inside, as if they had called the loops' bodies. cond, if it is not empty, says
// that the function has not returned.
func (e *emitter) unwindPulled(cond string) {
	fn := e.fn
	if len(fn.pulled) == 0 {
		return
	}
	var names []string
	for _, v := range slices.Backward(fn.pulled) {
		names = append(names, fn.names[v])
	}
	list := strings.Join(names, ", ")
	if cond != "" {
		cond += " && "
	}
	e.printf("defer func() {\nif %s%s(%s) {\n%s(%s, recover(), %s)\n}\n}()\n",
		cond, e.file.generated("Pulling"), list, e.file.generated("Unwind"), fn.names[fn.t], list)
}
