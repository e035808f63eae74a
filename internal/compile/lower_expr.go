package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// Go orders calls, receives and logical operators in an expression. What comes before a call that
// may suspend has to be done before it, so such a call, and every call and receive before it, is
// taken out of its expression and leaves a temporary. Variables are read later: a variable that
// nobody else can change is the same then, and of all others the language does not say when they
// are read; Go's compiler reads them after the calls, too.

// operand returns the expression without calls that may suspend; they have been made. If ordered,
// a call that may suspend follows, so no other calls and receives remain in it either.
func (l *lowerer) operand(e ast.Expr, ordered bool) ast.Expr {
	return l.operands([]ast.Expr{e}, ordered)[0]
}

// orderedOperands returns the expressions without any calls.
func (l *lowerer) orderedOperands(list []ast.Expr) []ast.Expr { return l.operands(list, true) }

// operands does what operand does for expressions that are evaluated one after the other.
func (l *lowerer) operands(list []ast.Expr, ordered bool) []ast.Expr {
	last := -1
	for i, e := range list {
		if e != nil && l.suspends(e) {
			last = i
		}
	}
	out := make([]ast.Expr, len(list))
	for i, e := range list {
		switch {
		case e == nil:
		case i < last:
			out[i] = l.expr(e, true)
		default:
			out[i] = l.expr(e, ordered)
		}
	}
	return out
}

// inVariable returns an expression that can be evaluated twice: a variable that nobody else changes,
// or a temporary that has the value.
func (l *lowerer) inVariable(e ast.Expr) ast.Expr {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if v, ok := l.info.Uses[id].(*types.Var); ok && (l.temporary[v] || l.usage[v] != nil && !l.usage[v].isBox()) {
			return e
		}
	}
	return l.saved("v", e)
}

// saved evaluates the expression now and returns a temporary with the value.
func (l *lowerer) saved(hint string, e ast.Expr) ast.Expr {
	v := l.temp(hint, l.info.TypeOf(e), e.Pos())
	l.define(v, e)
	return l.ident(v, e.Pos())
}

// define emits the declaration of a temporary with a value.
func (l *lowerer) define(v *types.Var, value ast.Expr) {
	id := &ast.Ident{Name: v.Name(), NamePos: value.Pos()}
	l.info.Defs[id] = v
	l.emitCode(&ast.AssignStmt{Lhs: []ast.Expr{id}, Tok: token.DEFINE, TokPos: value.Pos(), Rhs: []ast.Expr{value}}, []*types.Var{v}, value.Pos())
}

// assignTo emits the assignment of a value to a variable.
func (l *lowerer) assignTo(v *types.Var, value ast.Expr) {
	l.emitCode(&ast.AssignStmt{Lhs: []ast.Expr{l.ident(v, value.Pos())}, Tok: token.ASSIGN, TokPos: value.Pos(), Rhs: []ast.Expr{value}}, nil, value.Pos())
}

func (l *lowerer) expr(e ast.Expr, ordered bool) ast.Expr {
	if !l.suspends(e) && (!ordered || !l.hasEffects(e)) {
		return e
	}
	if tv := l.info.Types[e]; tv.IsType() || tv.Value != nil {
		return e
	}
	switch x := e.(type) {
	case *ast.ParenExpr:
		c := &ast.ParenExpr{Lparen: x.Lparen, X: l.expr(x.X, ordered), Rparen: x.Rparen}
		recordCopy(l.info, x, c)
		return c
	case *ast.CallExpr:
		return l.call(x, ordered)
	case *ast.UnaryExpr:
		inner := l.expr(x.X, ordered)
		c := &ast.UnaryExpr{OpPos: x.OpPos, Op: x.Op, X: inner}
		recordCopy(l.info, x, c)
		if x.Op == token.ARROW && ordered {
			return l.saved("v", c)
		}
		return c
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			return l.logical(x)
		}
		both := l.operands([]ast.Expr{x.X, x.Y}, ordered)
		c := &ast.BinaryExpr{X: both[0], OpPos: x.OpPos, Op: x.Op, Y: both[1]}
		recordCopy(l.info, x, c)
		return c
	case *ast.SelectorExpr:
		c := &ast.SelectorExpr{X: l.expr(x.X, ordered), Sel: x.Sel}
		recordCopy(l.info, x, c)
		return c
	case *ast.StarExpr:
		c := &ast.StarExpr{Star: x.Star, X: l.expr(x.X, ordered)}
		recordCopy(l.info, x, c)
		return c
	case *ast.IndexExpr:
		both := l.operands([]ast.Expr{x.X, x.Index}, ordered)
		c := &ast.IndexExpr{X: both[0], Lbrack: x.Lbrack, Index: both[1], Rbrack: x.Rbrack}
		recordCopy(l.info, x, c)
		return c
	case *ast.SliceExpr:
		all := l.operands([]ast.Expr{x.X, x.Low, x.High, x.Max}, ordered)
		c := &ast.SliceExpr{X: all[0], Lbrack: x.Lbrack, Low: all[1], High: all[2], Max: all[3], Slice3: x.Slice3, Rbrack: x.Rbrack}
		recordCopy(l.info, x, c)
		return c
	case *ast.TypeAssertExpr:
		c := &ast.TypeAssertExpr{X: l.expr(x.X, ordered), Lparen: x.Lparen, Type: x.Type, Rparen: x.Rparen}
		recordCopy(l.info, x, c)
		return c
	case *ast.CompositeLit:
		return l.compositeLit(x, ordered)
	default:
		l.refuse(e, "a call that may suspend is not supported here; assign its result to a variable before")
		return e
	}
}

func (l *lowerer) compositeLit(x *ast.CompositeLit, ordered bool) ast.Expr {
	// Keys of maps are operands too; those of structs, arrays and slices are constants and names.
	_, isMap := types.Unalias(l.info.TypeOf(x)).Underlying().(*types.Map)
	var parts []ast.Expr
	for _, e := range x.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if isMap {
				parts = append(parts, kv.Key)
			}
			parts = append(parts, kv.Value)
			continue
		}
		parts = append(parts, e)
	}
	parts = l.operands(parts, ordered)
	next := func() ast.Expr {
		e := parts[0]
		parts = parts[1:]
		return e
	}
	c := &ast.CompositeLit{Type: x.Type, Lbrace: x.Lbrace, Rbrace: x.Rbrace, Incomplete: x.Incomplete}
	for _, e := range x.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			c.Elts = append(c.Elts, next())
			continue
		}
		copied := &ast.KeyValueExpr{Key: kv.Key, Colon: kv.Colon}
		if isMap {
			copied.Key = next()
		}
		copied.Value = next()
		c.Elts = append(c.Elts, copied)
	}
	recordCopy(l.info, x, c)
	return c
}

// logical evaluates && and || by an if statement: what is on the right may not be evaluated.
func (l *lowerer) logical(x *ast.BinaryExpr) ast.Expr {
	v := l.temp("ok", l.info.TypeOf(x), x.Pos())
	l.define(v, l.expr(x.X, false))
	var cond ast.Expr = l.ident(v, x.Pos())
	if x.Op == token.LOR {
		not := &ast.UnaryExpr{OpPos: x.Pos(), Op: token.NOT, X: cond}
		l.info.Types[not] = l.info.Types[cond]
		cond = not
	}
	then := l.nested(func() { l.assignTo(v, l.expr(x.Y, false)) })
	l.emit(&branch{cond: cond, then: then, pos: x.Pos()})
	return l.ident(v, x.Pos())
}

// call lowers a call in an expression.
func (l *lowerer) call(x *ast.CallExpr, ordered bool) ast.Expr {
	if l.isAwait(x) {
		results := l.results(x)
		if len(results) != 1 {
			l.refuse(x, "a call with %d results cannot be an operand", len(results))
			return x
		}
		return results[0]
	}
	c := *x
	if l.info.Types[x.Fun].IsType() { // a conversion
		c.Args = l.operands(x.Args, ordered)
		recordCopy(l.info, x, &c)
		return &c
	}
	// f(g(t)), where g has several results.
	if len(x.Args) == 1 && l.suspends(x.Args[0]) {
		if inner, ok := ast.Unparen(x.Args[0]).(*ast.CallExpr); ok && l.isAwait(inner) && len(l.resultTypes(inner)) > 1 {
			c.Fun = l.expr(x.Fun, true)
			c.Args = l.results(inner)
			recordCopy(l.info, x, &c)
			return l.orderedResult(&c, ordered)
		}
	}
	if l.info.Types[x.Fun].IsBuiltin() {
		c.Args = l.builtinArgs(x, ordered)
	} else {
		parts := l.operands(append([]ast.Expr{x.Fun}, x.Args...), false)
		c.Fun, c.Args = parts[0], parts[1:]
	}
	recordCopy(l.info, x, &c)
	return l.orderedResult(&c, ordered)
}

func (l *lowerer) builtinArgs(x *ast.CallExpr, ordered bool) []ast.Expr {
	pure := l.isPureBuiltin(x)
	return l.operands(x.Args, ordered && pure)
}

// orderedResult makes the call now if another one that may suspend follows.
func (l *lowerer) orderedResult(c *ast.CallExpr, ordered bool) ast.Expr {
	if !ordered || l.isPureBuiltin(c) {
		return c
	}
	return l.saved("v", c)
}

// isPureBuiltin reports whether the call is that of a function of package unsafe. Go orders calls of all
// other predeclared functions, those of len and cap included.
func (l *lowerer) isPureBuiltin(x *ast.CallExpr) bool {
	if !l.info.Types[x.Fun].IsBuiltin() {
		return false
	}
	_, isPredeclared := ast.Unparen(x.Fun).(*ast.Ident)
	return !isPredeclared
}

// hasEffects reports whether the order of the expression and a later call matters.
func (l *lowerer) hasEffects(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if tv := l.info.Types[x]; tv.Value != nil {
				return false
			}
			if !l.info.Types[x.Fun].IsType() && !l.isPureBuiltin(x) {
				found = true
			}
		case *ast.UnaryExpr:
			if x.Op == token.ARROW {
				found = true
			}
		}
		return !found
	})
	return found
}
