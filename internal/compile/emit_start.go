package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// The start form has the source's statements. After each call that may suspend it looks whether one
// has, and then makes a frame for the function.

// startEmitter writes a function's start form.
type startEmitter struct {
	emitter
	inner  []*target // loops and switches around, from outside to inside
	labels map[*target]string
	blocks map[*target]bool // those of blocks, which only goto can leave

	early   varSet             // variables that are declared at the beginning
	hoisted map[*deferral]bool // those whose operands are
}

func (f *file) newStartEmitter(fn *function, pointers varSet) *startEmitter {
	e := &startEmitter{labels: map[*target]string{}, blocks: map[*target]bool{}, early: varSet{}, hoisted: map[*deferral]bool{}}
	e.renderer = &renderer{fn: fn, file: f, pointers: pointers}
	return e
}

// startFunction returns the start form of a declaration.
func (f *file) startFunction(fn *function) string {
	e := f.newStartEmitter(fn, nil)
	e.printf("func %s%s(", fn.startName(), fn.typeParamList())
	if fn.recv != nil {
		e.printf("%s %s, ", fn.paramName(fn.recv), f.typeText(fn.recv.Type()))
	}
	e.signatureAndBody()
	return e.String()
}

// startLiteral returns the start form of a literal, as an expression. The variables in pointers are
// pointers where it stands.
func (f *file) startLiteral(fn *function, pointers varSet) string {
	return f.generated("Literal") + "(" + f.literalText(fn, pointers) + ")"
}

// literalText is startLiteral for a literal that is no function value.
func (f *file) literalText(fn *function, pointers varSet) string {
	e := f.newStartEmitter(fn, pointers)
	e.printf("func(")
	e.signatureAndBody()
	return strings.TrimSuffix(e.String(), "\n")
}

func (fn *function) paramName(v *types.Var) string {
	if v.Name() == "_" || v.Name() == "" {
		return "_"
	}
	return fn.names[v]
}

// signatureAndBody writes what follows the first parenthesis and the receiver.
func (e *startEmitter) signatureAndBody() {
	fn, f := e.fn, e.file
	e.printf("%s *%s", fn.names[fn.t], f.imports.use(taskPath, "task")+".T")
	for i, v := range fn.params {
		e.printf(", %s ", fn.paramName(v))
		f.writeParam(&e.Builder, fn.sig, i+1)
	}
	e.printf(")")
	if len(fn.results) > 0 {
		e.printf(" (")
		for i, v := range fn.results {
			if i > 0 {
				e.printf(", ")
			}
			e.printf("%s %s", fn.resultName(v), f.typeText(v.Type()))
		}
		e.printf(")")
	}
	e.printf(" {\n")
	if fn.isDeferring() && !fn.native {
		e.beginAndRun()
		return
	}
	e.declareTemporaries()
	e.unwindPulled("")
	e.hoist()
	fn.sharedBoxes = map[*types.Var]string{}
	_, body := e.within(nil, fn.body)
	e.declareSharedBoxes()
	e.printf("%s", body)
	if len(fn.results) > 0 && e.needsEnd() {
		e.printf("panic(\"unreachable\")\n")
	}
	e.printf("}\n")
}

// resultName returns the name of a result in the start form: all have one, if only a blank, so that
// a return statement without values is possible where the function suspends.
func (fn *function) resultName(v *types.Var) string {
	if v.Name() == "" || v.Name() == "_" {
		return "_"
	}
	return fn.names[v]
}

// needsEnd reports whether the start form ends in no terminating statement although the source does.
func (e *startEmitter) needsEnd() bool { return !e.terminate(e.fn.body) }

// terminate reports whether the last node is printed as a terminating statement.
func (e *startEmitter) terminate(list []node) bool {
	if len(list) == 0 {
		return false
	}
	switch n := list[len(list)-1].(type) {
	case *ret, *goTo:
		return true
	case *code:
		return terminates(n.stmt)
	case *jump:
		return e.isBlock(n.to)
	case *block:
		return e.labels[&n.target] == "" && e.terminate(n.body)
	case *branch:
		return len(n.els) > 0 && e.terminate(n.then) && e.terminate(n.els)
	case *loop:
		return n.cond == nil && !leaves(n.body, &n.target)
	case *choice:
		if !n.hasDefault() {
			return false
		}
		for _, c := range n.clauses {
			if !c.falls && !e.terminate(c.body) || leaves(c.body, &n.target) {
				return false
			}
		}
		return true
	}
	return false
}

// isBlock reports whether jumps to the target are printed as goto statements.
func (e *startEmitter) isBlock(t *target) bool { return e.blocks[t] }

// leaves reports whether a jump in the nodes goes to the end of the statement.
func leaves(list []node, to *target) bool {
	for _, n := range list {
		found := false
		switch n := n.(type) {
		case *jump:
			found = n.to == to && !n.next
		case *code:
			for _, j := range n.jumps {
				found = found || j.to == to && !j.next
			}
		case *block:
			found = leaves(n.body, to)
		case *branch:
			found = leaves(n.then, to) || leaves(n.els, to)
		case *loop:
			found = leaves(n.body, to)
		case *choice:
			for _, c := range n.clauses {
				found = found || leaves(c.body, to)
			}
		}
		if found {
			return true
		}
	}
	return false
}

// isHoisted reports whether a temporary is declared at the beginning: goto must not jump over a
// declaration, and a deferred call sees what ranges over functions go through.
func (e *startEmitter) isHoisted(v *types.Var) bool {
	return e.fn.hasGoto && e.file.unit.temporary[v] || slices.Contains(e.fn.pulled, v)
}

func (e *startEmitter) declareTemporaries() {
	for _, v := range e.fn.locals {
		if e.isHoisted(v) {
			e.early[v] = true
			e.printf("var %s %s\n", e.fn.names[v], e.fn.typeOf(v))
		}
	}
}

func (e *startEmitter) nodes(list []node) {
	for _, n := range list {
		e.node(n)
	}
}

// within returns the text of a statement's body and, if a jump in it needs one, its label.
func (e *startEmitter) within(t *target, body []node) (label, text string) {
	outer := e.Builder
	e.Builder = strings.Builder{}
	if t != nil {
		e.inner = append(e.inner, t)
	}
	e.nodes(body)
	if t != nil {
		e.inner = e.inner[:len(e.inner)-1]
		label = e.labels[t]
	}
	text = e.String()
	e.Builder = outer
	return label, text
}

func (e *startEmitter) node(n node) {
	switch n := n.(type) {
	case *code:
		text := e.codeText(n)
		e.line(n.pos)
		e.printf("%s\n", text)
	case *declare:
		if e.early[n.v] {
			e.printf("%s = %s\n", e.fn.names[n.v], e.file.zero(n.v.Type()))
			break
		}
		e.printf("var %s %s\n", e.fn.names[n.v], e.fn.typeOf(n.v))
	case *await:
		e.await(n)
	case *deferral:
		e.deferral(n)
	case *ret:
		e.line(n.pos)
		e.printf("%s\n", e.text(&ast.ReturnStmt{Results: n.results, Return: n.pos}))
	case *labelled:
		if e.fn.flow.gotos[n.name] {
			e.printf("%s:\n", n.name)
		}
	case *goTo:
		e.printf("goto %s\n", n.name)
	case *jump:
		e.printf("%s\n", e.jumpText(n, true))
	case *block:
		e.blocks[&n.target] = true
		_, body := e.within(nil, n.body)
		e.printf("{\n%s}\n", body)
		if label := e.labels[&n.target]; label != "" {
			e.printf("%s:\n", label)
		}
	case *branch:
		e.branch(n)
	case *loop:
		e.loop(n)
	case *choice:
		e.choice(n)
	}
}

// codeText returns the text of a statement without suspensions.
func (e *startEmitter) codeText(n *code) string {
	s := n.stmt
	if a, ok := s.(*ast.AssignStmt); ok && a.Tok == token.DEFINE && e.declareFirst(n.declares) {
		assigned := *a
		assigned.Tok = token.ASSIGN
		s = &assigned
	}
	r := *e.renderer
	r.jumps, r.jump = n.jumps, e.jumpText
	return r.text(s)
}

// jumpText returns a break or continue statement with a label if it needs one. A plain one is in no
// other statement that it could leave.
func (e *startEmitter) jumpText(j *jump, isPlain bool) string {
	if n := len(e.inner); isPlain && n > 0 && e.inner[n-1] == j.to {
		if j.next {
			return "continue"
		}
		return "break"
	}
	isBlock := e.isBlock(j.to)
	if e.labels[j.to] == "" {
		hint := j.to.name
		if hint == "" {
			hint = "loop"
			if isBlock {
				hint = "next"
			}
		}
		for e.fn.flow.gotos[hint] {
			hint += "1"
		}
		e.labels[j.to] = e.fn.local(hint)
	}
	switch {
	case isBlock:
		return "goto " + e.labels[j.to]
	case j.next:
		return "continue " + e.labels[j.to]
	}
	return "break " + e.labels[j.to]
}

func (e *startEmitter) branch(n *branch) {
	e.line(n.pos)
	cond := e.text(n.cond)
	_, then := e.within(nil, n.then)
	if len(n.els) == 0 {
		e.printf("if %s {\n%s}\n", cond, then)
		return
	}
	if inner, ok := n.els[0].(*branch); ok && len(n.els) == 1 {
		e.printf("if %s {\n%s} else ", cond, then)
		e.branch(inner)
		return
	}
	_, els := e.within(nil, n.els)
	e.printf("if %s {\n%s} else {\n%s}\n", cond, then, els)
}

func (e *startEmitter) loop(n *loop) {
	label, body := e.within(&n.target, n.body)
	if label != "" {
		e.printf("%s:\n", label)
	}
	e.line(n.pos)
	init, cond, post := "", "", ""
	if n.init != nil {
		init = e.codeText(n.init)
	}
	if n.cond != nil {
		cond = e.text(n.cond)
	}
	if n.post != nil {
		post = e.codeText(n.post)
	}
	head := cond
	if init != "" || post != "" {
		head = init + "; " + cond + "; " + post
	}
	e.printf("for %s {\n%s}\n", head, body)
}

func (e *startEmitter) await(a *await) {
	assign := "="
	if len(a.declares) > 0 && !e.declareFirst(a.declares) {
		assign = ":="
	}
	e.line(a.pos)
	e.callStmt(a, e.lhsText(a, assign))
	if a.point == 0 {
		return
	}
	e.line(token.NoPos)
	fn, l, s := e.fn, e.fn.layout, e.fn.layout.points[a.point-1]
	e.printf("if %s(%s) {\n", e.file.generated("Suspended"), fn.names[fn.t])
	if a.isTail {
		e.printf("return // the callee's frame is the only one\n}\n")
		return
	}
	frame := "_"
	if s.usesState() {
		frame = fn.frame
	}
	spill := "Spill"
	switch {
	case !l.isBare(s):
		spill = "SpillHeld[" + fn.heldType() + "]"
	case l.hasHeld:
		spill = "SpillBare"
	}
	spill = e.file.generated(spill) + "(" + fn.names[fn.t] + ", " + e.kind() + ", " + itoa(a.point) + ")"
	switch {
	case !l.isBare(s):
		e.printf("%s, %s := %s\n", frame, fn.heldName, spill)
	case frame != "_":
		e.printf("%s := %s\n", frame, spill)
	default:
		e.printf("%s\n", spill)
	}
	e.boxes = e.moveToBoxes(a)
	e.spill(a)
	e.spillDeferred(a)
	e.boxes = nil
	e.printf("return\n}\n")
}

// declareFirst reports whether some of the variables are declared already. Then it declares the others.
func (e *startEmitter) declareFirst(vs []*types.Var) bool {
	if !slices.ContainsFunc(vs, func(v *types.Var) bool { return e.early[v] }) {
		return false
	}
	for _, v := range vs {
		if !e.early[v] {
			e.printf("var %s %s\n", e.fn.names[v], e.fn.typeOf(v))
		}
	}
	return true
}
