package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// Ranges over maps and functions keep an iterator of package generated while the body waits.

// iterator makes an iterator by a function of package generated, whose type has the given name and
// type arguments.
func (r *rangeLoop) iterator(maker, typeName string, x ast.Expr, args ...types.Type) *types.Var {
	l, pos := r.l, r.s.Pos()
	f := l.fn.file
	it := l.temp("it", types.NewPointer(types.Typ[types.Int]), pos)
	l.rawTypes[it] = func(f *file) string {
		text := ""
		for i, t := range args {
			if i > 0 {
				text += ", "
			}
			text += f.typeText(t)
		}
		if text != "" {
			text = "[" + text + "]"
		}
		return "*" + f.generated(typeName) + text
	}
	call := &ast.CallExpr{Fun: raw(f.generated(maker), pos), Lparen: pos, Args: []ast.Expr{x}, Rparen: pos}
	l.info.Types[call] = types.TypeAndValue{Type: it.Type()}
	l.define(it, call)
	return it
}

// method returns a call of an iterator's method.
func (r *rangeLoop) method(it *types.Var, name string) *ast.CallExpr {
	pos := r.s.Pos()
	return &ast.CallExpr{Fun: &ast.SelectorExpr{X: r.l.ident(it, pos), Sel: &ast.Ident{Name: name, NamePos: pos}}, Lparen: pos, Rparen: pos}
}

// overMap keeps an iterator, which sees insertions and deletions as a range does.
func (r *rangeLoop) overMap(t *types.Map) {
	x := r.l.operand(r.s.X, false)
	it := r.iterator("RangeMap", "MapRange", x, t.Key(), t.Elem())
	r.body(func() { r.next(r.method(it, "Next"), t.Key(), t.Elem()) })
}

// overFunction runs the function that is ranged over beside the body, as iter.Pull does. Wherever
// the body leaves the loop, that function is stopped first: its call of yield returns false. If the
// body panics, yield panics in its place: see unwindPulled.
func (r *rangeLoop) overFunction(t *types.Signature) {
	l := r.l
	yield := t.Params().At(0).Type().Underlying().(*types.Signature)
	args := make([]types.Type, 0, 2)
	for v := range yield.Params().Variables() {
		args = append(args, v.Type())
	}
	kind := itoa(len(args))
	it := r.iterator("Pull"+kind, "Pulled"+kind, l.operand(r.s.X, false), args...)
	l.fn.pulled = append(l.fn.pulled, it)
	pos := r.s.Pos()
	stop := func() { l.emitCode(&ast.ExprStmt{X: r.method(it, "Stop")}, nil, pos) }
	outer := &block{}
	outer.body = l.nested(func() {
		r.loop.body = l.nested(func() {
			var key, value types.Type
			if len(args) > 0 {
				key = args[0]
			}
			if len(args) > 1 {
				value = args[1]
			}
			r.nextOr(r.method(it, "Next"), key, value, &jump{to: &outer.target, pos: pos})
			next := jumpTarget{name: r.loop.name, end: &r.loop.target, next: &r.loop.target, nextIsLoop: true}
			l.exits = append(l.exits, exit{len(l.targets), r.s, it, stop})
			l.within(next, func() { l.scope(func() { l.stmts(r.s.Body.List) }) })
			l.exits = l.exits[:len(l.exits)-1]
		})
		l.emit(r.loop)
		if leaves(r.loop.body, &r.loop.target) {
			stop()
		}
	})
	l.emit(outer)
}

// overAll is for the iterator task.Chan.All, which stands for receiving in the function itself.
func (r *rangeLoop) overAll(call *ast.CallExpr) {
	l, pos := r.l, r.s.Pos()
	selector := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	selection := l.info.Selections[selector]
	c := callee{kind: waitCallee, fn: selection.Obj().(*types.Func), recv: l.operand(selector.X, false), path: selection.Index()[:len(selection.Index())-1]}
	channel := l.inVariable(l.receiver(&c))
	object, _, _ := types.LookupFieldOrMethod(l.info.TypeOf(channel), true, nil, "Recv")
	recv := object.(*types.Func)
	c = callee{kind: waitCallee, fn: recv, sig: recv.Signature()}
	elem := c.sig.Results().At(0).Type()
	r.body(func() {
		var v *types.Var
		declares := []*types.Var{}
		if r.key != nil {
			v = l.temp("v", elem, pos)
			declares = append(declares, v)
		}
		err := l.temp("err", errorType, pos)
		declares = append(declares, err)
		a := &await{callee: c, pos: pos, lhs: []*types.Var{v, err}, declares: declares}
		a.call = &ast.CallExpr{Fun: &ast.SelectorExpr{X: channel, Sel: &ast.Ident{Name: "Recv", NamePos: pos}}, Lparen: pos, Args: call.Args, Rparen: pos}
		l.local(declares...)
		l.fn.awaits = append(l.fn.awaits, a)
		l.emit(a)
		failed := &ast.BinaryExpr{X: l.ident(err, pos), OpPos: pos, Op: token.NEQ, Y: l.nilExpr(pos)}
		l.info.Types[failed] = types.TypeAndValue{Type: types.Typ[types.Bool]}
		l.emit(&branch{cond: failed, then: []node{&jump{to: &r.loop.target, pos: pos}}, pos: pos})
		r.assign(func() ast.Expr { return l.ident(v, pos) }, nil)
	})
}

func (l *lowerer) nilExpr(pos token.Pos) ast.Expr {
	id := &ast.Ident{Name: "nil", NamePos: pos}
	l.info.Uses[id] = types.Universe.Lookup("nil")
	l.info.Types[id] = types.TypeAndValue{Type: types.Typ[types.UntypedNil]}
	return id
}

// exit is what has to be done before a jump or a return statement leaves a loop.
type exit struct {
	targets int // as many jump targets are around the loop
	loop    *ast.RangeStmt
	pulled  *types.Var // what the loop goes through
	do      func()
}

// leavesLoop reports whether a statement leaves a loop that has something to do before.
func (l *lowerer) leavesLoop(n ast.Node) (found bool) {
	if len(l.exits) == 0 || n == nil {
		return false
	}
	if s, ok := n.(ast.Stmt); ok && len(l.jumps(s)) > 0 {
		return true
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = true
		case *ast.BranchStmt:
			found = found || x.Tok == token.GOTO
		}
		return !found
	})
	return found
}

// exitsTo does what has to be done before a jump to the target with the given number, from outside.
func (l *lowerer) exitsTo(number int) {
	for i := len(l.exits) - 1; i >= 0; i-- {
		if number < l.exits[i].targets {
			l.exits[i].do()
		}
	}
}

// exitsToLabel does what has to be done before a goto statement.
func (l *lowerer) exitsToLabel(s *ast.BranchStmt) {
	_, body := l.fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		if label, ok := n.(*ast.LabeledStmt); ok && label.Label.Name == s.Label.Name {
			for i := len(l.exits) - 1; i >= 0; i-- {
				if loop := l.exits[i].loop; label.Pos() < loop.Pos() || label.Pos() >= loop.End() {
					l.exits[i].do()
				}
			}
		}
		return true
	})
}

// returnFromLoop evaluates the results, does what has to be done, and returns.
func (l *lowerer) returnFromLoop(s *ast.ReturnStmt) {
	results := s.Results
	if len(results) == 1 && len(l.fn.results) > 1 {
		call := ast.Unparen(results[0]).(*ast.CallExpr)
		if l.isAwait(call) {
			results = l.results(call)
		} else {
			results = l.tuple(call)
		}
	} else {
		results = l.operands(results, false)
		for i, e := range results {
			if l.info.Types[e].Value == nil && !l.info.Types[e].IsNil() {
				v := l.temp("r", l.fn.results[i].Type(), e.Pos())
				l.local(v)
				l.emit(&declare{v, e.Pos()})
				l.assignTo(v, e)
				results[i] = l.ident(v, e.Pos())
			}
		}
	}
	l.exitsTo(-1)
	l.emit(&ret{results: results, pos: s.Pos()})
}

// tuple makes a call with several results and returns temporaries with them.
func (l *lowerer) tuple(call *ast.CallExpr) (out []ast.Expr) {
	c := l.operand(call, false)
	var lhs []ast.Expr
	var declares []*types.Var
	for _, t := range l.resultTypes(call) {
		v := l.temp("r", t, call.Pos())
		id := &ast.Ident{Name: "r", NamePos: call.Pos()}
		l.info.Defs[id] = v
		lhs, declares = append(lhs, id), append(declares, v)
		out = append(out, l.ident(v, call.Pos()))
	}
	l.emitCode(&ast.AssignStmt{Lhs: lhs, Tok: token.DEFINE, TokPos: call.Pos(), Rhs: []ast.Expr{c}}, declares, call.Pos())
	return out
}
