package tasks

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// Blocks finds operations that block the worker.
var Blocks = &analysis.Analyzer{
	Name: "taskblocks",
	Doc: `report an operation of a task function that blocks the worker

A worker runs one task after the other. A task function that receives from a Go channel, sleeps by package
time or reads from a net.Conn keeps its worker from all others meanwhile, and does not end when its context
does. Package task has a counterpart of each that waits, and task.Block for the rest.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runBlocks,
}

func runBlocks(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, fn := range p.functions {
		fn.own(func(c inspector.Cursor) bool {
			if b := fn.blocking(pass, c); b.instead != "" {
				p.report(pass, analysis.Diagnostic{
					Pos:            b.pos,
					End:            b.end,
					Message:        fmt.Sprintf("%s blocks the worker that runs the task: use %s", b.what, b.instead),
					SuggestedFixes: b.fixes,
				})
			}
			return true
		})
	}
	return nil, nil
}

// blocking is an operation that blocks.
type blocking struct {
	pos, end      token.Pos
	what, instead string
	fixes         []analysis.SuggestedFix
}

// blocking describes the node at c. If that does not block, there is nothing instead of it.
func (fn *function) blocking(pass *analysis.Pass, c inspector.Cursor) blocking {
	switch n := c.Node().(type) {
	case *ast.CallExpr:
		return fn.blockingCall(pass, c, n)
	case *ast.UnaryExpr:
		if n.Op == token.ARROW && !isCommunication(c) && !fn.isPrivateChannel(n.X) {
			return blocking{n.Pos(), n.End(), "a receive from " + types.ExprString(n.X), fn.insteadOfReceive(n.X), fn.afterFix(pass, c, n.X)}
		}
	case *ast.SendStmt:
		if !isCommunication(c) && !fn.isPrivateChannel(n.Chan) {
			return blocking{n.Pos(), n.End(), "a send to " + types.ExprString(n.Chan), "task.SendTo, or a task.Chan", fn.sendFix(pass, c, n)}
		}
	case *ast.RangeStmt:
		if _, ok := fn.pkg.info.TypeOf(n.X).Underlying().(*types.Chan); ok && !fn.isPrivateChannel(n.X) {
			return blocking{n.X.Pos(), n.X.End(), "a range over " + types.ExprString(n.X), fn.insteadOfRange(n.X), nil}
		}
	case *ast.SelectStmt:
		end := n.Pos() + token.Pos(len("select")) // the whole statement is too long to be marked
		return blocking{n.Pos(), end, "a select without default", fn.insteadOfSelect(n), nil}
	}
	return blocking{}
}

// blockingCall describes a call.
func (fn *function) blockingCall(pass *analysis.Pass, c inspector.Cursor, call *ast.CallExpr) blocking {
	f := fn.pkg.callee(call)
	if f == nil || c.ParentEdgeKind() == edge.GoStmt_Call || isStandardStream(fn.pkg.info, call) {
		return blocking{}
	}
	b := blocking{pos: call.Pos(), end: call.End(), what: nameOf(call), instead: blockers[f.FullName()]}
	if k := copiers[f.FullName()]; k <= len(call.Args) && fn.pkg.hasConnection(call.Args[:k]) {
		b.instead = doInBlock
	}
	if f.FullName() == "time.Sleep" && len(call.Args) == 1 {
		b.fixes = fn.sleepFix(pass, c, call.Args[0])
	}
	return b
}

// isCommunication reports whether c is the operation of a case of a select statement, which is reported as
// a whole if it blocks.
func isCommunication(c inspector.Cursor) bool {
	for {
		switch c.ParentEdgeKind() {
		case edge.CommClause_Comm:
			return true
		case edge.ParenExpr_X, edge.ExprStmt_X, edge.AssignStmt_Rhs:
			c = c.Parent()
		default:
			return false
		}
	}
}

// insteadOfReceive says what to write instead of a receive from c.
func (fn *function) insteadOfReceive(c ast.Expr) string {
	switch {
	case fn.pkg.isDone(c):
		return "task.RecvFrom, or rely on the waits of t: they end when its context does"
	case fn.pkg.isTime(c):
		return "t.Sleep"
	case fn.pkg.isHandleDone(c):
		return "the method Wait of the handle"
	}
	return "task.RecvFrom, or a task.Chan"
}

// insteadOfRange says what to write instead of a range over c.
func (fn *function) insteadOfRange(c ast.Expr) string {
	if fn.pkg.isTime(c) {
		return "a loop with t.Sleep"
	}
	return "a loop with task.RecvFrom, or the method All of a task.Chan"
}

// insteadOfSelect says what to write instead of the select statement, or returns "" if that has a default
// case, or if only this function has the channels.
func (fn *function) insteadOfSelect(s *ast.SelectStmt) string {
	var others []ast.Stmt // without those that wait for a context to end
	dones, private := 0, 0
	for _, clause := range s.Body.List {
		comm := clause.(*ast.CommClause).Comm
		if comm == nil {
			return ""
		}
		c := channelOf(comm)
		if fn.isPrivateChannel(c) {
			private++
		}
		if fn.pkg.isDone(c) {
			dones++
		} else {
			others = append(others, comm)
		}
	}
	if n := len(s.Body.List); n > 0 && private == n {
		return ""
	}
	if dones == 1 && len(others) == 1 {
		// The context is mostly that of t, which ends each wait.
		_, sends := others[0].(*ast.SendStmt)
		switch {
		case sends:
			return "task.SendTo, which also returns when the context of t ends, or task.Select with task.Chans"
		case fn.pkg.isTime(channelOf(others[0])):
			return "t.Sleep, which also returns when the context of t ends"
		default:
			return "task.RecvFrom, which also returns when the context of t ends, or task.Select with task.Chans"
		}
	}
	return "task.Select with task.Chans, or task.Block"
}

// channelOf returns the channel of the operation of a select's case.
func channelOf(comm ast.Stmt) ast.Expr {
	var e ast.Expr
	switch s := comm.(type) {
	case *ast.SendStmt:
		return s.Chan
	case *ast.ExprStmt:
		e = s.X
	case *ast.AssignStmt:
		e = s.Rhs[0]
	}
	return ast.Unparen(e).(*ast.UnaryExpr).X
}

// called returns the function that e calls, and its arguments, or nil if e is no call.
func (p *pkg) called(e ast.Expr) (*types.Func, []ast.Expr) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil, nil
	}
	return p.callee(call), call.Args
}

// isDone reports whether c is a call of the method Done of a context.
func (p *pkg) isDone(c ast.Expr) bool {
	f, _ := p.called(c)
	return f != nil && f.FullName() == "(context.Context).Done"
}

// isHandleDone reports whether c is a call of the method Done of a task.Handle.
func (p *pkg) isHandleDone(c ast.Expr) bool {
	f, _ := p.called(c)
	of, name := method(f)
	return of == "Handle" && name == "Done"
}

// isTime reports whether c is the channel of time.After or time.Tick, or of a time.Timer or time.Ticker.
func (p *pkg) isTime(c ast.Expr) bool {
	if f, _ := p.called(c); f != nil {
		return f.FullName() == "time.After" || f.FullName() == "time.Tick"
	}
	s, ok := ast.Unparen(c).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	v, ok := p.info.Uses[s.Sel].(*types.Var)
	return ok && v.IsField() && v.Pkg() != nil && v.Pkg().Path() == "time"
}

// isStandardStream reports whether the call is that of a method of os.Stdout or os.Stderr: programs print
// to them as they do with package fmt.
func isStandardStream(info *types.Info, call *ast.CallExpr) bool {
	method, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && isOutput(info, method.X)
}

// isOutput reports whether e is os.Stdout or os.Stderr.
func isOutput(info *types.Info, e ast.Expr) bool {
	s, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	v, ok := info.Uses[s.Sel].(*types.Var)
	return ok && v.Pkg() != nil && v.Pkg().Path() == "os" && (v.Name() == "Stdout" || v.Name() == "Stderr")
}

// hasConnection reports whether one of the arguments is a network connection, a file or the body of an HTTP
// response.
func (p *pkg) hasConnection(args []ast.Expr) bool {
	for _, arg := range args {
		if isOutput(p.info, arg) {
			continue
		}
		t := p.info.TypeOf(arg)
		if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
			t = pointer.Elem()
		}
		if named, ok := types.Unalias(t).(*types.Named); ok && connections[named.String()] {
			return true
		}
		if s, ok := ast.Unparen(arg).(*ast.SelectorExpr); ok {
			v, ok := p.info.Uses[s.Sel].(*types.Var)
			if ok && v.Name() == "Body" && v.IsField() && v.Pkg() != nil && v.Pkg().Path() == "net/http" {
				return true
			}
		}
	}
	return false
}
