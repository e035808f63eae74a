package steps

import (
	"fmt"
	"go/ast"
	"go/token"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
)

// Dropped finds Steps that are not returned.
var Dropped = &analysis.Analyzer{
	Name: "stepdropped",
	Doc: `report a Step that is not returned

What Await, Sleep, Mutex.Lock, Frame.Return and all others return is only a description of what
is to happen. It happens after the step function has returned it.`,
	Requires: []*analysis.Analyzer{inspect.Analyzer, found},
	Run:      runDropped,
}

func runDropped(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	nodes := []ast.Node{(*ast.ExprStmt)(nil), (*ast.AssignStmt)(nil), (*ast.GoStmt)(nil), (*ast.DeferStmt)(nil)}
	in.WithStack(nodes, func(n ast.Node, push bool, stack []ast.Node) bool {
		if !push {
			return true
		}
		switch n := n.(type) {
		case *ast.ExprStmt:
			if call, ok := p.isStepCall(n.X); ok {
				p.reportDropped(pass, call, p.inStep(stack))
			}
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if id, ok := l.(*ast.Ident); !ok || id.Name != "_" || len(n.Lhs) != len(n.Rhs) {
					continue
				}
				if call, ok := p.isStepCall(n.Rhs[i]); ok {
					p.reportDropped(pass, call, false)
				}
			}
		case *ast.GoStmt:
			if call, ok := p.isStepCall(n.Call); ok {
				p.reportDropped(pass, call, false)
			}
		case *ast.DeferStmt:
			if call, ok := p.isStepCall(n.Call); ok {
				p.reportDropped(pass, call, false)
			}
		}
		return true
	})
	return nil, nil
}

// inStep reports whether the innermost function of stack returns a Step.
func (p *pkg) inStep(stack []ast.Node) bool {
	for i := len(stack) - 1; i >= 0; i-- {
		switch n := stack[i].(type) {
		case *ast.FuncLit:
			return p.returnsStep(n.Type)
		case *ast.FuncDecl:
			return p.returnsStep(n.Type)
		}
	}
	return false
}

func (p *pkg) returnsStep(t *ast.FuncType) bool {
	return t.Results.NumFields() == 1 && coroType(p.info.TypeOf(t.Results.List[0].Type)) == "Step"
}

// reportDropped reports that the Step of call is dropped. With fix, return may stand before
// the call.
func (p *pkg) reportDropped(pass *analysis.Pass, call *ast.CallExpr, fix bool) {
	name, args := nameOf(call), "(…)"
	if len(call.Args) == 0 {
		args = "()"
	}
	d := analysis.Diagnostic{
		Pos: call.Pos(),
		End: call.End(),
		Message: fmt.Sprintf("the Step of %s is not returned, so what it describes does not happen: write return %s%s",
			name, name, args),
	}
	if fix {
		d.SuggestedFixes = []analysis.SuggestedFix{{
			Message:   "Return the Step",
			TextEdits: []analysis.TextEdit{{Pos: call.Pos(), End: token.NoPos, NewText: []byte("return ")}},
		}}
	}
	p.report(pass, d)
}
