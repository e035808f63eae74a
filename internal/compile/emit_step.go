package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// The step form is the flat form: all variables on one level, labels, and goto statements.

// stepEmitter writes a function's step form.
type stepEmitter struct {
	emitter
	resumes map[int]string // labels behind the awaits
}

func itoa(n int) string { return strconv.Itoa(n) }

func (fn *function) stepName() string { return fn.base + "Step" }

// kind returns the expression that is the function's kind.
func (e *emitter) kind() string { return e.fn.kindText() }

func (fn *function) kindText() string {
	if len(fn.typeParams) > 0 {
		return fn.base + "Kind" + fn.typeParamNames() + "()"
	}
	return fn.base + "Kind"
}

// resultText returns the type R of the function.
func (fn *function) resultText() string {
	values, _ := splitResults(fn.sig)
	switch len(values) {
	case 0:
		return "struct{}"
	case 1:
		return fn.file.typeText(values[0])
	}
	return fn.base + "Result" + fn.typeParamNames()
}

func (fn *function) frameType() string {
	return "*" + fn.file.generated("Frame")
}

// stepFunction returns the step form of a function.
func (f *file) stepFunction(fn *function) string {
	e := &stepEmitter{resumes: map[int]string{}}
	e.renderer = &renderer{fn: fn, file: f, pointers: varSet{}, inStep: true}
	e.renderer.ret = e.returnText
	e.renderer.jump = func(j *jump, _ bool) string { return "goto " + j.label().name }
	for _, list := range [][]*types.Var{fn.arguments(), fn.results, fn.locals} {
		for _, v := range list {
			if fn.isBox(v) || fn.isExit(v) {
				e.pointers[v] = true
			}
		}
	}
	name := fn.stepName()
	if fn.isDeferring() {
		e.outerStep()
		name = fn.runName()
	}
	e.printf("func %s%s(%s %s", name, fn.typeParamList(), fn.frame, fn.frameType())
	if fn.layout.hasHeld {
		e.printf(", %s *%s", fn.heldName, fn.heldType())
	}
	if fn.isDeferring() {
		e.runHead()
	} else if len(fn.pulled) > 0 {
		e.printf(") (%s %s) {\n", fn.exit.step, f.generated("Step"))
	} else {
		e.printf(") %s {\n", f.generated("Step"))
	}
	e.nameLabels()
	e.head()
	if fn.isDeferring() {
		e.unwindPulled("!" + fn.exit.ok)
	} else {
		e.unwindPulled(fn.exit.step + " == (" + f.generated("Step") + "{})")
	}
	e.entry()
	for _, i := range fn.flow.instrs {
		e.instr(i)
	}
	if fn.isDeferring() {
		e.exitBlock()
	} else if n := len(fn.flow.instrs); n == 0 || fn.flow.instrs[n-1].falls() {
		e.printf("panic(\"unreachable\")\n")
	}
	e.printf("}\n")
	return e.String()
}

func (e *stepEmitter) nameLabels() {
	taken := map[string]bool{}
	_, body := e.fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		if l, ok := n.(*ast.LabeledStmt); ok {
			taken[l.Label.Name] = true
		}
		return true
	})
	isTaken := func(s string) bool { return taken[s] }
	numbers := map[string]int{}
	next := func(hint string) string {
		for {
			numbers[hint]++
			name := hint + itoa(numbers[hint])
			if !isTaken(name) {
				taken[name] = true
				return name
			}
		}
	}
	for _, i := range e.fn.flow.instrs {
		switch {
		case i.op == opLabel && e.fn.flow.labels[i.label.hint] == i.label:
			i.label.name = i.label.hint
		case i.op == opLabel:
			i.label.name = next(i.label.hint)
		case i.op == opAwait:
			a := i.node.(*await)
			name := "resume" + itoa(a.point)
			for isTaken(name) {
				name += "_"
			}
			e.resumes[a.point] = name
		}
	}
}

// head declares the variables.
func (e *stepEmitter) head() {
	fn, f := e.fn, e.file
	resume := f.generated("Resume") + "(" + fn.frame + ")"
	mentioned := fn.mentioned()
	if fn.isDeferring() {
		// in runHead
	} else if len(fn.awaits) > 0 || mentioned[fn.t] {
		e.printf("%s := %s\n", fn.names[fn.t], resume)
	} else {
		e.printf("%s\n", resume)
	}
	uses, defs := varSet{}, varSet{}
	for _, i := range fn.flow.instrs {
		fn.effects(i, uses, defs)
	}
	for _, fields := range fn.layout.args.all() {
		defs[fields.v] = true
	}
	for _, p := range fn.layout.points {
		for _, fields := range p.all() {
			defs[fields.v] = true
		}
	}
	var unread []string
	byType := map[string][]string{}
	var order []string
	for _, list := range [][]*types.Var{fn.arguments(), fn.ownResults(), fn.locals} {
		for _, v := range list {
			if v.Name() == "" || v.Name() == "_" || !uses[v] && !defs[v] && !mentioned[v] {
				continue
			}
			t := fn.storedText(v)
			if byType[t] == nil {
				order = append(order, t)
			}
			byType[t] = append(byType[t], fn.names[v])
			if !uses[v] {
				unread = append(unread, fn.names[v])
			}
		}
	}
	if len(order) > 0 {
		e.lineAbove(len(order))
		e.printf("var (\n")
		for _, t := range order {
			e.printf("%s %s\n", strings.Join(byType[t], ", "), t)
		}
		e.printf(")\n")
		e.line(token.NoPos)
	}
	for _, name := range unread {
		e.printf("_ = %s\n", name)
	}
}

// lineAbove says that n declarations in parentheses, which follow, are in the lines before the function's body: a
// debugger shows a variable only in lines behind its declaration.
func (e *stepEmitter) lineAbove(n int) {
	if u := e.file.unit; u.lines {
		p := u.fset.Position(e.fn.pos())
		e.printf("//line %s:%d\n", u.lineName(p.Filename), max(1, p.Line-n))
	}
}

// mentioned returns the variables that are named in the statements that the step form takes over as they are.
// A result that is assigned there and nowhere read is one of them, and so is t, which a function that does not
// wait may pass to others that do not, or have for methods such as Err.
func (fn *function) mentioned() varSet {
	found := varSet{}
	look := func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := fn.unit.info.Uses[id].(*types.Var); ok {
				found[v] = true
			}
		}
		return true
	}
	for _, i := range fn.flow.instrs {
		switch i.op {
		case opIf:
			ast.Inspect(i.cond, look)
		case opCode:
			ast.Inspect(i.node.(*code).stmt, look)
		case opChoice:
			ast.Inspect(i.node.(*choice).stmt, look)
			for _, c := range i.node.(*choice).clauses {
				ast.Inspect(c.head, look)
			}
		case opReturn:
			for _, e := range i.node.(*ret).results {
				ast.Inspect(e, look)
			}
		}
	}
	return found
}

func (s *storage) all() []field { return append(slices.Clone(s.state), s.held...) }

// entry loads what is stored at the resume point and goes there.
func (e *stepEmitter) entry() {
	fn := e.fn
	e.printf("switch %s {\n", e.resumePoint())
	e.printf("case 0:\n")
	e.loadArguments()
	for n, a := range fn.awaits {
		e.printf("case %d:\n", n+1)
		e.load(fn.pointName(n+1), fn.layout.points[n])
		e.line(a.pos)
		e.result(a, fn.layout.points[n])
		e.line(token.NoPos)
		e.printf("goto %s\n", e.resumes[n+1])
	}
	e.exitEntries()
	e.printf("default:\nreturn %s.BadResume()%s\n}\n", fn.frame, e.andOK())
}

// load assigns what is stored to the variables.
func (e *stepEmitter) load(point string, s *storage) {
	if s.usesState() {
		e.printf("%s := %s[%s](%s)\n", e.fn.state, e.file.generated("At"), point, e.fn.frame)
		e.loadFields(e.fn.state, s.state)
	}
	e.loadFields(e.fn.heldName, s.held)
}

func (e *stepEmitter) loadFields(from string, fields []field) {
	if len(fields) == 0 {
		return
	}
	var left, right []string
	for _, f := range fields {
		if e.fn.isMoved(f.v) {
			e.printf("%s(&%s, &%s.%s)\n", e.file.generated("Move"), e.fn.names[f.v], from, f.name)
			continue
		}
		left = append(left, e.fn.names[f.v])
		right = append(right, from+"."+f.name)
	}
	if len(left) > 0 {
		e.printf("%s = %s\n", strings.Join(left, ", "), strings.Join(right, ", "))
	}
}

// loadArguments begins the task: parameters that are boxes get their boxes.
func (e *stepEmitter) loadArguments() {
	fn := e.fn
	s := fn.layout.args
	e.load(fn.pointName(0), s)
	for _, v := range fn.ownResults() {
		if fn.isBox(v) && v.Name() != "" && v.Name() != "_" {
			e.printf("%s = new(%s)\n", fn.names[v], e.fn.typeOf(v))
		}
	}
}

// result assigns the results of the call that has ended.
func (e *stepEmitter) result(a *await, s *storage) {
	values, fails := splitResults(a.callee.sig)
	for _, v := range a.lhs {
		if v != nil && e.pointers[v] && slices.Contains(a.declares, v) {
			e.printf("%s = new(%s)\n", e.fn.names[v], e.fn.typeOf(v))
		}
	}
	from := e.fn.state
	if s.resultHeld {
		from = e.fn.heldName
	}
	takesLast := s.result != "" && mayFail(a.callee.sig)
	if takesLast {
		last := from + "." + s.result
		if len(values) > 1 {
			last += "." + resultField(len(values)-1)
		}
		e.printf("%s(%s, &%s)\n", e.file.generated("TakeLast"), e.fn.frame, last)
	}
	if s.result != "" {
		var left, right []string
		for i := range values {
			if a.lhs[i] == nil {
				continue
			}
			left = append(left, e.variable(a.lhs[i]))
			field := from + "." + s.result
			if len(values) > 1 {
				field += "." + resultField(i)
			}
			right = append(right, field)
		}
		e.printf("%s = %s\n", strings.Join(left, ", "), strings.Join(right, ", "))
	}
	isChild := a.callee.kind != waitCallee
	err := ""
	if fails && len(a.lhs) > 0 {
		if v := a.lhs[len(a.lhs)-1]; v != nil {
			err = e.variable(v) + " = "
		}
	}
	switch {
	case takesLast:
	case fails && isChild:
		e.printf("%s%s(%s)\n", err, e.file.generated("ChildErr"), e.fn.frame)
	case fails:
		e.printf("%s%s(%s)\n", err, e.file.generated("Err"), e.fn.frame)
	default:
		e.printf("%s(%s)\n", e.file.generated("Child"), e.fn.frame)
	}
}

func (e *stepEmitter) instr(i *instr) {
	switch i.op {
	case opCode:
		e.code(i.node.(*code))
	case opDeclare:
		e.declare(i.node.(*declare).v)
	case opAwait:
		e.await(i.node.(*await))
	case opChoice:
		e.choice(i.node.(*choice))
	case opReturn:
		e.ret(i.node.(*ret))
	case opDefer:
		e.deferral(i.node.(*deferral))
	case opIf:
		e.line(i.pos)
		e.withCopies(func() {
			e.printf("if %s {\ngoto %s\n}\n", e.negated(i.cond), i.label.name)
		}, i.cond)
	case opGoto:
		e.printf("goto %s\n", i.label.name)
	case opLabel:
		e.printf("%s:\n", i.label.name)
	}
}

func (e *stepEmitter) declare(v *types.Var) {
	t := e.fn.typeOf(v)
	if e.pointers[v] {
		e.printf("%s = new(%s)\n", e.fn.names[v], t)
		return
	}
	e.printf("%s = %s\n", e.fn.names[v], e.file.zero(v.Type()))
}

func (e *stepEmitter) code(n *code) {
	for _, v := range n.declares {
		if e.pointers[v] {
			e.printf("%s = new(%s)\n", e.fn.names[v], e.fn.typeOf(v))
		}
	}
	s := n.stmt
	if a, ok := s.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
		assigned := *a
		assigned.Tok = token.ASSIGN
		s = &assigned
	}
	e.line(n.pos)
	e.withCopies(func() {
		r := *e.renderer
		r.jumps = n.jumps
		e.printf("%s\n", r.text(s))
	}, s)
}

func (e *stepEmitter) await(a *await) {
	for _, v := range a.declares {
		if e.pointers[v] {
			e.printf("%s = new(%s)\n", e.fn.names[v], e.fn.typeOf(v))
		}
	}
	e.line(a.pos)
	nodes := []ast.Node{a.call}
	if a.callee.recv != nil {
		nodes = append(nodes, a.callee.recv)
	}
	e.withCopies(func() { e.callStmt(a, e.lhsText(a, "=")) }, nodes...)
	e.line(token.NoPos)
	t := e.fn.names[e.fn.t]
	e.printf("if %s(%s) {\n", e.file.generated("Suspended"), t)
	e.spill(a)
	e.printf("return %s(%s, %s, %d)%s\n}\n", e.file.generated("Wait"), e.fn.frame, t, a.point, e.andOK())
	e.printf("%s:\n", e.resumes[a.point])
}

// negated returns the text of a condition that is true where cond is false.
func (e *stepEmitter) negated(cond ast.Expr) string {
	cond = ast.Unparen(cond)
	switch x := cond.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			return e.text(x.X)
		}
	case *ast.BinaryExpr:
		if op, ok := opposite[x.Op]; ok && (x.Op == token.EQL || x.Op == token.NEQ || isOrdered(e.file.unit.info.TypeOf(x.X))) {
			swapped := *x
			swapped.Op = op
			return e.text(&swapped)
		}
	case *ast.Ident, *ast.CallExpr, *ast.SelectorExpr, *ast.IndexExpr:
		return "!" + e.text(cond)
	}
	return "!(" + e.text(cond) + ")"
}

var opposite = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.GEQ, token.GEQ: token.LSS, token.GTR: token.LEQ, token.LEQ: token.GTR,
}

// isOrdered reports whether of two values of the type one is less than the other unless they are
// equal, which is not so for NaN.
func isOrdered(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsInteger|types.IsString) != 0
}

// launchStep returns the step form of a function that does not suspend: it calls the function.
func (f *file) launchStep(fn *function) string {
	e := &stepEmitter{}
	e.renderer = &renderer{fn: fn, file: f}
	e.printf("func %s(%s %s", fn.stepName(), fn.frame, fn.frameType())
	if fn.layout.hasHeld {
		e.printf(", %s *%s", fn.heldName, fn.heldType())
	}
	e.printf(") %s {\n", f.generated("Step"))
	args := []string{f.generated("Resume") + "(" + fn.frame + ")"}
	from := map[*types.Var]string{}
	for _, s := range fn.layout.args.state {
		from[s.v] = fn.state + "." + s.name
	}
	for _, s := range fn.layout.args.held {
		from[s.v] = fn.heldName + "." + s.name
	}
	if len(fn.layout.args.state) > 0 {
		e.printf("%s := %s[%s](%s)\n", fn.state, f.generated("At"), fn.pointName(0), fn.frame)
	}
	for i, v := range fn.params {
		arg := from[v]
		if arg == "" {
			arg = f.zero(v.Type())
		}
		if fn.sig.Variadic() && i == len(fn.params)-1 {
			arg += "..."
		}
		args = append(args, arg)
	}
	call := fn.decl.Name.Name + "(" + strings.Join(args, ", ") + ")"
	values, fails := splitResults(fn.sig)
	texts := make([]string, len(values))
	for i := range texts {
		texts[i] = fn.local("v")
	}
	if fails {
		texts = append(texts, fn.local("err"))
	}
	if len(texts) > 0 {
		call = strings.Join(texts, ", ") + " := " + call
	}
	e.printf("%s\n%s\n}\n", call, fn.endText("Return", fn.frame, texts))
	return e.String()
}
