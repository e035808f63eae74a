package tasks

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// Group finds a task.Group that nobody waits for.
var Group = &analysis.Analyzer{
	Name: "taskgroup",
	Doc: `report a task.Group with children and without a Wait

The children of a Group run beside the function that begins them. Without a Wait it returns before they
have ended, their errors are lost, and a Group that is a local variable cannot be waited for by anybody
else.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runGroup,
}

// groupUses is what a package does with a local variable that is a Group.
type groupUses struct {
	begins  *ast.CallExpr // the first call of Go
	waits   bool
	escapes bool // somebody else may wait for it
}

func runGroup(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	uses := make(map[*types.Var]*groupUses)
	var order []*groupUses
	for c := range p.nodes((*ast.Ident)(nil)) {
		v, ok := p.info.Uses[c.Node().(*ast.Ident)].(*types.Var)
		if !ok || v.Kind() != types.LocalVar || taskType(v.Type()) != "Group" {
			continue
		}
		if uses[v] == nil {
			uses[v] = new(groupUses)
			order = append(order, uses[v])
		}
		uses[v].add(c)
	}
	for _, u := range order {
		if u.begins == nil || u.waits || u.escapes {
			continue
		}
		group := types.ExprString(receiver(u.begins))
		p.report(pass, analysis.Diagnostic{
			Pos: u.begins.Pos(),
			End: u.begins.End(),
			Message: fmt.Sprintf("%s begins a child, and nothing waits for it: call %s.Wait, and return or handle its error",
				nameOf(u.begins), group),
		})
	}
	return nil, nil
}

// add adds a use of the Group.
func (u *groupUses) add(c inspector.Cursor) {
	c = outOfParens(c)
	method := c.Parent()
	if c.ParentEdgeKind() != edge.SelectorExpr_X || method.ParentEdgeKind() != edge.CallExpr_Fun {
		u.escapes = true
		return
	}
	switch call := method.Parent().Node().(*ast.CallExpr); method.Node().(*ast.SelectorExpr).Sel.Name {
	case "Go":
		if u.begins == nil {
			u.begins = call
		}
	case "Wait":
		u.waits = true
	}
}
