package compile

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Types that functions declare are types of the package in the output: both forms of a function, and
// what it stores, have the same ones. They keep their names if those are free. In a generic function, a
// type is another one in each instance; so in the output it is generic, with the function's type
// parameters.

// findLocalTypes finds the types that the function declares, those in its literals included.
func (u *unit) findLocalTypes(fn *function) {
	if !fn.suspends || fn.parent != nil {
		return
	}
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		o, ok := u.info.Defs[spec.Name].(*types.TypeName)
		if !ok {
			return true
		}
		u.localTypes[o] = u.top(o.Name())
		fn.file.localTypes = append(fn.file.localTypes, o)
		return true
	})
}

// writeLocalTypes writes the declarations of the types that functions declare in the source.
func (f *file) writeLocalTypes(b *strings.Builder) {
	for _, o := range f.localTypes {
		name := f.unit.localTypes[o]
		sep, t := " ", o.Type()
		if alias, ok := t.(*types.Alias); ok {
			sep, t = " = ", alias.Rhs()
		} else {
			t = t.Underlying()
		}
		b.WriteString("type " + name + f.typeParamsIn(o.Type()) + sep + f.typeText(t) + "\n\n")
	}
}

// localTypeText returns how the output spells a type that a function declares. It is empty for others.
func (f *file) localTypeText(o *types.TypeName) string {
	name := f.unit.localTypes[o]
	if name == "" {
		return ""
	}
	var args []string
	for _, p := range typeParamsAround(o) {
		args = append(args, f.typeText(p))
	}
	if len(args) > 0 {
		name += "[" + strings.Join(args, ", ") + "]"
	}
	return name
}

// typeParamsAround returns the type parameters of the function that declares a type, in their order, if
// one does. Those without a name are left out: nothing can mention them.
func typeParamsAround(o *types.TypeName) (params []*types.TypeParam) {
	if o.Pkg() == nil {
		return nil
	}
	for s := o.Parent(); s != nil && s != o.Pkg().Scope(); s = s.Parent() {
		for _, name := range s.Names() {
			if t, ok := s.Lookup(name).(*types.TypeName); ok {
				if p, ok := t.Type().(*types.TypeParam); ok {
					params = append(params, p)
				}
			}
		}
	}
	slices.SortFunc(params, func(a, b *types.TypeParam) int { return cmp.Compare(a.Index(), b.Index()) })
	return params
}

// localDeclaration lowers a declaration of constants or types. Types are declared outside.
func (l *lowerer) localDeclaration(s *ast.DeclStmt) {
	d := s.Decl.(*ast.GenDecl)
	if d.Tok == token.TYPE {
		return
	}
	for _, spec := range d.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			if o, ok := l.info.Defs[name].(*types.Const); ok && o.Name() != "_" {
				l.fn.consts = append(l.fn.consts, o)
			}
		}
	}
	l.emitCode(s, nil, s.Pos())
}
