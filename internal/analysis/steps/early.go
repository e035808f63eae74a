package steps

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/cfg"
)

// Early finds results of spawned tasks that are read before Group.Wait.
var Early = &analysis.Analyzer{
	Name: "stepearly",
	Doc: `report a result that is read before Group.Wait

A spawned task runs at the same time as the step. Its result is there when Group.Wait has
ended.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runEarly,
}

func runEarly(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, s := range p.steps {
		starts := []int64{anyPoint}
		if s.isKind {
			starts = []int64{0}
			for k := range s.points().given {
				starts = append(starts, k)
			}
			if !s.points().all {
				starts = nil // some are not known
			}
		}
		if starts == nil {
			starts = []int64{anyPoint}
		}
		reported := make(map[token.Pos]bool)
		for _, b := range s.flow.graph.Blocks {
			for i, n := range b.Nodes {
				s.own(n, func(m ast.Node) {
					call, ok := m.(*ast.CallExpr)
					if !ok || !isCoro(p.callee(call), "Spawn", "SpawnCall") {
						return
					}
					result, ok := resultOf(p.callee(call), call).(*ast.UnaryExpr)
					if !ok || result.Op != token.AND {
						return
					}
					path := s.path(result.X)
					if path == "" {
						return
					}
					for _, k := range starts {
						if !s.flow.at(k)[b] {
							continue
						}
						read := s.readsAfter(path, b, i, k)
						if read == nil || reported[read.Pos()] {
							continue
						}
						reported[read.Pos()] = true
						p.report(pass, analysis.Diagnostic{
							Pos: read.Pos(),
							End: read.End(),
							Message: fmt.Sprintf("%s is the result of a child that %s has started in line %d and that may be running: return the Group's Wait, and read it at that resume point",
								types.ExprString(read), nameOf(call), pass.Fset.Position(call.Pos()).Line),
						})
					}
				})
			}
		}
	}
	return nil, nil
}

// readsAfter returns a read of the place at path that is after the node i of b in a step at the
// resume point k, or nil.
func (s *step) readsAfter(path string, b *cfg.Block, i int, k int64) ast.Expr {
	for _, n := range b.Nodes[i+1:] {
		if e := s.reads(path, n); e != nil {
			return e
		}
	}
	after := s.flow.after(b, k)
	for _, c := range s.flow.graph.Blocks { // in a fixed order
		if !after[c] {
			continue
		}
		for _, n := range c.Nodes {
			if e := s.reads(path, n); e != nil {
				return e
			}
		}
	}
	return nil
}

// reads returns a read of the place at path in n, or nil.
func (s *step) reads(path string, n ast.Node) (read ast.Expr) {
	written := make(map[ast.Node]bool)
	ast.Inspect(n, func(m ast.Node) bool {
		switch m := m.(type) {
		case *ast.FuncLit:
			return false
		case *ast.AssignStmt:
			if m.Tok == token.ASSIGN {
				for _, l := range m.Lhs {
					written[ast.Unparen(l)] = true
				}
			}
		case *ast.UnaryExpr:
			if m.Op == token.AND && s.path(m.X) != "" {
				return false
			}
		case *ast.SelectorExpr:
			if sel := s.pkg.info.Selections[m]; sel != nil && sel.Kind() == types.MethodVal && isPointer(sel.Obj().(*types.Func).Signature().Recv().Type()) {
				return false
			}
		}
		if e, ok := m.(ast.Expr); ok && read == nil {
			if p := s.path(e); p != "" {
				if within(p, path) && !written[ast.Unparen(e)] {
					read = e
				}
				return false
			}
		}
		return true
	})
	return read
}
