package compile

import "go/ast"

func (l *lowerer) ifStmt(s *ast.IfStmt, label string) {
	if s.Init != nil {
		l.scope(func() {
			l.stmt(s.Init)
			l.ifElse(s)
		})
		return
	}
	l.scope(func() { l.ifElse(s) })
}

func (l *lowerer) ifElse(s *ast.IfStmt) {
	b := &branch{pos: s.Pos()}
	b.cond = l.operand(s.Cond, false)
	b.then = l.nested(func() { l.stmts(s.Body.List) })
	if s.Else != nil {
		b.els = l.nested(func() {
			if block, ok := s.Else.(*ast.BlockStmt); ok {
				l.stmts(block.List)
				return
			}
			l.stmt(s.Else)
		})
	}
	l.emit(b)
}
