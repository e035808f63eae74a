package steps

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/cfg"
)

// Local finds local variables that are used as if they outlived the step.
var Local = &analysis.Analyzer{
	Name: "steplocal",
	Doc: `report a local variable that should outlive the step

The step function is called anew at each resume point, so its local variables begin anew. What
is needed after a wait, and what a wait stores, belongs to the state or the held part.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runLocal,
}

func runLocal(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, s := range p.steps {
		s.localResults(pass)
		s.localsOfLiterals(pass)
		if s.isKind {
			s.lostLocals(pass)
		}
	}
	return nil, nil
}

// resultOf returns the address that call stores a result to, or nil.
func resultOf(f *types.Func, call *ast.CallExpr) ast.Expr {
	if !isCoro(f) {
		return nil
	}
	if parameter(f, call, "at") == nil && f.Name() != "Spawn" && f.Name() != "SpawnCall" {
		return nil
	}
	for _, name := range []string{"result", "chosen"} {
		if e := parameter(f, call, name); e != nil {
			return ast.Unparen(e)
		}
	}
	return nil
}

// localResults reports results that go to variables.
func (s *step) localResults(pass *analysis.Pass) {
	s.own(s.body, func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		address, ok := resultOf(s.pkg.callee(call), call).(*ast.UnaryExpr)
		if !ok || address.Op != token.AND {
			return
		}
		if _, ok := ast.Unparen(address.X).(*ast.CompositeLit); ok {
			return
		}
		v := s.root(address.X)
		if v == nil || v == s.frame || v == s.held {
			return
		}
		what := "is not in this task's state or held part"
		if s.isLocal(v) {
			what = "is a local variable, which is gone when the result comes"
		}
		s.pkg.report(pass, analysis.Diagnostic{
			Pos: address.Pos(),
			End: address.End(),
			Message: fmt.Sprintf("%s %s: give %s the address of a field of the state or of the held part, or nil",
				types.ExprString(address.X), what, nameOf(call)),
		})
	})
}

// localsOfLiterals reports functions that are given to what the step function waits for, such
// as Blocking, and that set local variables of the step function.
func (s *step) localsOfLiterals(pass *analysis.Pass) {
	for _, w := range s.waits() {
		if !isCoro(w.fn) {
			continue
		}
		for _, arg := range w.call.Args {
			lit, ok := ast.Unparen(arg).(*ast.FuncLit)
			if !ok {
				continue
			}
			ast.Inspect(lit.Body, func(n ast.Node) bool {
				var set []ast.Expr
				switch n := n.(type) {
				case *ast.AssignStmt:
					set = n.Lhs
				case *ast.IncDecStmt:
					set = []ast.Expr{n.X}
				}
				for _, e := range set {
					v := s.root(e)
					if v == nil || !s.isLocal(v) || lit.Pos() <= v.Pos() && v.Pos() < lit.End() {
						continue
					}
					s.pkg.report(pass, analysis.Diagnostic{
						Pos: e.Pos(),
						End: e.End(),
						Message: fmt.Sprintf("%s is a local variable of the step function, which has returned when %s calls this function: return the value as the result of %s",
							v.Name(), nameOf(w.call), nameOf(w.call)),
					})
				}
				return true
			})
		}
	}
}

// event is a use of a local variable, or an assignment to it.
type event struct {
	pos    token.Pos
	block  *cfg.Block
	set    bool
	begins bool // it is the declaration
}

// lostLocals reports local variables that are set in a step that then waits, and used in the
// step after that, where they have the value of their declaration again.
func (s *step) lostLocals(pass *analysis.Pass) {
	locals := s.plainLocals()
	if len(locals) == 0 {
		return
	}
	type resume struct {
		from *cfg.Block
		at   int64
		name string
	}
	var resumes []resume
	for _, w := range s.waits() {
		if k, _, ok := s.point(w); ok && k != 0 {
			resumes = append(resumes, resume{w.block, k, nameOf(w.call)})
		}
	}
	var starts []int64
	for k := range s.points().given {
		if k != 0 {
			starts = append(starts, k)
		}
	}
	starts = append(starts, 0)
	for v, events := range locals {
		reported := false
		for _, r := range resumes {
			if reported {
				break
			}
			use := s.usesDeclared(events, r.at)
			if use == nil {
				continue
			}
			for _, from := range starts {
				set := s.lostSet(events, from, r.from, r.at)
				if set == nil {
					continue
				}
				s.pkg.report(pass, analysis.Diagnostic{
					Pos: use.pos,
					Message: fmt.Sprintf("%s was set in line %d, in a step that has returned (%s resumes at %d): local variables begin anew in each step, so make it a field of the state or of the held part",
						v.Name(), pass.Fset.Position(set.pos).Line, r.name, r.at),
				})
				reported = true
				break
			}
		}
	}
}

// usesDeclared returns a use that, in each step at the resume point k, finds the value of the
// declaration, or nil.
func (s *step) usesDeclared(events []event, k int64) *event {
	at := s.flow.at(k)
	for i, u := range events {
		if u.set || !at[u.block] {
			continue
		}
		declared := true
		for _, d := range events {
			if d.set && !d.begins && at[d.block] && (d.block == u.block && d.pos < u.pos || s.flow.after(d.block, k)[u.block]) {
				declared = false
				break
			}
		}
		if declared {
			return &events[i]
		}
	}
	return nil
}

// lostSet returns an assignment in a step at the resume point k that is before the wait in the
// block to, and whose value is not used in that step, or nil. An assignment that the step at
// the resume point next repeats is none.
func (s *step) lostSet(events []event, k int64, to *cfg.Block, next int64) *event {
	at, again := s.flow.at(k), s.flow.at(next)
	for i, d := range events {
		if !d.set || d.begins || !at[d.block] || again[d.block] {
			continue
		}
		after := s.flow.after(d.block, k)
		if d.block != to && !after[to] {
			continue
		}
		used := false
		for _, u := range events {
			if !u.set && (d.block == u.block && u.pos > d.pos || after[u.block]) {
				used = true
				break
			}
		}
		if !used {
			return &events[i]
		}
	}
	return nil
}

// plainLocals returns the local variables of the step function that only its own statements
// read and assign to, with all uses and assignments.
func (s *step) plainLocals() map[*types.Var][]event {
	locals := make(map[*types.Var][]event)
	others := make(map[types.Object]bool)
	info := s.pkg.info
	ast.Inspect(s.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit: // may run at any time
			ast.Inspect(n, func(m ast.Node) bool {
				if id, ok := m.(*ast.Ident); ok {
					others[info.ObjectOf(id)] = true
				}
				return true
			})
			return false
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				if v := s.root(n.X); v != nil {
					others[v] = true
				}
			}
		case *ast.SliceExpr:
			if v := s.root(n.X); v != nil {
				others[v] = true
			}
		case *ast.SelectorExpr: // a method may take the address
			if sel := info.Selections[n]; sel != nil && sel.Kind() == types.MethodVal {
				if v := s.root(n.X); v != nil {
					others[v] = true
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if e != nil {
					others[s.pkg.object(e)] = true
				}
			}
		}
		return true
	})
	for _, b := range s.flow.graph.Blocks {
		if !b.Live {
			continue
		}
		for _, n := range b.Nodes {
			s.addEvents(locals, b, n)
		}
	}
	for v := range locals {
		if others[v] || v.Pos() < s.body.Pos() || s.body.End() <= v.Pos() {
			delete(locals, v)
		}
	}
	return locals
}

// addEvents adds the events of one node.
func (s *step) addEvents(locals map[*types.Var][]event, b *cfg.Block, n ast.Node) {
	info := s.pkg.info
	sets := make(map[*ast.Ident]bool)
	add := func(id *ast.Ident, pos token.Pos, set, begins bool) {
		if v, ok := info.ObjectOf(id).(*types.Var); ok && !v.IsField() {
			locals[v] = append(locals[v], event{pos: pos, block: b, set: set, begins: begins})
		}
	}
	s.own(n, func(m ast.Node) {
		switch m := m.(type) {
		case *ast.AssignStmt:
			for _, l := range m.Lhs {
				if id, ok := ast.Unparen(l).(*ast.Ident); ok {
					sets[id] = true
					if m.Tok != token.ASSIGN && m.Tok != token.DEFINE {
						add(id, id.Pos(), false, false)
					}
					// The value is assigned at the end of the statement, after its uses.
					add(id, m.End(), true, info.Defs[id] != nil)
				}
			}
		case *ast.IncDecStmt:
			if id, ok := ast.Unparen(m.X).(*ast.Ident); ok {
				sets[id] = true
				add(id, id.Pos(), false, false)
				add(id, m.End(), true, false)
			}
		case *ast.ValueSpec:
			for _, id := range m.Names {
				sets[id] = true
				add(id, m.End(), true, true)
			}
		case *ast.Ident:
			if !sets[m] && info.Uses[m] != nil {
				add(m, m.Pos(), false, false)
			}
		}
	})
}
