package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// rangeStmt lowers a range whose body suspends, or whose operand does. The operand is evaluated once,
// and each iteration has its own variables.
func (l *lowerer) rangeStmt(s *ast.RangeStmt, label string) {
	l.scope(func() {
		r := &rangeLoop{l: l, s: s, loop: &loop{pos: s.Pos()}}
		r.loop.name = label
		r.key, r.value = s.Key, s.Value
		if isBlank(r.key) {
			r.key = nil
		}
		if isBlank(r.value) {
			r.value = nil
		}
		if call := l.allOf(s); call != nil {
			r.overAll(call)
			return
		}
		if !l.bodySuspends(s) {
			// Only the operand suspends.
			copied := *s
			copied.X = l.operand(s.X, false)
			if label != "" && usesLabel(s.Body, label) {
				l.emitCode(&ast.LabeledStmt{Label: &ast.Ident{Name: label, NamePos: s.Pos()}, Stmt: &copied}, nil, s.Pos())
				return
			}
			l.emitCode(&copied, nil, s.Pos())
			return
		}
		switch t := coreType(l.info.TypeOf(s.X)).(type) {
		case *types.Basic:
			if t.Info()&types.IsString != 0 {
				r.overString()
				return
			}
			r.overInt()
		case *types.Slice:
			r.overList(false)
		case *types.Array:
			r.overList(true)
		case *types.Pointer:
			r.overList(false)
		case *types.Chan:
			r.overChannel(t)
		case *types.Map:
			r.overMap(t)
		case *types.Signature:
			r.overFunction(t)
		default:
			l.refuse(s, "this range is not supported; use a for statement with three clauses")
		}
	})
}

// coreType returns the type that decides what a range does.
func coreType(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.TypeParam); ok {
		for e := range p.Constraint().Underlying().(*types.Interface).EmbeddedTypes() {
			if u, ok := e.(*types.Union); ok {
				return u.Term(0).Type().Underlying()
			}
			return e.Underlying()
		}
	}
	return t.Underlying()
}

func (l *lowerer) bodySuspends(s *ast.RangeStmt) bool {
	return l.suspends(s.Body) || l.leavesLoop(s) || s.Key != nil && l.suspends(s.Key) || s.Value != nil && l.suspends(s.Value)
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// rangeLoop is a range statement that becomes a loop.
type rangeLoop struct {
	l          *lowerer
	s          *ast.RangeStmt
	loop       *loop
	key, value ast.Expr // nil if they are not there, or blank
}

// operand evaluates what the range is over, and returns a variable that keeps it.
func (r *rangeLoop) operand(hint string) ast.Expr {
	l := r.l
	x := l.operand(r.s.X, false)
	if id, ok := ast.Unparen(x).(*ast.Ident); ok {
		if v, ok := l.info.Uses[id].(*types.Var); ok {
			if l.temporary[v] || l.usage[v] != nil && !l.usage[v].isBox() && !l.usage[v].assigned {
				return x
			}
		}
	}
	return l.saved(hint, x)
}

// counter returns the variable that counts: the statement's own one, if nobody else changes it and
// no literal keeps it.
func (r *rangeLoop) counter(t types.Type) *types.Var {
	l := r.l
	if r.s.Tok == token.DEFINE && r.key != nil {
		v := l.info.Defs[r.key.(*ast.Ident)].(*types.Var)
		if use := l.usage[v]; !use.captured && !use.address && !use.assigned {
			r.key = nil
			return v
		}
	}
	return l.temp("i", t, r.s.Pos())
}

// begin declares the counter.
func (r *rangeLoop) begin(i *types.Var) {
	l := r.l
	if types.Identical(i.Type(), types.Typ[types.Int]) && r.loop.name == "" {
		init := l.nested(func() { l.define(i, l.intExpr(0, r.s.Pos())) })
		r.loop.init = init[0].(*code)
		return
	}
	l.local(i)
	l.emit(&declare{i, r.s.Pos()})
}

func (r *rangeLoop) less(i *types.Var, end ast.Expr) ast.Expr {
	cond := &ast.BinaryExpr{X: r.l.ident(i, r.s.Pos()), OpPos: r.s.Pos(), Op: token.LSS, Y: end}
	r.l.info.Types[cond] = types.TypeAndValue{Type: types.Typ[types.Bool]}
	return cond
}

func (r *rangeLoop) increment(i *types.Var) *code {
	return &code{stmt: &ast.IncDecStmt{X: r.l.ident(i, r.s.Pos()), TokPos: r.s.Pos(), Tok: token.INC}, pos: r.s.Pos()}
}

// builtin returns a call of a predeclared function.
func (r *rangeLoop) builtin(name string, t types.Type, args ...ast.Expr) ast.Expr {
	l, pos := r.l, r.s.Pos()
	id := &ast.Ident{Name: name, NamePos: pos}
	l.info.Uses[id] = types.Universe.Lookup(name)
	call := &ast.CallExpr{Fun: id, Lparen: pos, Args: args, Rparen: pos}
	l.info.Types[call] = types.TypeAndValue{Type: t}
	return call
}

// assign gives the iteration's variables their values.
func (r *rangeLoop) assign(key, value func() ast.Expr) {
	var lhs, rhs []ast.Expr
	if r.key != nil {
		lhs, rhs = append(lhs, r.key), append(rhs, key())
	}
	if r.value != nil {
		lhs, rhs = append(lhs, r.value), append(rhs, value())
	}
	if len(lhs) > 0 {
		r.l.assign(&ast.AssignStmt{Lhs: lhs, TokPos: r.s.TokPos, Tok: r.s.Tok, Rhs: rhs})
	}
}

// body fills in the loop's body, after what before emits.
func (r *rangeLoop) body(before func()) {
	l := r.l
	r.loop.body = l.nested(func() {
		before()
		next := jumpTarget{name: r.loop.name, end: &r.loop.target, next: &r.loop.target, nextIsLoop: true}
		l.within(next, func() { l.scope(func() { l.stmts(r.s.Body.List) }) })
	})
	l.emit(r.loop)
}

func (r *rangeLoop) overInt() {
	l := r.l
	tv := l.info.Types[r.s.X]
	t := types.Default(tv.Type)
	if r.key != nil {
		t = l.info.TypeOf(r.key)
		if id, ok := r.key.(*ast.Ident); ok && l.info.Defs[id] != nil {
			t = l.info.Defs[id].Type()
		}
	}
	end := r.s.X
	if tv.Value == nil {
		end = r.operand("n")
	}
	i := r.counter(t)
	r.begin(i)
	r.loop.cond = r.less(i, end)
	r.loop.post = r.increment(i)
	r.body(func() { r.assign(func() ast.Expr { return l.ident(i, r.s.Pos()) }, nil) })
}

// overList is for slices, arrays, and pointers to arrays.
func (r *rangeLoop) overList(isArray bool) {
	l := r.l
	list := r.s.X
	if !isArray || r.value != nil {
		list = r.operand("list")
	} else if l.suspends(list) || l.hasEffects(list) {
		list = r.operand("list")
	}
	i := r.counter(types.Typ[types.Int])
	r.begin(i)
	r.loop.cond = r.less(i, r.builtin("len", types.Typ[types.Int], list))
	r.loop.post = r.increment(i)
	elem := func() ast.Expr {
		e := &ast.IndexExpr{X: list, Lbrack: r.s.Pos(), Index: l.ident(i, r.s.Pos()), Rbrack: r.s.Pos()}
		l.info.Types[e] = types.TypeAndValue{Type: elemType(l.info.TypeOf(r.s.X))}
		return e
	}
	r.body(func() { r.assign(func() ast.Expr { return l.ident(i, r.s.Pos()) }, elem) })
}

func elemType(t types.Type) types.Type {
	switch t := coreType(t).(type) {
	case *types.Slice:
		return t.Elem()
	case *types.Array:
		return t.Elem()
	case *types.Pointer:
		return elemType(t.Elem())
	}
	return nil
}

// overString decodes a rune in each iteration.
func (r *rangeLoop) overString() {
	l, pos := r.l, r.s.Pos()
	text := r.operand("text")
	isString := types.Identical(l.info.TypeOf(text).Underlying(), types.Typ[types.String])
	i := l.temp("i", types.Typ[types.Int], pos)
	char := l.temp("char", types.Universe.Lookup("rune").Type(), pos)
	size := l.temp("size", types.Typ[types.Int], pos)
	l.local(size)
	l.emit(&declare{size, pos})
	var decoded ast.Expr = &ast.Ident{Name: "_", NamePos: pos}
	if r.value != nil {
		l.local(char)
		l.emit(&declare{char, pos})
		decoded = l.ident(char, pos)
	}
	r.begin(i)
	r.loop.cond = r.less(i, r.builtin("len", types.Typ[types.Int], text))
	r.loop.post = &code{stmt: &ast.AssignStmt{Lhs: []ast.Expr{l.ident(i, pos)}, TokPos: pos, Tok: token.ADD_ASSIGN, Rhs: []ast.Expr{l.ident(size, pos)}}, pos: pos}
	r.body(func() {
		var rest ast.Expr = &ast.SliceExpr{X: text, Lbrack: pos, Low: l.ident(i, pos), Rbrack: pos}
		l.info.Types[rest] = types.TypeAndValue{Type: l.info.TypeOf(text)}
		if _, isNamed := types.Unalias(l.info.TypeOf(text)).(*types.Basic); !isString || !isNamed {
			rest = r.builtin("string", types.Typ[types.String], rest)
		}
		decode := raw(l.fn.file.imports.use("unicode/utf8", "utf8")+".DecodeRuneInString", pos)
		call := &ast.CallExpr{Fun: decode, Lparen: pos, Args: []ast.Expr{rest}, Rparen: pos}
		l.emitCode(&ast.AssignStmt{Lhs: []ast.Expr{decoded, l.ident(size, pos)}, TokPos: pos, Tok: token.ASSIGN, Rhs: []ast.Expr{call}}, nil, pos)
		r.assign(func() ast.Expr { return l.ident(i, pos) }, func() ast.Expr { return l.ident(char, pos) })
	})
}

// overChannel receives in each iteration, as the source does: it blocks the worker.
func (r *rangeLoop) overChannel(t *types.Chan) {
	l, pos := r.l, r.s.Pos()
	c := r.operand("c")
	r.body(func() {
		receive := &ast.UnaryExpr{OpPos: pos, Op: token.ARROW, X: c}
		l.info.Types[receive] = types.TypeAndValue{Type: t.Elem()}
		r.next(receive, t.Elem(), nil)
	})
}

// next emits v, ok := call, leaves the loop unless ok, and gives the iteration's variables their
// values. value is nil unless there is a second one.
func (r *rangeLoop) next(call ast.Expr, key, value types.Type) {
	r.nextOr(call, key, value, &jump{to: &r.loop.target, pos: r.s.Pos()})
}

// nextOr is next with another way to leave the loop.
func (r *rangeLoop) nextOr(call ast.Expr, key, value types.Type, leave *jump) {
	l, pos := r.l, r.s.Pos()
	var lhs []ast.Expr
	var declares []*types.Var
	temp := func(wanted bool, t types.Type) *types.Var {
		if !wanted {
			lhs = append(lhs, &ast.Ident{Name: "_", NamePos: pos})
			return nil
		}
		v := l.temp("v", t, pos)
		id := &ast.Ident{Name: "v", NamePos: pos}
		l.info.Defs[id] = v
		lhs, declares = append(lhs, id), append(declares, v)
		return v
	}
	var k, v *types.Var
	if key != nil {
		k = temp(r.key != nil, key)
	}
	if value != nil {
		v = temp(r.value != nil, value)
	}
	ok := temp(true, types.Typ[types.Bool])
	l.emitCode(&ast.AssignStmt{Lhs: lhs, TokPos: pos, Tok: token.DEFINE, Rhs: []ast.Expr{call}}, declares, pos)
	not := &ast.UnaryExpr{OpPos: pos, Op: token.NOT, X: l.ident(ok, pos)}
	l.info.Types[not] = types.TypeAndValue{Type: types.Typ[types.Bool]}
	l.emit(&branch{cond: not, then: []node{leave}, pos: pos})
	r.assign(func() ast.Expr { return l.ident(k, pos) }, func() ast.Expr { return l.ident(v, pos) })
}
