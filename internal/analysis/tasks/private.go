package tasks

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// A channel or a mutex that no other function can use is not what a task waits for: the function that has it
// never blocks on it, or for ever.

// isPrivate reports whether e is a local variable of the function, and all that it does with it is allowed.
// allowed is called for where it is declared, too. Literals that it defers are counted to the function.
func (fn *function) isPrivate(e ast.Expr, allowed func(c inspector.Cursor) bool) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return false
	}
	v, ok := fn.pkg.info.Uses[id].(*types.Var)
	if !ok || v.Kind() != types.LocalVar {
		return false
	}
	declared := false
	for c := range fn.cursor.Preorder((*ast.Ident)(nil)) {
		id := c.Node().(*ast.Ident)
		declares := fn.pkg.info.Defs[id] == v
		declared = declared || declares
		if !declares && fn.pkg.info.Uses[id] != v {
			continue
		}
		if _, captured := fn.capturedBy(c); captured || !allowed(outOfParens(c)) {
			return false
		}
	}
	return declared
}

// outOfParens returns the cursor of the outermost expression that is c in parentheses.
func outOfParens(c inspector.Cursor) inspector.Cursor {
	for c.ParentEdgeKind() == edge.ParenExpr_X {
		c = c.Parent()
	}
	return c
}

// isPrivateChannel reports whether e is a channel that the function has made for itself.
func (fn *function) isPrivateChannel(e ast.Expr) bool {
	return fn.isPrivate(e, func(c inspector.Cursor) bool {
		parent := c.Parent().Node()
		switch kind, i := c.ParentEdge(); kind {
		case edge.SendStmt_Chan, edge.RangeStmt_X:
			return true
		case edge.UnaryExpr_X:
			return parent.(*ast.UnaryExpr).Op == token.ARROW
		case edge.CallExpr_Args:
			return fn.pkg.isBuiltin(parent, "len", "cap", "close") || fn.pkg.usesChannel(parent.(*ast.CallExpr))
		case edge.AssignStmt_Lhs:
			a := parent.(*ast.AssignStmt)
			return len(a.Lhs) == len(a.Rhs) && fn.pkg.isBuiltin(ast.Unparen(a.Rhs[i]), "make")
		case edge.ValueSpec_Names:
			s := parent.(*ast.ValueSpec)
			return len(s.Values) == 0 || len(s.Names) == len(s.Values) && fn.pkg.isBuiltin(ast.Unparen(s.Values[i]), "make")
		}
		return false
	})
}

// usesChannel reports whether the call is one of package task that sends to a Go channel or receives from it.
func (p *pkg) usesChannel(call *ast.CallExpr) bool {
	of, name := method(p.callee(call))
	return of == "" && (name == "RecvFrom" || name == "SendTo")
}

// isPrivateMutex reports whether e is a mutex, not a pointer to one, with which the function does nothing but
// to call its methods.
func (fn *function) isPrivateMutex(e ast.Expr) bool {
	if _, ok := fn.pkg.info.TypeOf(e).Underlying().(*types.Struct); !ok {
		return false
	}
	return fn.isPrivate(e, func(c inspector.Cursor) bool {
		switch c.ParentEdgeKind() {
		case edge.SelectorExpr_X:
			return c.Parent().ParentEdgeKind() == edge.CallExpr_Fun
		case edge.ValueSpec_Names, edge.AssignStmt_Lhs:
			return true
		}
		return false
	})
}

// isBuiltin reports whether n is a call of a predeclared function with one of the names.
func (p *pkg) isBuiltin(n ast.Node, names ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	for _, name := range names {
		if p.info.Uses[id] == types.Universe.Lookup(name) {
			return true
		}
	}
	return false
}
