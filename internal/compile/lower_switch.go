package compile

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
)

// switchStmt lowers a switch statement with suspensions in its bodies. What is in its head and its
// case clauses is evaluated before, as far as it suspends.
func (l *lowerer) switchStmt(s *ast.SwitchStmt, label string) {
	l.scope(func() {
		if s.Init != nil {
			l.stmt(s.Init)
		}
		tag := s.Tag
		if tag != nil {
			tag = l.operand(tag, false)
		}
		n := &choice{pos: s.Pos()}
		n.name = label
		if l.suspendsInCases(s.Body) {
			l.emit(l.chosenClause(s, n, tag))
			return
		}
		n.stmt = &ast.SwitchStmt{Switch: s.Switch, Tag: tag, Body: &ast.BlockStmt{}}
		for _, c := range s.Body.List {
			c := c.(*ast.CaseClause)
			n.clauses = append(n.clauses, &clause{head: &ast.CaseClause{Case: c.Case, List: c.List, Colon: c.Colon}})
		}
		l.clauseBodies(n, s.Body)
		l.emit(n)
	})
}

func (l *lowerer) suspendsInCases(body *ast.BlockStmt) bool {
	for _, c := range body.List {
		for _, e := range c.(*ast.CaseClause).List {
			if l.suspends(e) {
				return true
			}
		}
	}
	return false
}

// clauseBodies lowers the bodies of the clauses.
func (l *lowerer) clauseBodies(n *choice, body *ast.BlockStmt) {
	for i, s := range body.List {
		var list []ast.Stmt
		switch s := s.(type) {
		case *ast.CaseClause:
			list = s.Body
		case *ast.CommClause:
			list = s.Body
		}
		l.clauseBody(n, n.clauses[i], list)
	}
}

func (l *lowerer) clauseBody(n *choice, c *clause, list []ast.Stmt) {
	if len(list) > 0 {
		if b, ok := list[len(list)-1].(*ast.BranchStmt); ok && b.Tok == token.FALLTHROUGH {
			c.falls = true
			list = list[:len(list)-1]
		}
	}
	first := c.body
	c.body = l.nested(func() {
		*l.out = append(*l.out, first...)
		l.within(jumpTarget{name: n.name, end: &n.target}, func() { l.stmts(list) })
	})
}

// chosenClause lowers a switch whose cases suspend: it evaluates them one after the other, until one
// is chosen, and then switches over the number of the clause.
func (l *lowerer) chosenClause(s *ast.SwitchStmt, n *choice, tag ast.Expr) *choice {
	if tag != nil {
		tag = l.saved("tag", tag)
	}
	number := l.temp("clause", types.Typ[types.Int], s.Pos())
	l.local(number)
	l.emit(&declare{number, s.Pos()})
	type option struct {
		clause int
		e      ast.Expr
	}
	var options []option
	for i, c := range s.Body.List {
		for _, e := range c.(*ast.CaseClause).List {
			options = append(options, option{i + 1, e})
		}
	}
	var try func(i int)
	try = func(i int) {
		if i == len(options) {
			return
		}
		o := options[i]
		cond := l.operand(o.e, false)
		if tag != nil {
			equal := &ast.BinaryExpr{X: tag, OpPos: o.e.Pos(), Op: token.EQL, Y: cond}
			l.info.Types[equal] = types.TypeAndValue{Type: types.Typ[types.Bool]}
			cond = equal
		}
		b := &branch{cond: cond, pos: o.e.Pos()}
		b.then = l.nested(func() { l.assignTo(number, l.intExpr(o.clause, o.e.Pos())) })
		b.els = l.nested(func() { try(i + 1) })
		l.emit(b)
	}
	l.scope(func() { try(0) })
	n.stmt = &ast.SwitchStmt{Switch: s.Switch, Tag: l.ident(number, s.Pos()), Body: &ast.BlockStmt{}}
	for i, c := range s.Body.List {
		head := &ast.CaseClause{Case: c.Pos(), Colon: c.Pos()}
		if c.(*ast.CaseClause).List != nil {
			head.List = []ast.Expr{l.intExpr(i+1, c.Pos())}
		}
		n.clauses = append(n.clauses, &clause{head: head})
	}
	l.clauseBodies(n, s.Body)
	return n
}

// intExpr returns a literal.
func (l *lowerer) intExpr(n int, pos token.Pos) ast.Expr {
	e := &ast.BasicLit{ValuePos: pos, Kind: token.INT, Value: strconv.Itoa(n)}
	l.info.Types[e] = types.TypeAndValue{Type: types.Typ[types.Int], Value: constant.MakeInt64(int64(n))}
	return e
}

// typeSwitchStmt lowers a type switch with suspensions in its bodies.
func (l *lowerer) typeSwitchStmt(s *ast.TypeSwitchStmt, label string) {
	l.scope(func() {
		if s.Init != nil {
			l.stmt(s.Init)
		}
		n := &choice{pos: s.Pos()}
		n.name = label
		var assert ast.Expr
		switch a := s.Assign.(type) {
		case *ast.ExprStmt:
			assert = a.X
		case *ast.AssignStmt:
			assert = a.Rhs[0]
		}
		asserted := ast.Unparen(assert).(*ast.TypeAssertExpr)
		x := &ast.TypeAssertExpr{X: l.operand(asserted.X, false), Lparen: asserted.Lparen, Rparen: asserted.Rparen}
		n.stmt = &ast.TypeSwitchStmt{Switch: s.Switch, Assign: &ast.ExprStmt{X: x}, Body: &ast.BlockStmt{}}
		for _, c := range s.Body.List {
			c := c.(*ast.CaseClause)
			k := &clause{head: &ast.CaseClause{Case: c.Case, List: c.List, Colon: c.Colon}}
			if v, ok := l.info.Implicits[c].(*types.Var); ok && l.isUsed(v, c.Body) {
				k.bind = v
				l.local(v)
			}
			n.clauses = append(n.clauses, k)
		}
		l.clauseBodies(n, s.Body)
		l.emit(n)
	})
}

// isUsed reports whether the statements mention the variable.
func (l *lowerer) isUsed(v *types.Var, list []ast.Stmt) (found bool) {
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && l.info.Uses[id] == v {
				found = true
			}
			return !found
		})
	}
	return found
}

// selectStmt lowers a select statement with suspensions in its bodies, or in the operands of its
// cases, which are evaluated before.
func (l *lowerer) selectStmt(s *ast.SelectStmt, label string) {
	l.scope(func() {
		n := &choice{pos: s.Pos()}
		n.name = label
		var operands []ast.Expr
		for _, c := range s.Body.List {
			operands = append(operands, commOperands(c.(*ast.CommClause).Comm)...)
		}
		operands = l.inSourceOrder(operands)
		for _, c := range s.Body.List {
			c := c.(*ast.CommClause)
			k := &clause{}
			count := len(commOperands(c.Comm))
			comm := l.comm(k, c.Comm, operands[:count])
			operands = operands[count:]
			k.head = &ast.CommClause{Case: c.Case, Comm: comm, Colon: c.Colon}
			n.clauses = append(n.clauses, k)
		}
		n.stmt = &ast.SelectStmt{Select: s.Select, Body: &ast.BlockStmt{}}
		l.clauseBodies(n, s.Body)
		l.emit(n)
	})
}

// inSourceOrder returns operands that are evaluated one after the other as a whole, not only as far as they are
// calls: what comes before one that may suspend has its value by then.
func (l *lowerer) inSourceOrder(list []ast.Expr) []ast.Expr {
	last := -1
	for i, e := range list {
		if l.suspends(e) {
			last = i
		}
	}
	if last < 0 {
		return list
	}
	out := make([]ast.Expr, len(list))
	for i, e := range list {
		out[i] = l.operand(e, i < last)
		if tv := l.info.Types[e]; i < last && tv.Value == nil && !tv.IsNil() {
			out[i] = l.inVariable(out[i])
		}
	}
	return out
}

// commOperands returns what a communication clause evaluates when the select statement begins.
func commOperands(s ast.Stmt) []ast.Expr {
	switch s := s.(type) {
	case *ast.SendStmt:
		return []ast.Expr{s.Chan, s.Value}
	case *ast.ExprStmt:
		return []ast.Expr{ast.Unparen(s.X).(*ast.UnaryExpr).X}
	case *ast.AssignStmt:
		return []ast.Expr{ast.Unparen(s.Rhs[0]).(*ast.UnaryExpr).X}
	}
	return nil
}

// comm returns the communication of a clause with the operands. What it assigns to is evaluated in
// the clause's body.
func (l *lowerer) comm(k *clause, s ast.Stmt, operands []ast.Expr) ast.Stmt {
	receive := func(old ast.Expr) ast.Expr {
		c := *ast.Unparen(old).(*ast.UnaryExpr)
		c.X = operands[0]
		recordCopy(l.info, ast.Unparen(old), &c)
		return &c
	}
	switch s := s.(type) {
	case *ast.SendStmt:
		return &ast.SendStmt{Chan: operands[0], Arrow: s.Arrow, Value: operands[1]}
	case *ast.ExprStmt:
		return &ast.ExprStmt{X: receive(s.X)}
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE && !l.anyBox(l.defined(s.Lhs)) {
			l.local(l.defined(s.Lhs)...)
			k.declares = l.defined(s.Lhs)
			return &ast.AssignStmt{Lhs: s.Lhs, TokPos: s.TokPos, Tok: s.Tok, Rhs: []ast.Expr{receive(s.Rhs[0])}}
		}
		// What is received goes to temporaries first: boxes are made, and operands on the left are
		// evaluated, in the clause that is chosen.
		elem := l.info.TypeOf(operands[0]).Underlying().(*types.Chan).Elem()
		var lhs, from []ast.Expr
		for i := range s.Lhs {
			t := elem
			if i == 1 {
				t = types.Typ[types.Bool]
			}
			v := l.temp("v", t, s.Pos())
			id := &ast.Ident{Name: "v", NamePos: s.Pos()}
			l.info.Defs[id] = v
			lhs, from = append(lhs, id), append(from, l.ident(v, s.Pos()))
			k.declares = append(k.declares, v)
		}
		l.local(k.declares...)
		k.body = l.nested(func() {
			l.assign(&ast.AssignStmt{Lhs: s.Lhs, TokPos: s.TokPos, Tok: s.Tok, Rhs: from})
		})
		return &ast.AssignStmt{Lhs: lhs, TokPos: s.TokPos, Tok: token.DEFINE, Rhs: []ast.Expr{receive(s.Rhs[0])}}
	}
	return nil
}

func (l *lowerer) anyBox(vs []*types.Var) bool {
	for _, v := range vs {
		if l.usage[v].isBox() {
			return true
		}
	}
	return false
}
