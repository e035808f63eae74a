package compile

import (
	"go/ast"
	"go/types"
)

// Ranges over maps and functions keep an iterator of package generated while the body waits.

// iterator makes an iterator by a function of package generated, and returns a call of its Next.
func (r *rangeLoop) iterator(make, typeName string, x ast.Expr, args ...types.Type) (it *types.Var, next ast.Expr) {
	l, pos := r.l, r.s.Pos()
	f := l.fn.file
	var text string
	for i, t := range args {
		if i > 0 {
			text += ", "
		}
		text += f.typeText(t)
	}
	if text != "" {
		text = "[" + text + "]"
	}
	t := rawType(typeName + text)
	it = l.temp("it", types.NewPointer(types.Typ[types.Int]), pos)
	l.rawTypes[it] = func(f *file) string { return "*" + f.generated(t) }
	call := &ast.CallExpr{Fun: raw(f.generated(make), pos), Lparen: pos, Args: []ast.Expr{x}, Rparen: pos}
	l.info.Types[call] = types.TypeAndValue{Type: it.Type()}
	l.define(it, call)
	next = &ast.CallExpr{Fun: &ast.SelectorExpr{X: l.ident(it, pos), Sel: &ast.Ident{Name: "Next", NamePos: pos}}, Lparen: pos, Rparen: pos}
	return it, next
}

func rawType(s string) string { return s }

// overMap keeps an iterator, which sees insertions and deletions as a range does.
func (r *rangeLoop) overMap(t *types.Map) {
	x := r.l.operand(r.s.X, false)
	_, next := r.iterator("RangeMap", "MapRange", x, t.Key(), t.Elem())
	r.body(func() { r.next(next, t.Key(), t.Elem()) })
}

func (r *rangeLoop) overFunction(t *types.Signature) {
	r.l.refuse(r.s, "a range over a function whose body may suspend is not compiled yet; collect the values first, with slices.Collect")
}
