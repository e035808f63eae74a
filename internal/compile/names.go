package compile

import (
	"go/ast"
	"go/types"
	"strconv"
)

// Names in the output. Variables keep their names if they can: in the step form all of a function's
// variables are declared on one level, so each has a name of its own there. Names that the file uses
// for something else, such as packages and predeclared functions, are not used for variables.

// fresh returns a name that begins with hint and is not taken, and takes it.
func fresh(hint string, isTaken func(string) bool) string {
	name := hint
	for n := 1; isTaken(name); n++ {
		sep := ""
		if last := hint[len(hint)-1]; '0' <= last && last <= '9' {
			sep = "_"
		}
		name = hint + sep + strconv.Itoa(n)
	}
	return name
}

// isReserved reports whether the name means something in the file beside variables.
func (f *file) isReserved(name string) bool {
	return types.Universe.Lookup(name) != nil || f.unit.types.Scope().Lookup(name) != nil ||
		f.unit.topNames[name] || f.imports.isTaken(name)
}

// local takes a name for something in the function.
func (fn *function) local(hint string) string {
	name := fresh(hint, func(s string) bool { return fn.taken[s] || fn.file.isReserved(s) })
	fn.taken[name] = true
	return name
}

// top takes a name on the package's level.
func (u *unit) top(hint string) string {
	name := fresh(hint, func(s string) bool {
		return u.topNames[s] || u.types.Scope().Lookup(s) != nil || u.fileNames[s] || types.Universe.Lookup(s) != nil
	})
	u.topNames[name] = true
	return name
}

// reserveImports gives the packages names that the types of the function's variables are of: the output
// declares variables by their types, also where the source does not. No variable gets these names.
func (fn *function) reserveImports() {
	reserve := func(t types.Type) {
		walkType(t, func(t types.Type) {
			var o *types.TypeName
			switch t := t.(type) {
			case *types.Named:
				o = t.Obj()
			case *types.Alias:
				o = t.Obj()
			default:
				return
			}
			if p := o.Pkg(); p != nil && p != fn.unit.types {
				fn.file.imports.reserve(p.Path(), p.Name())
			}
		})
	}
	for _, list := range [][]*types.Var{fn.params, fn.results, fn.locals} {
		for _, v := range list {
			reserve(v.Type())
		}
	}
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			for t := range fn.unit.info.Instances[id].TypeArgs.Types() {
				reserve(t)
			}
		}
		return true
	})
}

// nameVariables names the variables of a function. Captured variables have their names already.
func (fn *function) nameVariables() {
	for _, p := range fn.typeParams {
		fn.taken[fn.file.typeText(p)] = true
	}
	for _, v := range fn.captured {
		name := fn.parent.nameOf(v)
		fn.names[v] = name
		fn.taken[name] = true
	}
	name := func(v *types.Var, hint string) {
		if v == nil || fn.names[v] != "" {
			return
		}
		fn.names[v] = fn.local(hint)
	}
	name(fn.t, orElse(fn.t.Name(), "t"))
	if fn.recv != nil {
		name(fn.recv, orElse(fn.recv.Name(), "r"))
	}
	for _, v := range fn.params {
		name(v, orElse(v.Name(), "a"))
	}
	for _, v := range fn.results {
		if v.Name() != "" {
			name(v, orElse(v.Name(), "result"))
		}
	}
	for _, v := range fn.locals {
		if !fn.unit.temporary[v] {
			name(v, v.Name())
		}
	}
	for _, v := range fn.locals {
		name(v, v.Name())
	}
	for _, o := range fn.consts {
		fn.names[o] = fn.local(o.Name())
	}
	fn.nameExit()
	fn.nameInner()
	fn.frame = fn.local("f")
	fn.state = fn.local("s")
	fn.heldName = fn.local("h")
	fn.call = fn.local("c")
}

func orElse(name, other string) string {
	if name == "" || name == "_" {
		return other
	}
	return name
}

// nameInner renames variables inside of statements that stay as they are, if a variable of the
// function got a new name that they have.
func (fn *function) nameInner() {
	changed := map[string]bool{}
	for o, name := range fn.names {
		if name != o.Name() {
			changed[name] = true
		}
	}
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return fn.unit.literals[n] == nil
		case *ast.CaseClause:
			if v, ok := fn.unit.info.Implicits[n].(*types.Var); ok {
				fn.nameInside(v, changed)
			}
		case *ast.Ident:
			switch o := fn.unit.info.Defs[n].(type) {
			case *types.Var:
				if !o.IsField() && n.Name != "_" {
					fn.nameInside(o, changed)
				}
			case *types.Const:
				if n.Name != "_" {
					fn.nameInside(o, changed)
				}
			}
		}
		return true
	})
}

func (fn *function) nameInside(v types.Object, changed map[string]bool) {
	if fn.names[v] != "" {
		return
	}
	name := v.Name()
	if changed[name] {
		name = fn.local(name)
		changed[name] = true
	}
	fn.taken[name] = true
	fn.names[v] = name
}

// nameOf returns the name of a variable, which the function or one around it declares.
func (fn *function) nameOf(o types.Object) string {
	for ; fn != nil; fn = fn.parent {
		if name := fn.names[o]; name != "" {
			return name
		}
	}
	return ""
}
