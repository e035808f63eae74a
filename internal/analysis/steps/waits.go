package steps

import (
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/cfg"
)

// wait is a call in a step function that makes a Step.
type wait struct {
	call  *ast.CallExpr
	fn    *types.Func // nil if it is not known
	node  ast.Node    // the node of the block that the call is in
	block *cfg.Block
}

// waits returns the calls of the step function, without those of the functions in it, that make
// a Step and can be reached, in the order of their places.
func (s *step) waits() []wait {
	var all []wait
	for _, b := range s.flow.graph.Blocks {
		if !b.Live {
			continue
		}
		for _, n := range b.Nodes {
			s.own(n, func(m ast.Node) {
				if call, ok := m.(*ast.CallExpr); ok && s.makesStep(call) {
					all = append(all, wait{call, s.pkg.callee(call), n, b})
				}
			})
		}
	}
	slices.SortStableFunc(all, func(a, b wait) int { return int(a.call.Pos() - b.call.Pos()) })
	return all
}

// point returns the resume point that w is given, if that is a constant and w is a function of
// package coro.
func (s *step) point(w wait) (k int64, at ast.Expr, ok bool) {
	if !isCoro(w.fn) {
		return 0, nil, false
	}
	at = parameter(w.fn, w.call, "at")
	if at == nil {
		return 0, nil, false
	}
	k, ok = s.pkg.constant(at)
	return k, at, ok
}

// points has the resume points that a step function gives to what it waits for.
type points struct {
	given map[int64]ast.Expr // a place in the step function that gives the number
	all   bool               // there are no others
}

// argument is what is known of the number that a wait is given.
type argument struct {
	k     int64
	known bool
	old   bool     // it is f.At(), so it is the number of another wait as well
	place ast.Expr // in the step function
}

// points finds the resume points of a step function: its own, and those in functions of the
// package that it gives its frame to.
func (s *step) points() points {
	p := points{given: make(map[int64]ast.Expr), all: s.frame != nil}
	if s.frame == nil {
		return p
	}
	s.pkg.collect(&p, s.body, s.frame, func(e ast.Expr) argument {
		k, ok := s.pkg.constant(e)
		return argument{k, ok, s.flow.isAt(e), e}
	}, make(map[*types.Func]bool))
	return p
}

// collect adds the resume points in body, which uses frame. number returns what is known of an
// argument of a call. in has the functions that body is called by.
func (p *pkg) collect(to *points, body ast.Node, frame types.Object, number func(ast.Expr) argument, in map[*types.Func]bool) {
	uses := 0 // of the frame, other than those that are understood
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if p.info.Uses[n] == frame {
				uses++
			}
		case *ast.SelectorExpr:
			if p.object(n.X) == frame {
				uses--
			}
		case *ast.CallExpr:
			gives := -1
			for i, arg := range n.Args {
				if p.object(arg) == frame {
					gives, uses = i, uses-1
				} else if p.isPartOf(arg, frame) {
					gives = i
				}
			}
			callee := p.callee(n)
			if isCoro(callee) {
				// A wait with another frame is that of a kind which is defined in here.
				if at := parameter(callee, n, "at"); at != nil && gives >= 0 {
					switch a := number(at); {
					case a.known && to.given[a.k] == nil:
						to.given[a.k] = a.place
					case !a.known && !a.old:
						to.all = false
					}
				}
				return true
			}
			if gives < 0 {
				return true
			}
			decl := p.decls[callee]
			if decl == nil || decl.Body == nil || in[callee] || callee.Signature().Variadic() || gives >= callee.Signature().Params().Len() {
				to.all = to.all && in[callee]
				return true
			}
			in[callee] = true
			params := callee.Signature().Params()
			p.collect(to, decl.Body, params.At(gives), func(e ast.Expr) argument {
				if k, ok := p.constant(e); ok {
					// The place is the frame, where the step function gives it away.
					return argument{k: k, known: true, place: number(n.Args[gives]).place}
				}
				o := p.object(e)
				for i := range params.Len() {
					if o != nil && params.At(i) == o {
						return number(n.Args[i])
					}
				}
				return argument{place: n}
			}, in)
			delete(in, callee)
		}
		return true
	})
	if uses != 0 {
		to.all = false
	}
}

// isPartOf reports whether e is &frame.Frame, the frame in that of a generator.
func (p *pkg) isPartOf(e ast.Expr, frame types.Object) bool {
	u, ok := ast.Unparen(e).(*ast.UnaryExpr)
	if !ok || !isFrame(p.info.TypeOf(u)) {
		return false
	}
	sel, ok := ast.Unparen(u.X).(*ast.SelectorExpr)
	return ok && p.object(sel.X) == frame
}
