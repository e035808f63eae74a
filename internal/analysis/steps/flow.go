package steps

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/cfg"
)

// flow is the control flow of a step function.
//
// A step begins anew at the top of the function at each resume point, and f.At() is one number
// all through it. So the paths of the step at the resume point k are those that remain when
// f.At() is replaced by k: that is what at returns.
type flow struct {
	step   *step
	graph  *cfg.CFG
	tags   map[ast.Expr]*ast.SwitchStmt // of each expression of a case
	points map[types.Object]bool        // variables that are f.At()
}

func newFlow(s *step) *flow {
	f := &flow{step: s, tags: make(map[ast.Expr]*ast.SwitchStmt), points: make(map[types.Object]bool)}
	f.graph = cfg.New(s.body, func(call *ast.CallExpr) bool {
		id, ok := ast.Unparen(call.Fun).(*ast.Ident)
		return !ok || s.pkg.info.Uses[id] != types.Universe.Lookup("panic")
	})
	assigned := make(map[types.Object]int)
	s.own(s.body, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.SwitchStmt:
			for _, clause := range n.Body.List {
				for _, e := range clause.(*ast.CaseClause).List {
					f.tags[e] = n
				}
			}
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				o := s.pkg.object(l)
				assigned[o]++
				if len(n.Lhs) == len(n.Rhs) && n.Tok == token.DEFINE && f.isAt(n.Rhs[i]) {
					f.points[o] = true
				}
			}
		case *ast.IncDecStmt:
			assigned[s.pkg.object(n.X)]++
		}
	})
	for o, n := range assigned {
		if n > 1 {
			delete(f.points, o)
		}
	}
	return f
}

// isAt reports whether e is f.At(), or a variable that is.
func (f *flow) isAt(e ast.Expr) bool {
	if o := f.step.pkg.object(e); o != nil && f.points[o] {
		return true
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && isCoro(f.step.pkg.callee(call), "At") && f.step.isTheFrame(sel.X)
}

// number returns the constant that e is, or k if e is f.At().
func (f *flow) number(e ast.Expr, k int64) (int64, bool) {
	if f.isAt(e) {
		return k, k != anyPoint
	}
	return f.step.pkg.constant(e)
}

// constant returns the constant integer that e is.
func (p *pkg) constant(e ast.Expr) (int64, bool) {
	if v := p.info.Types[e].Value; v != nil {
		return constant.Int64Val(constant.ToInt(v))
	}
	return 0, false
}

// truth is the value of a condition at a resume point.
type truth int

const (
	unknown truth = iota
	yes
	no
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// condition returns the value of e where f.At() is k.
func (f *flow) condition(e ast.Expr, k int64) truth {
	switch e := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			switch f.condition(e.X, k) {
			case yes:
				return no
			case no:
				return yes
			}
		}
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND, token.LOR:
			x, y := f.condition(e.X, k), f.condition(e.Y, k)
			decides := truthOf(e.Op == token.LOR)
			switch {
			case x == decides || y == decides:
				return decides
			case x == unknown || y == unknown:
				return unknown
			default:
				return x
			}
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			x, okX := f.number(e.X, k)
			y, okY := f.number(e.Y, k)
			if okX && okY {
				return truthOf(constant.Compare(constant.MakeInt64(x), e.Op, constant.MakeInt64(y)))
			}
		}
	}
	return unknown
}

// next returns the blocks that can follow b where f.At() is k.
func (f *flow) next(b *cfg.Block, k int64) []*cfg.Block {
	if len(b.Succs) != 2 || len(b.Nodes) == 0 {
		return b.Succs
	}
	cond, ok := b.Nodes[len(b.Nodes)-1].(ast.Expr)
	if !ok {
		return b.Succs
	}
	value := unknown
	if s := f.tags[cond]; s != nil && s.Tag != nil {
		x, okX := f.number(s.Tag, k)
		y, okY := f.number(cond, k)
		if okX && okY {
			value = truthOf(x == y)
		}
	} else {
		value = f.condition(cond, k)
	}
	switch value {
	case yes:
		return b.Succs[:1]
	case no:
		return b.Succs[1:]
	default:
		return b.Succs
	}
}

// blocks is a set of blocks.
type blocks map[*cfg.Block]bool

// at returns the blocks that a step at the resume point k can run.
func (f *flow) at(k int64) blocks {
	seen := make(blocks)
	f.walk(f.graph.Blocks[0], k, seen, nil)
	return seen
}

// after returns the blocks that can run after b in the same step, at the resume point k. It
// has b itself only if b is in a loop.
func (f *flow) after(b *cfg.Block, k int64) blocks {
	seen := make(blocks)
	for _, n := range f.next(b, k) {
		f.walk(n, k, seen, nil)
	}
	return seen
}

// walk adds b, and the blocks that can follow it without a way through avoid, to seen.
func (f *flow) walk(b *cfg.Block, k int64, seen blocks, avoid *cfg.Block) {
	if seen[b] || b == avoid {
		return
	}
	seen[b] = true
	for _, n := range f.next(b, k) {
		f.walk(n, k, seen, avoid)
	}
}

// anyPoint stands for all resume points at once: no condition about f.At() is folded.
const anyPoint = -1
