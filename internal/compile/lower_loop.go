package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// forStmt lowers a for statement with three clauses, of which any may be missing.
func (l *lowerer) forStmt(s *ast.ForStmt, label string) {
	l.scope(func() {
		loop := &loop{pos: s.Pos()}
		loop.name = label
		var each []*types.Var // variables that each iteration has a copy of
		if s.Init != nil {
			if init, ok := s.Init.(*ast.AssignStmt); ok && init.Tok == token.DEFINE {
				for _, v := range l.defined(init.Lhs) {
					if use := l.usage[v]; use.captured || use.address {
						each = append(each, v)
					}
				}
			}
			if len(each) > 0 {
				l.forEachIteration(s, loop, each)
				return
			}
			l.stmt(s.Init)
			if c, ok := l.last().(*code); ok && len(*l.out) == 1 && isSimple(c.stmt) && loop.name == "" {
				loop.init = c
				*l.out = (*l.out)[:0]
			}
		}
		l.loopBody(loop, s.Cond, s.Post, s.Body)
		l.emit(loop)
	})
}

func isSimple(s ast.Stmt) bool {
	switch s.(type) {
	case *ast.AssignStmt, *ast.IncDecStmt, *ast.ExprStmt, *ast.SendStmt:
		return true
	}
	return false
}

func (l *lowerer) last() node {
	if n := len(*l.out); n > 0 {
		return (*l.out)[n-1]
	}
	return nil
}

// loopBody fills in the loop's condition, body and post statement.
func (l *lowerer) loopBody(loop *loop, cond ast.Expr, post ast.Stmt, body *ast.BlockStmt) {
	if cond != nil && !l.suspends(cond) {
		loop.cond, cond = cond, nil
	}
	postSuspends := post != nil && l.suspends(post)
	if post != nil && !postSuspends {
		loop.post = &code{stmt: post, pos: post.Pos()}
	}
	loop.body = l.nested(func() {
		if cond != nil {
			l.whileCondition(loop, cond)
		}
		if !postSuspends {
			l.within(jumpTarget{name: loop.name, end: &loop.target, next: &loop.target, nextIsLoop: true}, func() { l.stmts(body.List) })
			return
		}
		inner := &block{}
		inner.body = l.nested(func() {
			l.within(jumpTarget{name: loop.name, end: &loop.target, next: &inner.target}, func() { l.stmts(body.List) })
		})
		l.emit(inner)
		l.stmt(post)
	})
}

// whileCondition leaves the loop if a condition that may suspend is false.
func (l *lowerer) whileCondition(loop *loop, cond ast.Expr) {
	not := &ast.UnaryExpr{OpPos: cond.Pos(), Op: token.NOT, X: l.operand(cond, false)}
	l.info.Types[not] = l.info.Types[cond]
	leave := []node{&jump{to: &loop.target, pos: cond.Pos()}}
	l.emit(&branch{cond: not, then: leave, pos: cond.Pos()})
}

// within lowers what f does inside a statement that jumps may leave.
func (l *lowerer) within(t jumpTarget, f func()) {
	l.targets = append(l.targets, t)
	f()
	l.targets = l.targets[:len(l.targets)-1]
}

// forEachIteration lowers a loop whose variables outlive their iteration: each iteration has its
// own, which begins with the last one's value, before the post statement.
//
//	outer := init
//	for first := true; ; first = false {
//		v := outer
//		if !first { post }
//		if !cond { break }
//		{ body }
//		outer = v
//	}
func (l *lowerer) forEachIteration(s *ast.ForStmt, loop *loop, each []*types.Var) {
	init := s.Init.(*ast.AssignStmt)
	declared := l.defined(init.Lhs)
	outer := map[*types.Var]*types.Var{}
	for _, v := range declared {
		outer[v] = l.temp(v.Name(), v.Type(), v.Pos())
	}
	first := *init
	first.Lhs = make([]ast.Expr, len(init.Lhs))
	for i, e := range init.Lhs {
		first.Lhs[i] = e
		if v, ok := l.info.Defs[e.(*ast.Ident)].(*types.Var); ok && outer[v] != nil {
			id := &ast.Ident{Name: v.Name(), NamePos: e.Pos()}
			l.info.Defs[id] = outer[v]
			first.Lhs[i] = id
		}
	}
	l.stmt(&first)
	again := l.temp("again", types.Typ[types.Bool], s.Pos())
	if s.Post != nil {
		l.local(again)
		l.emit(&declare{again, s.Pos()})
	}
	loop.body = l.nested(func() {
		for _, v := range declared {
			l.define(v, l.ident(outer[v], v.Pos()))
		}
		if s.Post != nil {
			post := l.nested(func() { l.stmt(s.Post) })
			set := l.nested(func() { l.assignTo(again, l.trueExpr(s.Pos())) })
			l.emit(&branch{cond: l.ident(again, s.Pos()), then: post, pos: s.Post.Pos()})
			*l.out = append(*l.out, set...)
		}
		if s.Cond != nil {
			l.whileCondition(loop, s.Cond)
		}
		inner := &block{}
		inner.body = l.nested(func() {
			l.within(jumpTarget{name: loop.name, end: &loop.target, next: &inner.target}, func() { l.stmts(s.Body.List) })
		})
		l.emit(inner)
		for _, v := range declared {
			l.assignTo(outer[v], l.ident(v, s.Pos()))
		}
	})
	l.emit(loop)
}

func (l *lowerer) trueExpr(pos token.Pos) ast.Expr {
	id := &ast.Ident{Name: "true", NamePos: pos}
	l.info.Uses[id] = types.Universe.Lookup("true")
	l.info.Types[id] = types.TypeAndValue{Type: types.Typ[types.Bool]}
	return id
}
