package tasks

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// Kept finds uses of a t other than to wait by it and to pass it on.
var Kept = &analysis.Analyzer{
	Name: "taskkept",
	Doc: `report a *task.T that is stored, returned, captured, or given to a goroutine

A *task.T belongs to the call that it is an argument of. Whoever uses it after that call, or on another
goroutine, waits in the place of another task. It may be the first argument of a task function, or of what
package task has to wait for, and methods of it may be called.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runKept,
}

func runKept(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	reported := make(map[*ast.FuncLit]bool)
	for c := range p.nodes((*ast.Ident)(nil)) {
		id := c.Node().(*ast.Ident)
		v, ok := p.info.Uses[id].(*types.Var)
		if !ok || p.byT[v] == nil {
			continue
		}
		d := analysis.Diagnostic{Pos: id.Pos(), End: id.End()}
		switch in, isCaptured := p.byT[v].capturedBy(c); {
		case !isCaptured:
			d.Message = p.misuse(v, c)
		case p.literals[in.Node().(*ast.FuncLit)] != nil:
			d.Message = fmt.Sprintf("%s is that of another call: this task function has a *task.T of its own, by which it waits", v.Name())
			d.SuggestedFixes = p.literals[in.Node().(*ast.FuncLit)].ownFix(id)
		case !reported[in.Node().(*ast.FuncLit)]:
			reported[in.Node().(*ast.FuncLit)] = true
			d.Message = p.captured(v, in)
		}
		if d.Message != "" {
			p.report(pass, d)
		}
	}
	return nil, nil
}

// ownFix replaces the name of another t by that of the function's own, if it has one.
func (fn *function) ownFix(id *ast.Ident) []analysis.SuggestedFix {
	if !fn.isVisible(fn.t, id.Pos()) {
		return nil
	}
	return []analysis.SuggestedFix{{
		Message:   "Use " + fn.t.Name(),
		TextEdits: []analysis.TextEdit{{Pos: id.Pos(), End: id.End(), NewText: []byte(fn.t.Name())}},
	}}
}

// capturedBy returns the innermost literal in the function that c is in, and false if that is the function
// itself. Literals that it defers are counted to it: they run before it returns.
func (fn *function) capturedBy(c inspector.Cursor) (literal inspector.Cursor, ok bool) {
	for f := range c.Enclosing((*ast.FuncLit)(nil), (*ast.FuncDecl)(nil)) {
		if f == fn.cursor {
			break
		}
		if !isDeferred(f) || fn.pkg.literals[f.Node().(*ast.FuncLit)] != nil {
			return f, true
		}
	}
	return inspector.Cursor{}, false
}

// isDeferred reports whether the literal is called by a defer statement.
func isDeferred(c inspector.Cursor) bool {
	c = outOfParens(c)
	return c.ParentEdgeKind() == edge.CallExpr_Fun && c.Parent().ParentEdgeKind() == edge.DeferStmt_Call
}

// captured says what is wrong with a literal, which is no task function, that uses the t of the function
// around it.
func (p *pkg) captured(t *types.Var, in inspector.Cursor) string {
	in = outOfParens(in)
	if in.ParentEdgeKind() == edge.CallExpr_Fun && in.Parent().ParentEdgeKind() == edge.GoStmt_Call {
		return onGoroutine(t)
	}
	if in.ParentEdgeKind() == edge.CallExpr_Args {
		if of, name := method(p.callee(in.Parent().Node().(*ast.CallExpr))); of == "" && name == "Block" {
			return fmt.Sprintf("%s is used on the goroutine of task.Block: wait before it or after it, and get what the function needs of %s before", t.Name(), t.Name())
		}
	}
	return fmt.Sprintf("%s is captured by a literal that is no task function, and may be used when its call has ended: give the literal a first parameter that is a *task.T", t.Name())
}

// misuse says what is wrong with the use of t at c, or returns "".
func (p *pkg) misuse(t *types.Var, c inspector.Cursor) string {
	c = outOfParens(c)
	const rule = "it belongs to this call, and is good for nothing but its methods and as the first argument of task functions"
	parent := c.Parent().Node()
	kind, i := c.ParentEdge()
	what := ""
	switch kind {
	case edge.CallExpr_Args:
		return p.misuseAsArgument(t, c.Parent(), i)
	case edge.SelectorExpr_X:
		switch m := c.Parent(); {
		case m.ParentEdgeKind() != edge.CallExpr_Fun:
			what = fmt.Sprintf("is kept by the method value %s", types.ExprString(parent.(ast.Expr)))
		case m.Parent().ParentEdgeKind() == edge.GoStmt_Call:
			return onGoroutine(t)
		}
	case edge.AssignStmt_Rhs:
		if a := parent.(*ast.AssignStmt); len(a.Lhs) == len(a.Rhs) {
			what = storedIn(a.Lhs[i])
		}
	case edge.ValueSpec_Values:
		if s := parent.(*ast.ValueSpec); len(s.Names) == len(s.Values) {
			what = storedIn(s.Names[i])
		}
	case edge.CompositeLit_Elts, edge.KeyValueExpr_Key, edge.KeyValueExpr_Value:
		what = "is stored in a composite literal"
	case edge.IndexExpr_Index:
		what = "is the key of a map"
	case edge.SendStmt_Value:
		what = "is sent to the channel " + types.ExprString(parent.(*ast.SendStmt).Chan)
	case edge.ReturnStmt_Results:
		what = "is returned"
	case edge.UnaryExpr_X:
		what = "has its address taken"
	case edge.StarExpr_X:
		what = "is copied"
	}
	if what == "" {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", t.Name(), what, rule)
}

func storedIn(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok && id.Name == "_" {
		return ""
	}
	return "is stored in " + types.ExprString(e)
}

func onGoroutine(t *types.Var) string {
	return fmt.Sprintf("%s belongs to this call and not to another goroutine: begin a child with the method Go of a task.Group, or a task with task.Go", t.Name())
}

// misuseAsArgument says what is wrong with t as the argument i of a call, or returns "".
func (p *pkg) misuseAsArgument(t *types.Var, c inspector.Cursor, i int) string {
	call := c.Node().(*ast.CallExpr)
	fun := p.info.Types[call.Fun]
	switch {
	case c.ParentEdgeKind() == edge.GoStmt_Call:
		return onGoroutine(t)
	case fun.IsType():
		return fmt.Sprintf("%s is converted to %s, by which it can be kept: only the first parameter of a task function takes it", t.Name(), types.ExprString(call.Fun))
	case p.isAll(call) && c.ParentEdgeKind() != edge.RangeStmt_X:
		return fmt.Sprintf("%s is kept by the iterator of %s: write the call in the range clause of a loop", t.Name(), nameOf(call))
	case p.takesFirst(call) == i:
		return ""
	}
	return fmt.Sprintf("%s is the argument %d of %s: only the first parameter of a task function takes it", t.Name(), i+1, nameOf(call))
}

// takesFirst returns which argument of the call is the *task.T of a task function, or -1.
func (p *pkg) takesFirst(call *ast.CallExpr) int {
	if s, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		// The first argument of a method expression is the receiver. That may be the t itself.
		if m := p.info.Selections[s]; m != nil && m.Kind() == types.MethodExpr && !isT(m.Recv()) {
			if isTask(m.Obj().(*types.Func).Signature()) {
				return 1
			}
			return -1
		}
	}
	if sig, ok := p.info.TypeOf(call.Fun).Underlying().(*types.Signature); ok && isTask(sig) {
		return 0
	}
	return -1
}

// isAll reports whether the call is one of the method All of a task.Chan, which returns an iterator that
// waits by its argument.
func (p *pkg) isAll(call *ast.CallExpr) bool {
	of, name := method(p.callee(call))
	return of == "Chan" && name == "All"
}
