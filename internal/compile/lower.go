package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// lowerer takes the body of one task function apart.
type lowerer struct {
	*unit
	fn      *function
	out     *[]node
	targets []jumpTarget // from outside to inside
	label   string       // the label of the statement that is about to be lowered
	exits   []exit       // of the loops around, from outside to inside
}

func (u *unit) lower(fn *function) {
	l := &lowerer{unit: u, fn: fn}
	_, body := fn.syntax()
	fn.hasGoto = hasGoto(body)
	fn.body = l.nested(func() { l.stmts(body.List) })
	fn.findNative()
}

func hasGoto(body ast.Node) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if b, ok := n.(*ast.BranchStmt); ok && b.Tok == token.GOTO {
			found = true
		}
		_, isLit := n.(*ast.FuncLit)
		return !isLit
	})
	return found
}

// nested returns the nodes that f emits.
func (l *lowerer) nested(f func()) []node {
	saved := l.out
	nodes := []node{}
	l.out = &nodes
	f()
	l.out = saved
	return nodes
}

func (l *lowerer) emit(n node) {
	if a, ok := n.(*await); ok {
		for _, e := range l.exits {
			a.pulled = append(a.pulled, e.pulled)
		}
	}
	*l.out = append(*l.out, n)
}

func (l *lowerer) refuse(n ast.Node, format string, args ...any) { l.diag.at(n.Pos(), format, args...) }

// temp returns a new variable of the type.
func (l *lowerer) temp(hint string, t types.Type, pos token.Pos) *types.Var {
	v := types.NewVar(pos, l.types, hint, types.Default(t))
	l.temporary[v] = true
	return v
}

// ident returns an expression that is the variable.
func (l *lowerer) ident(v *types.Var, pos token.Pos) *ast.Ident {
	id := &ast.Ident{Name: v.Name(), NamePos: pos}
	l.info.Uses[id] = v
	l.info.Types[id] = types.TypeAndValue{Type: v.Type()}
	return id
}

// local says that the variables are declared on the top level of the flat form.
func (l *lowerer) local(vs ...*types.Var) {
	for _, v := range vs {
		if v != nil && !l.fn.isVariable(v) {
			l.fn.isLocal[v] = true
			l.fn.locals = append(l.fn.locals, v)
		}
	}
}

func (l *lowerer) stmts(list []ast.Stmt) {
	for _, s := range list {
		l.stmt(s)
	}
}

// scope emits what f emits as a block of its own, if it declares anything.
func (l *lowerer) scope(f func()) {
	body := l.nested(f)
	for _, n := range body {
		if declaresAny(n) {
			l.emit(&block{body: body})
			return
		}
	}
	*l.out = append(*l.out, body...)
}

func declaresAny(n node) bool {
	switch n := n.(type) {
	case *code:
		return len(n.declares) > 0
	case *declare:
		return true
	case *await:
		return len(n.declares) > 0
	}
	return false
}

// stmt lowers one statement.
func (l *lowerer) stmt(s ast.Stmt) {
	label := l.label
	l.label = ""
	if !l.suspends(s) && !l.leavesLoop(s) {
		l.plain(s)
		return
	}
	switch s := s.(type) {
	case *ast.BranchStmt:
		l.branchStmt(s)
	case *ast.ExprStmt:
		l.exprStmt(s)
	case *ast.AssignStmt:
		l.assign(s)
	case *ast.DeclStmt:
		l.declStmt(s)
	case *ast.IncDecStmt:
		l.emitCode(&ast.IncDecStmt{X: l.operand(s.X, false), TokPos: s.TokPos, Tok: s.Tok}, nil, s.Pos())
	case *ast.SendStmt:
		l.sendStmt(s)
	case *ast.ReturnStmt:
		l.returnStmt(s)
	case *ast.BlockStmt:
		l.emit(&block{target: target{name: label}, body: l.nested(func() { l.stmts(s.List) })})
	case *ast.IfStmt:
		l.ifStmt(s, label)
	case *ast.ForStmt:
		l.forStmt(s, label)
	case *ast.RangeStmt:
		l.rangeStmt(s, label)
	case *ast.SwitchStmt:
		l.switchStmt(s, label)
	case *ast.TypeSwitchStmt:
		l.typeSwitchStmt(s, label)
	case *ast.SelectStmt:
		l.selectStmt(s, label)
	case *ast.LabeledStmt:
		l.emit(&labelled{s.Label.Name})
		l.label = s.Label.Name
		l.stmt(s.Stmt)
		l.label = ""
	case *ast.DeferStmt:
		l.deferStmt(s)
	case *ast.GoStmt:
		l.goStmt(s)
	default:
		l.refuse(s, "%T with a call that may suspend is not supported; move the call before it", s)
	}
}

// plain lowers a statement without a suspension: it stays as it is, but the variables that it
// declares on this level, and the jumps that leave it, have to be known.
func (l *lowerer) plain(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.EmptyStmt:
		return
	case *ast.LabeledStmt:
		l.emit(&labelled{s.Label.Name})
		switch s.Stmt.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			if usesLabel(s.Stmt, s.Label.Name) {
				*l.out = (*l.out)[:len(*l.out)-1]
				l.emitCode(s, nil, s.Pos())
				return
			}
		}
		l.plain(s.Stmt)
		return
	case *ast.ReturnStmt:
		l.emit(&ret{results: s.Results, pos: s.Pos()})
		return
	case *ast.BranchStmt:
		if l.branchStmt(s) {
			return
		}
	case *ast.DeclStmt:
		l.plainDecl(s)
		return
	case *ast.DeferStmt:
		l.deferStmt(s)
		return
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			l.emitCode(s, l.defined(s.Lhs), s.Pos())
			return
		}
	}
	l.emitCode(s, nil, s.Pos())
}

// branchStmt lowers a jump, and reports whether it goes to a statement that has been taken apart.
func (l *lowerer) branchStmt(s *ast.BranchStmt) bool {
	if s.Tok == token.GOTO {
		l.exitsToLabel(s)
		l.emit(&goTo{s.Label.Name, s.Pos()})
		return true
	}
	to, number := l.resolved(s)
	if to == nil {
		return false
	}
	l.exitsTo(number)
	l.emit(to)
	return true
}

// usesLabel reports whether a jump in the statement has the label.
func usesLabel(s ast.Stmt, label string) (found bool) {
	ast.Inspect(s, func(n ast.Node) bool {
		if b, ok := n.(*ast.BranchStmt); ok && b.Tok != token.GOTO && b.Label != nil && b.Label.Name == label {
			found = true
		}
		return !found
	})
	return found
}

// defined returns the variables that the left side of := declares.
func (l *lowerer) defined(lhs []ast.Expr) (vs []*types.Var) {
	for _, e := range lhs {
		if id, ok := e.(*ast.Ident); ok {
			if v, ok := l.info.Defs[id].(*types.Var); ok && id.Name != "_" {
				vs = append(vs, v)
			}
		}
	}
	return vs
}

func (l *lowerer) plainDecl(s *ast.DeclStmt) {
	d := s.Decl.(*ast.GenDecl)
	if d.Tok != token.VAR {
		l.localDeclaration(s)
		return
	}
	for _, spec := range d.Specs {
		l.varSpec(spec.(*ast.ValueSpec))
	}
}

func (l *lowerer) declStmt(s *ast.DeclStmt) { l.plainDecl(s) }

func (l *lowerer) varSpec(spec *ast.ValueSpec) {
	var vs []*types.Var
	for _, name := range spec.Names {
		v, _ := l.info.Defs[name].(*types.Var)
		if name.Name == "_" {
			v = nil
		}
		vs = append(vs, v)
	}
	if len(spec.Values) == 0 {
		for i, v := range vs {
			if v != nil {
				l.local(v)
				l.emit(&declare{v, spec.Names[i].Pos()})
			}
		}
		return
	}
	lhs := make([]ast.Expr, len(spec.Names))
	for i, name := range spec.Names {
		lhs[i] = name
	}
	// With a type of its own a value may be converted to an interface, so the variables are
	// declared before they get their values.
	if spec.Type != nil {
		values := l.values(spec.Values, vs)
		for _, v := range vs {
			if v != nil {
				l.local(v)
				l.emit(&declare{v, spec.Pos()})
			}
		}
		for i, v := range vs {
			if v != nil {
				lhs[i] = l.ident(v, spec.Names[i].Pos())
			}
		}
		l.emitCode(&ast.AssignStmt{Lhs: lhs, Tok: token.ASSIGN, TokPos: spec.Pos(), Rhs: values}, nil, spec.Pos())
		return
	}
	tok := token.DEFINE
	if !slices.ContainsFunc(vs, func(v *types.Var) bool { return v != nil }) {
		tok = token.ASSIGN // all are blank
	}
	l.assign(&ast.AssignStmt{Lhs: lhs, Tok: tok, TokPos: spec.Pos(), Rhs: spec.Values})
}

// values evaluates the right side of a declaration whose variables have a type, so that nothing in
// it suspends.
func (l *lowerer) values(values []ast.Expr, vs []*types.Var) []ast.Expr {
	if len(values) == 1 && len(vs) > 1 {
		if call, ok := ast.Unparen(values[0]).(*ast.CallExpr); ok && l.isAwait(call) {
			return l.results(call)
		}
	}
	return l.operands(values, false)
}

// emitCode emits a statement without a suspension inside.
func (l *lowerer) emitCode(s ast.Stmt, declares []*types.Var, pos token.Pos) *code {
	c := &code{stmt: s, declares: declares, pos: pos}
	c.jumps = l.jumps(s)
	l.local(declares...)
	l.emit(c)
	return c
}

func (l *lowerer) exprStmt(s *ast.ExprStmt) {
	call, ok := ast.Unparen(s.X).(*ast.CallExpr)
	if ok && l.isAwait(call) {
		l.await(call, nil, nil)
		return
	}
	l.emitCode(&ast.ExprStmt{X: l.operand(s.X, false)}, nil, s.Pos())
}

func (l *lowerer) sendStmt(s *ast.SendStmt) {
	both := l.operands([]ast.Expr{s.Chan, s.Value}, false)
	l.emitCode(&ast.SendStmt{Chan: both[0], Arrow: s.Arrow, Value: both[1]}, nil, s.Pos())
}

func (l *lowerer) goStmt(s *ast.GoStmt) {
	call := *s.Call
	parts := l.operands(append([]ast.Expr{call.Fun}, call.Args...), false)
	call.Fun, call.Args = parts[0], parts[1:]
	recordCopy(l.info, s.Call, &call)
	l.emitCode(&ast.GoStmt{Go: s.Go, Call: &call}, nil, s.Pos())
}

// returnStmt lowers a return statement whose values suspend.
func (l *lowerer) returnStmt(s *ast.ReturnStmt) {
	if len(l.exits) > 0 {
		l.returnFromLoop(s)
		return
	}
	if len(s.Results) == 1 {
		if call, ok := ast.Unparen(s.Results[0]).(*ast.CallExpr); ok && l.isAwait(call) {
			l.emit(&ret{results: l.results(call), pos: s.Pos()})
			return
		}
	}
	l.emit(&ret{results: l.operands(s.Results, false), pos: s.Pos()})
}

// assign lowers an assignment or a declaration whose right or left side suspends.
func (l *lowerer) assign(s *ast.AssignStmt) {
	if len(s.Rhs) == 1 {
		if call, ok := ast.Unparen(s.Rhs[0]).(*ast.CallExpr); ok && l.isAwait(call) && l.assignResults(s, call) {
			return
		}
	}
	if s.Tok == token.DEFINE {
		rhs := l.operands(s.Rhs, false)
		l.emitCode(&ast.AssignStmt{Lhs: s.Lhs, TokPos: s.TokPos, Tok: s.Tok, Rhs: rhs}, l.defined(s.Lhs), s.Pos())
		return
	}
	// The operands of index expressions and pointer indirections on the left come first.
	all := l.operands(append(append([]ast.Expr{}, s.Lhs...), s.Rhs...), false)
	n := len(s.Lhs)
	l.emitCode(&ast.AssignStmt{Lhs: all[:n:n], TokPos: s.TokPos, Tok: s.Tok, Rhs: all[n:]}, nil, s.Pos())
}

// assignResults makes the assignment a part of the call, if the left side consists of variables.
func (l *lowerer) assignResults(s *ast.AssignStmt, call *ast.CallExpr) bool {
	if s.Tok != token.ASSIGN && s.Tok != token.DEFINE {
		return false
	}
	types_ := l.resultTypes(call)
	lhs := make([]*types.Var, len(s.Lhs))
	var declares []*types.Var
	for i, e := range s.Lhs {
		id, ok := ast.Unparen(e).(*ast.Ident)
		if !ok {
			return l.assignTemps(s, call)
		}
		if id.Name == "_" {
			continue
		}
		v, isNew := l.info.Defs[id].(*types.Var)
		if !isNew {
			v, _ = l.info.Uses[id].(*types.Var)
		}
		if v == nil || l.usage[v] == nil && !l.temporary[v] || !types.Identical(v.Type(), types_[i]) || l.usage[v] != nil && l.isForeign(v) || !isNew && l.mustKeep(v) {
			return l.assignTemps(s, call)
		}
		lhs[i] = v
		if isNew {
			declares = append(declares, v)
		}
	}
	l.await(call, lhs, declares)
	return true
}

// isForeign reports whether the variable is declared in another function, which this one, a literal,
// is in.
func (l *lowerer) isForeign(v *types.Var) bool { return l.usage[v].owner != l.fn.owner() }

func (fn *function) owner() ast.Node {
	if fn.lit != nil {
		return fn.lit
	}
	return fn.decl
}

// assignTemps evaluates operands on the left, then makes the call, and assigns its results.
func (l *lowerer) assignTemps(s *ast.AssignStmt, call *ast.CallExpr) bool {
	lhs := s.Lhs
	if s.Tok == token.ASSIGN {
		lhs = l.orderedOperands(s.Lhs)
	}
	results := l.results(call)
	l.emitCode(&ast.AssignStmt{Lhs: lhs, TokPos: s.TokPos, Tok: s.Tok, Rhs: results}, l.definedIf(s), s.Pos())
	return true
}

func (l *lowerer) definedIf(s *ast.AssignStmt) []*types.Var {
	if s.Tok == token.DEFINE {
		return l.defined(s.Lhs)
	}
	return nil
}

// resultTypes returns the types of a call's results.
func (l *lowerer) resultTypes(call *ast.CallExpr) []types.Type {
	switch t := l.info.TypeOf(call).(type) {
	case nil:
		return nil
	case *types.Tuple:
		var ts []types.Type
		for v := range t.Variables() {
			ts = append(ts, v.Type())
		}
		return ts
	default:
		return []types.Type{t}
	}
}

// results makes a call that may suspend and returns temporaries with its results.
func (l *lowerer) results(call *ast.CallExpr) []ast.Expr {
	var lhs []*types.Var
	var out []ast.Expr
	for _, t := range l.resultTypes(call) {
		v := l.temp(resultHint(t), t, call.Pos())
		lhs = append(lhs, v)
		out = append(out, l.ident(v, call.Pos()))
	}
	l.await(call, lhs, lhs)
	return out
}

func resultHint(t types.Type) string {
	if types.Identical(t, errorType) {
		return "err"
	}
	return "v"
}

// await emits a call that may suspend.
func (l *lowerer) await(call *ast.CallExpr, lhs, declares []*types.Var) {
	a := &await{callee: l.calleeOf(call), pos: call.Pos()}
	c := &a.callee
	evaluated := *call
	if c.expr { // (*S).handle(s, t) is s.handle(t)
		c.recv = call.Args[0]
		evaluated.Args = call.Args[1:]
	}
	switch {
	case c.recv != nil:
		// A receiver that is kept in a variable is read before the call: then no other calls may remain.
		parts := l.operands(append([]ast.Expr{c.recv}, evaluated.Args...), c.kind == interfaceCallee)
		c.recv, evaluated.Args = parts[0], parts[1:]
		if c.kind == interfaceCallee { // it is mentioned twice
			c.recv = l.inVariable(l.receiver(c))
		}
		if fun, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && !c.expr {
			// What the receiver was computed from is not needed for the call.
			evaluated.Fun = &ast.SelectorExpr{X: c.recv, Sel: fun.Sel}
			recordCopy(l.info, fun, evaluated.Fun)
		}
	case c.kind == startCallee || c.kind == importedCallee:
		evaluated.Args = l.operands(call.Args, false)
	default:
		// The function value's start form is looked up before the arguments are evaluated. An operation
		// of package task is called as it is.
		parts := l.operands(append([]ast.Expr{call.Fun}, call.Args...), c.kind != waitCallee)
		evaluated.Fun, evaluated.Args = parts[0], parts[1:]
	}
	a.call = &evaluated
	recordCopy(l.info, call, a.call)
	a.lhs, a.declares = lhs, declares
	l.local(lhs...)
	l.fn.awaits = append(l.fn.awaits, a)
	l.emit(a)
}
