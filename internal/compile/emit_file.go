package compile

import (
	"fmt"
	"go/build/constraint"
	"go/format"
	"go/token"
	"go/types"
	"path/filepath"
	"strconv"
	"strings"
)

// lineHere stands where the position is that of the output again. It becomes a line directive when
// the lines are known.
const lineHere = "//line here"

func baseName(path string) string { return filepath.Base(path) }

// text returns the whole output for one source file.
func (f *file) text() ([]byte, error) {
	var body, init, functions strings.Builder
	fmt.Fprintf(&body, "const _ = %s // an error here: run framearena gen again\n\n", f.generated("Version1"))
	f.writeLocalTypes(&functions)
	for _, fn := range f.functions {
		f.writeBinding(&init, fn)
		f.writeFunction(&functions, fn)
	}
	f.bindPromotions(&init)
	f.declarationLine(&functions)
	f.writeCallees(&functions, &init)
	fmt.Fprintf(&body, "func init() {\n%s}\n\n%s", init.String(), functions.String())
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n//\n%s%s%s%s\n\n", Header, originPrefix, baseName(f.name), originHash, f.hash)
	b.WriteString("//lint:file-ignore SA4006 not each way through a step form needs what is assigned before it\n\n")
	fmt.Fprintf(&b, "//go:build %s\n\n", f.outputConstraint())
	fmt.Fprintf(&b, "package %s\n\n%s\n%s", f.syntax.Name.Name, f.imports.text(), body.String())
	text, err := format.Source([]byte(b.String()))
	if err != nil {
		return []byte(b.String()), fmt.Errorf("%s: the output does not parse, which is a mistake of this command: %w", f.name, err)
	}
	return f.placeLines(text), nil
}

// outputConstraint returns the build constraint of the output: that of the source, and not the tag with which
// a program is built without outputs.
func (f *file) outputConstraint() constraint.Expr {
	var c constraint.Expr = &constraint.NotExpr{X: &constraint.TagExpr{Tag: PlainTag}}
	if f.constraint != nil {
		c = &constraint.AndExpr{X: f.constraint, Y: c}
	}
	return c
}

// placeLines gives the directives that lead back to the output their lines, and leaves out those
// that say what is so without them.
func (f *file) placeLines(text []byte) []byte {
	name := f.unit.lineName(outputName(f.name))
	var out []string
	atFile, atLine := name, 1
	for line := range strings.SplitSeq(string(text), "\n") {
		toFile, toLine, ok := directive(line)
		switch {
		case line == "" && len(out) > 0 && out[len(out)-1] == "":
			continue // a directive was there
		case !ok:
			out = append(out, line)
			atLine++
			continue
		case line == lineHere && atFile == name:
			continue
		case line == lineHere:
			toFile, toLine = name, len(out)+2
		case toFile == atFile && toLine == atLine:
			continue
		}
		out = append(out, fmt.Sprintf("//line %s:%d", toFile, toLine))
		atFile, atLine = toFile, toLine
	}
	return []byte(strings.Join(out, "\n"))
}

// directive returns what a line directive says, if the line is one.
func directive(line string) (file string, number int, ok bool) {
	rest, ok := strings.CutPrefix(line, "//line ")
	if !ok || rest == "here" {
		return "", 0, ok
	}
	colon := strings.LastIndexByte(rest, ':') // the name of a file may have others
	if colon < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(rest[colon+1:])
	return rest[:colon], number, err == nil
}

// declarationLine says that a declaration is in the output. A directive must not be a part of its
// comment.
func (f *file) declarationLine(b *strings.Builder) {
	f.line(b, token.NoPos)
	b.WriteByte('\n')
}

func (fn *function) defineText() string {
	f := fn.file
	l := fn.layout
	define := "Define"
	if l.hasHeld {
		define = "DefineHeld"
	}
	p := f.unit.fset.Position(fn.pos())
	return fmt.Sprintf("%s(%q, %q, %d, %s, %s[%s](), %s)", f.generated(define), fn.display, baseName(p.Filename), p.Line, fn.sizeText(),
		f.generated("Result"), fn.resultText(), fn.stepName()+fn.typeParamNames()+fn.options())
}

func (f *file) writeBinding(b *strings.Builder, fn *function) {
	if len(fn.typeParams) > 0 {
		if fn.lit == nil {
			f.writeInstances(b, fn)
		}
		return
	}
	if fn.lit != nil && !fn.suspends || fn.recv != nil && !fn.suspends {
		if fn.recv != nil {
			f.bindMethod(b, fn)
		}
		return
	}
	fmt.Fprintf(b, "%sKind = %s\n", fn.base, fn.defineText())
	if fn.lit != nil {
		if fn.isTop() {
			f.bindLiteral(b, fn)
		}
		return
	}
	if fn.recv != nil {
		f.bindMethod(b, fn)
		return
	}
	start := fn.startName()
	if !fn.suspends {
		start = fn.decl.Name.Name
	}
	fmt.Fprintf(b, "%s(%s, %s, %s)\n", f.generated("Bind"), fn.decl.Name.Name, start, f.callFunction(fn))
}

// callFunction returns a literal that makes a call of the function for a launch.
func (f *file) callFunction(fn *function) string {
	if fn.sig.Variadic() {
		return "nil"
	}
	var b strings.Builder
	var params []string
	for _, v := range fn.params {
		params = append(params, fn.paramName(v)+" "+f.typeText(v.Type()))
	}
	fmt.Fprintf(&b, "func(%s) %s.Call[%s] {\n", strings.Join(params, ", "), f.imports.use(coroPath, "coro"), fn.resultText())
	e := f.newStartEmitter(fn, nil)
	b.WriteString(e.newCall(fn))
	fmt.Fprintf(&b, "return %s\n}", fn.call)
	return b.String()
}

// writeFunction writes the types, the kind and both forms of a function.
func (f *file) writeFunction(b *strings.Builder, fn *function) {
	if !fn.suspends && (fn.lit != nil || fn.recv != nil || len(fn.typeParams) > 0) {
		return // only launches need a kind
	}
	f.declarationLine(b)
	f.writeStates(b, fn)
	f.writeKind(b, fn)
	if !fn.suspends {
		fmt.Fprintf(b, "// %s runs %s, which does not wait.\n%s\n", fn.stepName(), fn.display, f.launchStep(fn))
		return
	}
	if fn.isTop() {
		fmt.Fprintf(b, "// %s is the start form of %s.\n%s\n", fn.startName(), fn.display, f.startFunction(fn))
		f.declarationLine(b)
	}
	b.WriteString(f.deferFunctions(fn))
	fmt.Fprintf(b, "// %s is the step form of %s.\n%s\n", fn.stepName(), fn.display, f.stepFunction(fn))
}

// writeStates writes the types of what is stored.
func (f *file) writeStates(b *strings.Builder, fn *function) {
	l := fn.layout
	if values, _ := splitResults(fn.sig); len(values) > 1 {
		fmt.Fprintf(b, "// %sResult is what %s returns.\ntype %sResult%s = struct {\n", fn.base, fn.display, fn.base, fn.typeParamList())
		for i, t := range values {
			fmt.Fprintf(b, "%s %s\n", resultField(i), f.typeText(t))
		}
		b.WriteString("}\n\n")
	}
	var sizes []string
	for n, s := range append([]*storage{l.args}, l.points...) {
		stateResult := s.result != "" && !s.resultHeld
		if !s.usesState() {
			continue
		}
		name := fn.pointName(n)
		sizes = append(sizes, f.imports.use("unsafe", "unsafe")+".Sizeof("+name+"{})")
		if n == 0 {
			fmt.Fprintf(b, "// %s has the arguments of %s.\n", name, fn.display)
		} else {
			p := f.unit.fset.Position(fn.awaits[n-1].pos)
			fmt.Fprintf(b, "// %s is what %s keeps while it waits in line %d.\n", name, fn.display, p.Line)
		}
		fmt.Fprintf(b, "type %s struct {\n", name)
		f.writeFields(b, fn, s.state)
		if stateResult {
			fmt.Fprintf(b, "%s %s\n", s.result, f.typeText(s.resultType))
		}
		b.WriteString("}\n\n")
	}
	if len(sizes) > 0 {
		size := sizes[0]
		switch {
		case len(sizes) > 1 && f.unit.types.Scope().Lookup("max") == nil:
			size = "max(" + strings.Join(sizes, ", ") + ")"
		case len(sizes) > 1:
			size = f.largest(b, fn.base+"Size", sizes)
		}
		fmt.Fprintf(b, "const %sSize = (%s + 7) &^ 7\n\n", fn.base, size)
	}
	if l.hasHeld {
		f.writeExit(b, fn)
		// Functions with the same variables share one type, and what Go makes for it.
		alias := "= "
		if len(fn.typeParams) > 0 {
			alias = ""
		}
		fmt.Fprintf(b, "type %sHeld%s %sstruct {\n", fn.base, fn.typeParamList(), alias)
		if fn.isDeferring() {
			fmt.Fprintf(b, "exit %s\n", fn.exitType())
		}
		for _, s := range l.slots {
			text := s.text
			if text == "" {
				text = f.typeText(s.typ)
			}
			fmt.Fprintf(b, "%s %s\n", s.name, text)
		}
		b.WriteString("}\n\n")
	}
}

// largest writes constants up to the largest of the sizes, where max is something else. It returns the last.
func (f *file) largest(b *strings.Builder, name string, sizes []string) string {
	largest := "int64(" + sizes[0] + ")"
	for _, size := range sizes[1:] {
		more := "(int64(" + size + ") - " + largest + ")"
		next := f.unit.top(name + "Of")
		fmt.Fprintf(b, "const %s = %s + %s&^(%s>>63)\n\n", next, largest, more, more)
		largest = next
	}
	return "uintptr(" + largest + ")"
}

// writeFields writes fields, those of one type that follow each other in one line.
func (f *file) writeFields(b *strings.Builder, fn *function, fields []field) {
	for i := 0; i < len(fields); {
		t := fn.storedType(fields[i].v)
		names := []string{fields[i].name}
		for i++; i < len(fields) && types.Identical(fn.storedType(fields[i].v), t); i++ {
			names = append(names, fields[i].name)
		}
		fmt.Fprintf(b, "%s %s\n", strings.Join(names, ", "), f.typeText(t))
	}
}

// typeOf returns the type of a variable as the output spells it.
func (fn *function) typeOf(v *types.Var) string {
	if text := fn.unit.rawTypes[v]; text != nil {
		return text(fn.file)
	}
	return fn.file.typeText(v.Type())
}

// storedText is typeOf for what is stored for the variable.
func (fn *function) storedText(v *types.Var) string {
	if fn.isBox(v) {
		return "*" + fn.typeOf(v)
	}
	return fn.typeOf(v)
}
