package steps

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/cfg"
)

// Resume compares the numbers given to waits with those that the step function has cases for.
var Resume = &analysis.Analyzer{
	Name: "stepresume",
	Doc: `report resume points without a case, and cases without a wait

The number that is given to Await, Sleep and all others is what At returns in the next step.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runResume,
}

func runResume(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, s := range p.steps {
		if !s.isKind {
			continue
		}
		points := s.points()
		cases := s.flow.cases()
		for _, k := range slices.Sorted(maps.Keys(points.given)) {
			if _, ok := cases[k]; !ok && len(cases) > 0 && s.endsBadly(k) && !s.endsBadly(0) {
				at := points.given[k]
				p.report(pass, analysis.Diagnostic{
					Pos:     at.Pos(),
					End:     at.End(),
					Message: fmt.Sprintf("the step function has no case for the resume point %d, so the task fails there: add a case %d to the switch over At", k, k),
				})
			}
		}
		if !points.all {
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(cases)) {
			e := cases[k]
			if k == 0 || points.given[k] != nil || isCoroConstant(p, e) {
				continue
			}
			p.report(pass, analysis.Diagnostic{
				Pos:     e.Pos(),
				End:     e.End(),
				Message: fmt.Sprintf("nothing resumes this task at %d: give the number to the wait that belongs to it, or delete the case", k),
			})
		}
	}
	return nil, nil
}

// isCoroConstant reports whether e is a constant of package coro, which is Cleanup.
func isCoroConstant(p *pkg, e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.SelectorExpr:
		o := p.info.Uses[e.Sel]
		return o != nil && o.Pkg() != nil && o.Pkg().Path() == coroPath
	case *ast.Ident:
		o := p.info.Uses[e]
		return o != nil && o.Pkg() != nil && o.Pkg().Path() == coroPath && o.Name() == "Cleanup"
	}
	return false
}

// cases returns the numbers that At is compared with for equality, in a switch or a condition,
// each with a place.
func (f *flow) cases() map[int64]ast.Expr {
	found := make(map[int64]ast.Expr)
	add := func(e ast.Expr) {
		if k, ok := f.step.pkg.constant(e); ok && found[k] == nil {
			found[k] = e
		}
	}
	f.step.own(f.step.body, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.SwitchStmt:
			if n.Tag == nil || !f.isAt(n.Tag) {
				return
			}
			for _, clause := range n.Body.List {
				for _, e := range clause.(*ast.CaseClause).List {
					add(e)
				}
			}
		case *ast.BinaryExpr:
			if n.Op != token.EQL && n.Op != token.NEQ {
				return
			}
			if f.isAt(n.X) {
				add(n.Y)
			} else if f.isAt(n.Y) {
				add(n.X)
			}
		}
	})
	return found
}

// endsBadly reports whether each step at the resume point k ends with BadResume or a panic.
func (s *step) endsBadly(k int64) bool {
	ends := false
	for b := range s.flow.at(k) {
		if len(s.flow.next(b, k)) > 0 {
			continue
		}
		if !s.isBadEnd(b) {
			return false
		}
		ends = true
	}
	return ends
}

// isBadEnd reports whether the block b, in which a step ends, is one for wrong resume points.
func (s *step) isBadEnd(b *cfg.Block) bool {
	if len(b.Nodes) == 0 {
		return false
	}
	switch n := b.Nodes[len(b.Nodes)-1].(type) {
	case *ast.ReturnStmt:
		if len(n.Results) != 1 {
			return false
		}
		call, ok := ast.Unparen(n.Results[0]).(*ast.CallExpr)
		return ok && isCoro(s.pkg.callee(call), "BadResume")
	case *ast.ExprStmt: // a call that does not return: panic
		_, ok := ast.Unparen(n.X).(*ast.CallExpr)
		return ok
	}
	return false
}
