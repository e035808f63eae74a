package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// exitNames are names in the step form of a function with deferred calls.
type exitNames struct {
	at, step, ok string
	label        string
	fields       map[*types.Var]string // of the results, in the held part
}

// nameExit names what only functions with deferred calls have.
func (fn *function) nameExit() {
	for _, v := range fn.saved {
		fn.names[v] = fn.local(v.Name())
	}
	if !fn.isDeferring() {
		if len(fn.pulled) > 0 {
			fn.exit.step = fn.local("step")
		}
		return
	}
	fn.names[fn.panicVar] = fn.local("p")
	x := exitNames{at: fn.local("at"), step: fn.local("step"), ok: fn.local("ok"), fields: map[*types.Var]string{}}
	taken := map[string]bool{"panic": true, "result": true}
	for _, v := range fn.results {
		if fn.names[v] == "" {
			fn.names[v] = fn.local("r")
		}
		x.fields[v] = fresh(fn.names[v], func(s string) bool { return taken[s] })
		taken[x.fields[v]] = true
	}
	labels := map[string]bool{}
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		if l, ok := n.(*ast.LabeledStmt); ok {
			labels[l.Label.Name] = true
		}
		return true
	})
	x.label = fresh("exit", func(s string) bool { return labels[s] })
	fn.exit = x
}

// capturePanic lets a deferred literal that recovers know the panic of its function.
func (fn *function) capturePanic() {
	if in := fn.unit.deferredIn[fn.lit]; in != nil && fn.recovers() {
		fn.captured = append(fn.captured, in.panicVar)
	}
}

// sharesPanic reports whether frames of deferred literals refer to the function's panic, which therefore
// is no part of its own frame.
func (fn *function) sharesPanic() bool {
	return slices.ContainsFunc(fn.deferrals, func(d *deferral) bool { return d.lit != nil && d.lit.recovers() })
}

// recovers reports whether the function itself calls recover.
func (fn *function) recovers() (found bool) {
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			found = found || isRecover(fn.unit.info, x)
		}
		return true
	})
	return found
}

// recovered returns what stands for a call of recover in a deferred literal that is a task function.
func (r *renderer) recovered(call *ast.CallExpr) ast.Node {
	v := r.fn.recoveredFrom(call)
	if v == nil || r.isInner {
		return nil
	}
	return raw(r.fn.nameOf(v)+".Recover()", call.Pos())
}

// recoveredFrom returns the variable with the panic that the call recovers, if it is a call of recover
// in a deferred literal that is a task function.
func (fn *function) recoveredFrom(call *ast.CallExpr) *types.Var {
	if fn.lit == nil || fn.unit.deferredIn[fn.lit] == nil || !isRecover(fn.unit.info, call) {
		return nil
	}
	return fn.unit.deferredIn[fn.lit].panicVar
}

func (fn *function) runName() string { return fn.base + "Run" }

// exitType is the type of what lives until the function has ended.
func (fn *function) exitType() string { return fn.base + "Exit" + fn.typeParamNames() }

// options returns the options of the function's kind.
func (fn *function) options() string {
	if fn.isDeferring() || len(fn.pulled) > 0 {
		return ", " + fn.file.generated("Deferring") + "()"
	}
	return ""
}

// writeExit writes the type of what lives until the function has ended.
func (f *file) writeExit(b *strings.Builder, fn *function) {
	if !fn.isDeferring() {
		return
	}
	fmt.Fprintf(b, "// %s is what %s needs until it has ended: its deferred calls and its results.\n", fn.base+"Exit", fn.display)
	star := ""
	if fn.sharesPanic() {
		star = "*"
	}
	fmt.Fprintf(b, "type %sExit%s struct {\npanic %s%s\nresult %s\n", fn.base, fn.typeParamList(), star, f.generated("Panic"), fn.resultText())
	for _, v := range fn.results {
		fmt.Fprintf(b, "%s %s\n", fn.exit.fields[v], f.typeText(fn.storedType(v)))
	}
	b.WriteString("}\n\n")
}

// keptExit returns the part of a composite literal of the held part that keeps what lives until the
// end.
func (e *emitter) keptExit() string {
	switch {
	case !e.fn.isDeferring():
		return ""
	case !e.inStep:
		return e.exitOf()
	}
	return "exit: " + e.fn.heldName + ".exit, "
}

// beginAndRun writes the body of a start form that runs the step form in a frame.
func (e *startEmitter) beginAndRun() {
	fn, l := e.fn, e.fn.layout
	t := fn.names[fn.t]
	e.printf("%s, %s := %s[%s](%s, %s)\n", fn.frame, fn.heldName, e.file.generated("BeginHeld"), fn.heldType(), t, e.kind())
	if len(l.args.state) > 0 {
		at := fmt.Sprintf("%s[%s](%s)", e.file.generated("At"), fn.pointName(0), fn.frame)
		e.printf("*%s = %s{%s}\n", at, fn.pointName(0), e.stored(l.args.state))
	}
	if len(l.args.held) > 0 {
		e.printf("*%s = %s{%s}\n", fn.heldName, fn.heldType(), e.stored(l.args.held))
	}
	run := fmt.Sprintf("%s(%s, %s, &%s.exit.result)", e.file.generated("Run"), t, fn.frame, fn.heldName)
	values, fails := splitResults(fn.sig)
	r, err := fn.local("r"), fn.local("err")
	switch {
	case len(fn.results) == 0:
		e.printf("%s\n", run)
	case len(values) == 0:
		e.printf("_, %s := %s\nreturn %s\n", err, run, err)
	case len(values) == 1 && fails:
		e.printf("return %s\n", run)
	default:
		if !fails && !mayFail(fn.sig) {
			err = "_"
		}
		e.printf("%s, %s := %s\n", r, err, run)
		texts := []string{r}
		if len(values) > 1 {
			texts = texts[:0]
			for i := range values {
				texts = append(texts, r+"."+resultField(i))
			}
		}
		if mayFail(fn.sig) {
			e.printf("%s(&%s, %s)\n", e.file.generated("SetLast"), texts[len(texts)-1], err)
		}
		if fails {
			texts = append(texts, err)
		}
		e.printf("return %s\n", strings.Join(texts, ", "))
	}
	e.printf("}\n")
}

// outerStep writes the step form, which calls the function that does the work.
func (e *stepEmitter) outerStep() {
	fn := e.fn
	e.printf("func %s%s(%s %s, %s *%s) %s {\n", fn.stepName(), fn.typeParamList(), fn.frame, fn.frameType(), fn.heldName, fn.heldType(), e.file.generated("Step"))
	e.printf("%s, _ := %s(%s, %s, %s.At())\nreturn %s\n}\n\n", fn.exit.step, fn.runName(), fn.frame, fn.heldName, fn.frame, fn.exit.step)
	e.printf("// %s runs %s from a resume point on. If it panics, it runs again from its deferred calls on.\n", fn.runName(), fn.display)
}

// runHead writes the rest of the signature of the function that does the work, and how it begins.
func (e *stepEmitter) runHead() {
	fn, f, x := e.fn, e.file, &e.fn.exit
	step := f.generated("Step")
	t, p := fn.names[fn.t], fn.names[fn.panicVar]
	e.printf(", %s int) (%s %s, %s bool) {\n", x.at, x.step, step, x.ok)
	e.printf("%s := %s(%s)\n", t, f.generated("Resume"), fn.frame)
	if fn.sharesPanic() {
		e.printf("if %s.exit.panic == nil {\n%s.exit.panic = new(%s)\n}\n", fn.heldName, fn.heldName, f.generated("Panic"))
		e.printf("%s := %s.exit.panic\n", p, fn.heldName)
	} else {
		e.printf("%s := &%s.exit.panic\n", p, fn.heldName)
	}
	e.printf("defer %s.Catch(%s, func() (%s, bool) { return %s(%s, %s, %s) }, &%s, &%s)\n",
		p, t, step, fn.runName(), fn.frame, fn.heldName, f.generated("Exit"), x.step, x.ok)
	for _, v := range fn.results {
		place := fn.heldName + ".exit." + x.fields[v]
		if !fn.isBox(v) {
			e.printf("%s := &%s\n", fn.names[v], place)
			continue
		}
		e.printf("if %s == nil {\n%s = new(%s)\n}\n%s := %s\n", place, place, f.typeText(v.Type()), fn.names[v], place)
	}
}

// resumePoint returns the expression that says where the step form goes on.
func (e *stepEmitter) resumePoint() string {
	if e.fn.isDeferring() {
		return e.fn.exit.at
	}
	return e.fn.frame + ".At()"
}

// andOK returns the second value in a return statement of the function that does the work.
func (e *stepEmitter) andOK() string {
	if e.fn.isDeferring() {
		return ", true"
	}
	return ""
}

// exitEntries writes the resume points of the exit block.
func (e *stepEmitter) exitEntries() {
	fn := e.fn
	if !fn.isDeferring() {
		return
	}
	e.printf("case %s:\n%s(%s)\ngoto %s\n", e.file.generated("Unwinding"), e.file.generated("Child"), fn.frame, fn.exit.label)
	e.printf("case %s:\ngoto %s\n", e.file.generated("Exit"), fn.exit.label)
}

// exitText returns the statements that set the results and go to the exit block.
func (e *stepEmitter) exitText(results []ast.Expr) string {
	leave := "goto " + e.fn.exit.label
	if len(results) == 0 {
		return leave
	}
	var left, right []string
	for i, v := range e.fn.results {
		if len(results) == len(e.fn.results) && e.fn.whole(results[i]) == v {
			continue // it is there
		}
		left = append(left, "*"+e.fn.names[v])
		if i < len(results) {
			right = append(right, e.text(results[i]))
		}
	}
	if len(left) == 0 {
		return leave
	}
	return fmt.Sprintf("{\n%s = %s\n%s\n}", strings.Join(left, ", "), strings.Join(right, ", "), leave)
}

// exitBlock writes the end of the function.
func (e *stepEmitter) exitBlock() {
	fn, f := e.fn, e.file
	t, p := fn.names[fn.t], fn.names[fn.panicVar]
	e.line(token.NoPos)
	e.printf("%s:\nif %s.Run(%s) {\n", fn.exit.label, p, t)
	e.printf("*%s = %s{%s}\n", fn.heldName, fn.heldType(), e.keptExit())
	e.printf("return %s(%s, %s, %s), true\n}\n", f.generated("Wait"), fn.frame, t, f.generated("Unwinding"))
	var texts []string
	for _, v := range fn.results {
		texts = append(texts, "*"+fn.names[v])
	}
	e.printf("%s\n", fn.endText("End", p+", "+fn.frame+", "+t, texts))
}

// deferral writes a defer statement.
func (e *emitter) deferral(d *deferral) {
	fn, f := e.fn, e.file
	p, t := fn.names[fn.panicVar], fn.names[fn.t]
	e.line(d.at.Pos())
	e.printf("{\n")
	if fn.native {
		for _, s := range d.saved {
			e.printf("%s %s\n", e.savedText(s), e.text(s.value))
		}
		e.checkReceiver(d)
		e.printf("%s\n}\n", e.enter(d, p, func(v *types.Var) string { return fn.nameOf(v) }))
		return
	}
	e.withCopies(func() {
		for _, s := range d.saved {
			e.printf("%s %s\n", e.savedText(s), e.text(s.value))
		}
		e.checkReceiver(d)
		switch {
		case d.task != nil:
			e.printf("%s.DeferTask(func(%s *%s) {\n%s\n})\n", p, t, f.imports.use(taskPath, "task")+".T", e.callText(d.task))
		case d.lit != nil:
			args := make([]string, len(d.args))
			for i, a := range d.args {
				args[i] = e.text(a)
			}
			if d.spread {
				args[len(args)-1] += "..."
			}
			e.printf("%s.DeferTask(func(%s *%s) {\n%s(%s)\n})\n", p, t, f.imports.use(taskPath, "task")+".T",
				f.literalText(d.lit, e.pointers), strings.Join(args, ", "))
		default:
			e.plainDeferral(d)
		}
	}, d.nodes()...)
	e.printf("}\n")
}

// plainDeferral writes the call that enters a call which cannot wait in the list of deferred calls.
func (e *emitter) plainDeferral(d *deferral) {
	p, t := e.fn.names[e.fn.panicVar], e.fn.names[e.fn.t]
	raise := p + ".Raise()"
	body := "defer " + e.text(d.plain) + "\n" + raise
	if e.fn.recoveredFrom(d.plain) != nil { // it recovers nothing while this function panics
		body = raise + "\n" + e.text(d.plain)
	}
	e.printf("%s.Defer(func(%s *%s, %s *%s) {\ndefer %s.Settle()\n%s\n})\n",
		p, p, e.file.generated("Panic"), t, e.file.imports.use(taskPath, "task")+".T", p, body)
}

// savedText returns the left side of the declaration of what a defer statement keeps, with = or :=.
func (e *emitter) savedText(s savedOperand) string {
	names := make([]string, len(s.vs))
	for i, v := range s.vs {
		names[i] = e.fn.names[v]
	}
	if t := s.vs[0].Type(); len(names) == 1 && !types.Identical(e.file.unit.info.TypeOf(s.value), t) && e.file.unit.isNameable(t) == "" {
		return "var " + names[0] + " " + e.file.typeText(t) + " ="
	}
	return strings.Join(names, ", ") + " :="
}
