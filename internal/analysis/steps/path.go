package steps

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// Paths name places in a frame or a held part: "state.text", "held.sizes[2]". A place that is
// behind a pointer, a slice or a map, or at an index that is not constant, has none.

// path returns the path of the place that e denotes, or "".
func (s *step) path(e ast.Expr) string {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		o := s.pkg.info.ObjectOf(e)
		switch {
		case o == nil:
			return ""
		case s.held != nil && o == s.held:
			return "held"
		case s.isStateVariable(o):
			return "state"
		}
	case *ast.StarExpr:
		if id, ok := ast.Unparen(e.X).(*ast.Ident); ok {
			return s.path(id)
		}
	case *ast.SelectorExpr:
		if s.isState(e) {
			return "state"
		}
		if selection := s.pkg.info.Selections[e]; selection == nil || selection.Kind() != types.FieldVal {
			return ""
		}
		base := s.path(e.X)
		if base == "" || base != "state" && base != "held" && isPointer(s.pkg.info.TypeOf(e.X)) {
			return ""
		}
		return base + "." + e.Sel.Name
	case *ast.IndexExpr:
		t := s.pkg.info.TypeOf(e.X)
		if t == nil {
			return ""
		}
		if _, ok := t.Underlying().(*types.Array); !ok {
			return ""
		}
		base := s.path(e.X)
		i, ok := s.pkg.constant(e.Index)
		if base == "" || !ok {
			return ""
		}
		return base + "[" + strconv.FormatInt(i, 10) + "]"
	}
	return ""
}

// isStateVariable reports whether o is a local variable that is the address of the state.
func (s *step) isStateVariable(o types.Object) bool {
	v, ok := o.(*types.Var)
	return ok && slices.Contains(s.states, v)
}

// within reports whether the place at path inner is the one at outer, or a part of it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func isPointer(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// root returns the variable that the place e lies in, or nil if it lies behind a pointer, a
// slice or a map.
func (s *step) root(e ast.Expr) *types.Var {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			v, _ := s.pkg.info.ObjectOf(x).(*types.Var)
			return v
		case *ast.SelectorExpr:
			if v, ok := s.pkg.info.Uses[x.Sel].(*types.Var); ok && !v.IsField() {
				return v // of another package
			}
			if isPointer(s.pkg.info.TypeOf(x.X)) {
				return nil
			}
			e = x.X
		case *ast.IndexExpr:
			t := s.pkg.info.TypeOf(x.X)
			if t == nil {
				return nil
			}
			if _, ok := t.Underlying().(*types.Array); !ok {
				return nil
			}
			e = x.X
		default:
			return nil
		}
	}
}

// leadsToFrame reports whether e is the frame, or an address in its state.
func (s *step) leadsToFrame(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		o := s.pkg.info.Uses[e]
		return o != nil && (s.frame != nil && o == s.frame || s.isStateVariable(o))
	case *ast.UnaryExpr:
		return e.Op == token.AND && s.liesInState(e.X)
	case *ast.SliceExpr:
		t := s.pkg.info.TypeOf(e.X)
		if t == nil {
			return false
		}
		_, array := t.Underlying().(*types.Array)
		return array && s.liesInState(e.X)
	}
	return false
}

// liesInState reports whether the place e is the state or a part of it.
func (s *step) liesInState(e ast.Expr) bool {
	for {
		if s.isState(e) {
			return true
		}
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			return s.isStateVariable(s.pkg.info.Uses[x])
		case *ast.StarExpr:
			e = x.X
			if _, ok := ast.Unparen(e).(*ast.Ident); !ok {
				return false
			}
		case *ast.SelectorExpr:
			if id, ok := ast.Unparen(x.X).(*ast.Ident); !ok || !s.isStateVariable(s.pkg.info.Uses[id]) {
				if isPointer(s.pkg.info.TypeOf(x.X)) {
					return s.isState(x)
				}
			}
			e = x.X
		case *ast.IndexExpr:
			t := s.pkg.info.TypeOf(x.X)
			if t == nil {
				return false
			}
			if _, ok := t.Underlying().(*types.Array); !ok {
				return false
			}
			e = x.X
		default:
			return false
		}
	}
}
