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
			if d, ok := fn.blocking(pass, c); ok {
				p.report(pass, d)
			}
			return true
		})
	}
	return nil, nil
}

// blocking describes what is wrong with the node, if it blocks.
func (fn *function) blocking(pass *analysis.Pass, c inspector.Cursor) (analysis.Diagnostic, bool) {
	var what, instead string
	var at ast.Node = c.Node()
	var fixes []analysis.SuggestedFix
	switch n := c.Node().(type) {
	case *ast.CallExpr:
		if c.ParentEdgeKind() == edge.GoStmt_Call {
			break
		}
		f := fn.pkg.callee(n)
		if f == nil || isStandardStream(fn.pkg.info, n) {
			break
		}
		what, instead = nameOf(n), blockers[f.FullName()]
		if k := copiers[f.FullName()]; k <= len(n.Args) && fn.pkg.hasConnection(n.Args[:k]) {
			instead = doInBlock
		}
		if f.FullName() == "time.Sleep" && len(n.Args) == 1 {
			fixes = fn.sleepFix(pass, c, n.Args[0])
		}
	case *ast.UnaryExpr:
		if n.Op != token.ARROW || isCommunication(c) || fn.isPrivateChannel(n.X) {
			break
		}
		what, instead = "a receive from "+types.ExprString(n.X), fn.insteadOfReceive(n.X)
		if d := fn.pkg.afterArgument(n.X); d != nil {
			fixes = fn.sleepFix(pass, c, d)
		}
	case *ast.SendStmt:
		if !isCommunication(c) && !fn.isPrivateChannel(n.Chan) {
			what, instead = "a send to "+types.ExprString(n.Chan), "task.SendTo, or a task.Chan"
			fixes = fn.sendFix(pass, c, n)
		}
	case *ast.RangeStmt:
		if _, ok := fn.pkg.info.TypeOf(n.X).Underlying().(*types.Chan); ok && !fn.isPrivateChannel(n.X) {
			at = n.X
			what, instead = "a range over "+types.ExprString(n.X), "a loop with task.RecvFrom, or the method All of a task.Chan"
			if fn.pkg.isTime(n.X) {
				instead = "a loop with t.Sleep"
			}
		}
	case *ast.SelectStmt:
		if instead = fn.insteadOfSelect(n); instead != "" {
			what = "a select without default"
			at = selectKeyword{n}
		}
	}
	if instead == "" {
		return analysis.Diagnostic{}, false
	}
	return analysis.Diagnostic{
		Pos:            at.Pos(),
		End:            at.End(),
		Message:        fmt.Sprintf("%s blocks the worker that runs the task: use %s", what, instead),
		SuggestedFixes: fixes,
	}, true
}

// selectKeyword is the place of the word select, since a whole statement is too long to be marked.
type selectKeyword struct{ *ast.SelectStmt }

func (s selectKeyword) End() token.Pos { return s.Pos() + token.Pos(len("select")) }

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

// isDone reports whether c is a call of the method Done of a context.
func (p *pkg) isDone(c ast.Expr) bool {
	call, ok := ast.Unparen(c).(*ast.CallExpr)
	if !ok {
		return false
	}
	f := p.callee(call)
	return f != nil && f.FullName() == "(context.Context).Done"
}

// isHandleDone reports whether c is a call of the method Done of a task.Handle.
func (p *pkg) isHandleDone(c ast.Expr) bool {
	call, ok := ast.Unparen(c).(*ast.CallExpr)
	if !ok {
		return false
	}
	of, name := method(p.callee(call))
	return of == "Handle" && name == "Done"
}

// isTime reports whether c is the channel of time.After, or of a time.Timer or time.Ticker.
func (p *pkg) isTime(c ast.Expr) bool {
	switch c := ast.Unparen(c).(type) {
	case *ast.CallExpr:
		f := p.callee(c)
		return f != nil && (f.FullName() == "time.After" || f.FullName() == "time.Tick")
	case *ast.SelectorExpr:
		v, ok := p.info.Uses[c.Sel].(*types.Var)
		return ok && v.IsField() && v.Pkg() != nil && v.Pkg().Path() == "time"
	}
	return false
}

// afterArgument returns the argument of time.After, if c is a call of it, or nil.
func (p *pkg) afterArgument(c ast.Expr) ast.Expr {
	call, ok := ast.Unparen(c).(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return nil
	}
	if f := p.callee(call); f == nil || f.FullName() != "time.After" {
		return nil
	}
	return call.Args[0]
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
