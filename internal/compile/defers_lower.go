package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// deferStmt lowers a defer statement: what its call needs is evaluated now, and kept in variables of
// a block around the statement that enters the call in the list.
func (l *lowerer) deferStmt(s *ast.DeferStmt) {
	d := &deferral{at: s}
	call := *s.Call
	fun := ast.Unparen(call.Fun)
	switch lit, isLit := fun.(*ast.FuncLit); {
	case isLit && l.literals[lit] != nil:
		d.lit = l.literals[lit]
		sig := d.lit.sig
		args, first := call.Args, 1
		if d.lit.ownT() {
			d.args, args = []ast.Expr{call.Args[0]}, call.Args[1:]
		} else {
			d.args = []ast.Expr{l.ident(l.fn.t, s.Pos())}
		}
		d.args = append(d.args, l.savedArgs(d, l.operands(args, false), sig, first, call.Ellipsis)...)
		if call.Ellipsis.IsValid() {
			d.spread = true
		}
	case isLit:
		call.Args = l.savedArgs(d, l.operands(call.Args, false), l.signature(fun), 0, call.Ellipsis)
		d.plain = &call
	case l.isAwait(s.Call):
		l.deferTask(d, s)
	case l.info.Types[call.Fun].IsBuiltin():
		sig, _ := l.info.TypeOf(call.Fun).(*types.Signature)
		call.Args = l.savedArgs(d, l.operands(call.Args, false), sig, 0, call.Ellipsis)
		d.plain = &call
	case l.deferredMethodCall(d, &call):
		d.plain = &call
	default:
		parts := l.operands(append([]ast.Expr{call.Fun}, call.Args...), false)
		if !l.isStatic(fun) && !l.isMethodOfT(fun) {
			parts[0] = l.saveOperand(d, "fn", parts[0], nil)
		}
		call.Fun = parts[0]
		call.Args = l.savedArgs(d, parts[1:], l.signature(fun), 0, call.Ellipsis)
		d.plain = &call
	}
	if d.plain != nil {
		recordCopy(l.info, s.Call, d.plain)
	}
	l.fn.deferrals = append(l.fn.deferrals, d)
	l.emit(d)
}

// deferredMethodCall lowers the deferred call of a method, whose receiver is saved: a method value would
// be a closure. It reports whether the call is one.
func (l *lowerer) deferredMethodCall(d *deferral, call *ast.CallExpr) bool {
	x, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || l.isMethodOfT(x) {
		return false
	}
	s := l.info.Selections[x]
	if s == nil || s.Kind() != types.MethodVal {
		return false
	}
	method := s.Obj().(*types.Func)
	parts := l.operands(append([]ast.Expr{x.X}, call.Args...), false)
	c := &callee{fn: method, recv: parts[0], path: s.Index()[:len(s.Index())-1]}
	fun := &ast.SelectorExpr{X: l.saveOperand(d, "recv", l.receiver(c), nil), Sel: x.Sel}
	recordCopy(l.info, x, fun)
	d.checksNil = types.IsInterface(method.Signature().Recv().Type())
	d.method = method
	call.Fun = fun
	call.Args = l.savedArgs(d, parts[1:], l.signature(x), 0, call.Ellipsis)
	return true
}

func (l *lowerer) signature(fun ast.Expr) *types.Signature {
	sig, _ := l.info.TypeOf(fun).Underlying().(*types.Signature)
	return sig
}

// isStatic reports whether the expression is the name of a function.
func (l *lowerer) isStatic(fun ast.Expr) bool {
	switch x := fun.(type) {
	case *ast.IndexExpr:
		return l.isStatic(ast.Unparen(x.X))
	case *ast.IndexListExpr:
		return l.isStatic(ast.Unparen(x.X))
	case *ast.Ident:
		_, ok := l.info.Uses[x].(*types.Func)
		return ok
	case *ast.SelectorExpr:
		_, ok := l.info.Uses[x.Sel].(*types.Func)
		return ok && l.info.Selections[x] == nil
	}
	return false
}

// isMethodOfT reports whether the expression is a method of the function's t, which may be another one
// when the call is made.
func (l *lowerer) isMethodOfT(fun ast.Expr) bool {
	x, ok := fun.(*ast.SelectorExpr)
	return ok && l.fn.whole(x.X) == l.fn.t
}

// deferTask lowers the deferred call of a task function.
func (l *lowerer) deferTask(d *deferral, s *ast.DeferStmt) {
	a := &await{callee: l.calleeOf(s.Call), pos: s.Call.Pos()}
	d.task = a
	c := &a.callee
	call := *s.Call
	sig := l.signature(ast.Unparen(call.Fun))
	first := 0
	if c.expr {
		c.recv = call.Args[0]
		call.Args = call.Args[1:]
		first = 1
	}
	switch {
	case c.recv != nil:
		parts := l.operands(append([]ast.Expr{c.recv}, call.Args...), false)
		c.recv = parts[0]
		c.recv, c.path = l.saveOperand(d, "recv", l.receiver(c), nil), nil
		call.Args = parts[1:]
	case c.kind == startCallee || c.kind == importedCallee:
		call.Args = l.operands(call.Args, false)
	default:
		parts := l.operands(append([]ast.Expr{call.Fun}, call.Args...), false)
		call.Args = parts[1:]
		call.Fun = parts[0]
		if !l.isStatic(ast.Unparen(call.Fun)) {
			call.Fun = l.saveOperand(d, "fn", parts[0], nil)
		}
	}
	call.Args = l.savedArgs(d, call.Args, sig, first, call.Ellipsis)
	a.call = &call
	recordCopy(l.info, s.Call, a.call)
	l.fn.deferredAwaits = append(l.fn.deferredAwaits, a)
}

// savedArgs saves arguments for the parameters of the signature from the given one on, and returns
// what is passed instead. A constant needs no variable, and t is that of whoever makes the call.
func (l *lowerer) savedArgs(d *deferral, args []ast.Expr, sig *types.Signature, first int, ellipsis token.Pos) []ast.Expr {
	if len(args) == 1 {
		if tuple, ok := l.info.TypeOf(args[0]).(*types.Tuple); ok {
			return l.saveTuple(d, args[0], tuple)
		}
	}
	out := make([]ast.Expr, len(args))
	for i, arg := range args {
		tv := l.info.Types[arg]
		if tv.Value != nil || tv.IsType() || isTaskPointer(tv.Type) {
			out[i] = arg
			continue
		}
		out[i] = l.saveOperand(d, "a", arg, paramType(sig, first+i, ellipsis.IsValid()))
	}
	return out
}

// paramType returns the type of the variable that the i-th argument goes to, or nil if it is not known.
func paramType(sig *types.Signature, i int, spread bool) types.Type {
	if sig == nil {
		return nil
	}
	last := sig.Params().Len() - 1
	if !sig.Variadic() || i < last || spread {
		if i > last {
			return nil
		}
		return sig.Params().At(i).Type()
	}
	if s, ok := sig.Params().At(last).Type().Underlying().(*types.Slice); ok {
		return s.Elem()
	}
	return nil
}

// saveOperand keeps a value, converted to the type t if that is not nil, and returns the variable.
func (l *lowerer) saveOperand(d *deferral, hint string, value ast.Expr, t types.Type) ast.Expr {
	own := l.info.TypeOf(value)
	if t == nil || mentionsTypeParam(t) {
		t = types.Default(own)
	}
	v := l.savedVar(hint, t, value.Pos())
	d.saved = append(d.saved, savedOperand{[]*types.Var{v}, value})
	return l.ident(v, value.Pos())
}

func (l *lowerer) saveTuple(d *deferral, value ast.Expr, tuple *types.Tuple) []ast.Expr {
	var vs []*types.Var
	var out []ast.Expr
	for r := range tuple.Variables() {
		v := l.savedVar("a", r.Type(), value.Pos())
		vs = append(vs, v)
		out = append(out, l.ident(v, value.Pos()))
	}
	d.saved = append(d.saved, savedOperand{vs, value})
	return out
}

func (l *lowerer) savedVar(hint string, t types.Type, pos token.Pos) *types.Var {
	v := types.NewVar(pos, l.types, hint, t)
	l.fn.saved = append(l.fn.saved, v)
	return v
}

// mustKeep reports whether others see the variable while a call waits whose result it gets: it must
// have its old value until then.
func (l *lowerer) mustKeep(v *types.Var) bool { return l.usage[v].isBox() || l.fn.isExit(v) }
