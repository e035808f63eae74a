package compile

import (
	"go/ast"
	"go/token"
)

// jumpTarget is a statement that has been taken apart, as break and continue see it.
type jumpTarget struct {
	name string // its label, or empty
	end  *target
	// next is where continue goes: to the next iteration of a loop, or to the end of the block
	// that the loop's body is. It is nil unless the statement is a loop.
	next       *target
	nextIsLoop bool
}

// resolve returns what a break or continue statement does that is in no statement that jumps could
// have instead.
func (l *lowerer) resolve(s *ast.BranchStmt) *jump {
	j, _ := l.resolved(s)
	return j
}

// resolved is resolve, and returns the target's number from outside.
func (l *lowerer) resolved(s *ast.BranchStmt) (*jump, int) {
	for i := len(l.targets) - 1; i >= 0; i-- {
		t := l.targets[i]
		if s.Label != nil && s.Label.Name != t.name {
			continue
		}
		switch {
		case s.Tok == token.BREAK:
			return &jump{to: t.end, pos: s.Pos()}, i
		case s.Tok == token.CONTINUE && t.next != nil:
			return &jump{to: t.next, next: t.nextIsLoop, pos: s.Pos()}, i
		}
	}
	return nil, 0
}

// jumps returns what the break and continue statements do that leave the statement.
func (l *lowerer) jumps(s ast.Stmt) map[*ast.BranchStmt]*jump {
	if len(l.targets) == 0 {
		return nil
	}
	w := jumpFinder{l: l, labels: map[string]bool{}}
	w.walk(s, false, false)
	return w.found
}

// jumpFinder finds the jumps that leave a statement.
type jumpFinder struct {
	l      *lowerer
	labels map[string]bool // of statements inside
	found  map[*ast.BranchStmt]*jump
}

// walk looks at the statement; an unlabelled break or continue in it may stay inside.
func (w *jumpFinder) walk(n ast.Node, breaks, continues bool) {
	ast.Inspect(n, func(c ast.Node) bool {
		if c == n {
			switch c.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				breaks, continues = true, true
			case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
				breaks = true
			}
		} else {
			switch c.(type) {
			case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
				w.walk(c, breaks, continues)
				return false
			}
		}
		switch c := c.(type) {
		case *ast.FuncLit:
			return false
		case *ast.LabeledStmt:
			w.labels[c.Label.Name] = true
		case *ast.BranchStmt:
			stays := c.Tok == token.BREAK && breaks || c.Tok == token.CONTINUE && continues
			if c.Label != nil {
				stays = w.labels[c.Label.Name]
			}
			if c.Tok != token.BREAK && c.Tok != token.CONTINUE || stays {
				break
			}
			if j := w.l.resolve(c); j != nil {
				if w.found == nil {
					w.found = map[*ast.BranchStmt]*jump{}
				}
				w.found[c] = j
			}
		}
		return true
	})
}
