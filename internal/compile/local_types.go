package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Types that functions declare are types of the package in the output: both forms of a function, and
// what it stores, have the same ones. They keep their names if those are free.

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
		if len(fn.typeParams) > 0 {
			u.diag.at(spec.Pos(), "a type in a generic task function is not supported; declare %s outside of %s", o.Name(), fn.display)
			return false
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
		b.WriteString("type " + name + sep + f.typeText(t) + "\n\n")
	}
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
