package steps

import (
	"fmt"
	"go/ast"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/cfg"
)

// Twice finds two Steps in one path.
var Twice = &analysis.Analyzer{
	Name: "steptwice",
	Doc: `report a second Step in one step

A step makes one Step, and returns it at once. Of two Steps, one is lost, with the wait or the
result that it describes.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runTwice,
}

func runTwice(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, s := range p.steps {
		waits := s.waits()
		for i, b := range waits {
			for j, a := range waits {
				if !isDropped(a) && s.flow.makesBoth(a, b, j < i) {
					p.report(pass, analysis.Diagnostic{
						Pos: b.call.Pos(),
						End: b.call.End(),
						Message: fmt.Sprintf("%s makes a second Step in one step, after %s in line %d: return each Step at once",
							nameOf(b.call), nameOf(a.call), pass.Fset.Position(a.call.Pos()).Line),
					})
					break
				}
			}
		}
	}
	return nil, nil
}

// isDropped reports whether Dropped reports the call.
func isDropped(w wait) bool {
	switch n := w.node.(type) {
	case *ast.ExprStmt:
		return ast.Unparen(n.X) == w.call
	case *ast.GoStmt, *ast.DeferStmt:
		return true
	case *ast.AssignStmt:
		id, ok := n.Lhs[0].(*ast.Ident)
		return ok && id.Name == "_"
	}
	return false
}

// makesBoth reports whether there is a step that makes a and then b. before is true if a stands
// before b. A path from a to b is not enough, because conditions on the way may exclude each
// other: either each path to b leads through a, or each path from a leads through b.
func (f *flow) makesBoth(a, b wait, before bool) bool {
	if a.block == b.block && before {
		return true
	}
	if !f.after(a.block, anyPoint)[b.block] {
		return false
	}
	if a.block == b.block {
		return a.call == b.call // in a loop
	}
	toB := make(blocks)
	f.walk(f.graph.Blocks[0], anyPoint, toB, a.block)
	if !toB[b.block] {
		return true
	}
	fromA := make(blocks)
	for _, n := range a.block.Succs {
		f.walk(n, anyPoint, fromA, b.block)
	}
	for n := range fromA {
		if isExit(n) {
			return false
		}
	}
	return true
}

// isExit reports whether a step can end in b.
func isExit(b *cfg.Block) bool { return len(b.Succs) == 0 }
