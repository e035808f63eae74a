package compile

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// Generic task functions have generic forms, and a kind for each instance, which is made when it
// suspends for the first time. Functions of this package call the forms with their type arguments.
// Instances that the package mentions are bound, so that they can be launched, kept in variables and
// called through interfaces.

// instance is a function or a receiver type with type arguments that mention no type parameters.
type instance struct {
	text string // the type arguments, in brackets
	sig  *types.Signature
	recv *types.Named
}

// typeArgs returns the type arguments of a call's target in brackets.
func (e *emitter) typeArgs(a *await) string {
	target := e.file.unit.functions[a.callee.fn.Origin()]
	if len(target.typeParams) == 0 {
		return ""
	}
	if target.recv != nil {
		recv := types.Unalias(a.callee.fn.Signature().Recv().Type())
		if p, ok := recv.(*types.Pointer); ok {
			recv = types.Unalias(p.Elem())
		}
		return e.file.typeArgsText(recv.(*types.Named).TypeArgs())
	}
	id := calledIdent(a.call.Fun)
	return e.file.typeArgsText(e.file.unit.info.Instances[id].TypeArgs)
}

func (f *file) typeArgsText(args *types.TypeList) string {
	parts := make([]string, args.Len())
	for i := range parts {
		parts[i] = f.typeText(args.At(i))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// calledIdent returns the identifier of the function that is called.
func calledIdent(fun ast.Expr) *ast.Ident {
	switch x := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	case *ast.IndexExpr:
		return calledIdent(x.X)
	case *ast.IndexListExpr:
		return calledIdent(x.X)
	}
	return nil
}

// instances returns the instances of a generic function that the package mentions.
func (f *file) instances(fn *function) []instance {
	found := map[string]instance{}
	if fn.recv == nil {
		for id, i := range f.unit.info.Instances {
			if o, ok := f.unit.info.Uses[id].(*types.Func); ok && f.unit.functions[o.Origin()] == fn && isConcrete(i.TypeArgs) && f.mayMention(i.TypeArgs) {
				text := f.typeArgsText(i.TypeArgs)
				found[text] = instance{text: text, sig: i.Type.(*types.Signature)}
			}
		}
	} else {
		generic, _ := receiverType(fn.recv.Type())
		for _, tv := range f.unit.info.Types {
			walkType(tv.Type, func(t types.Type) {
				n, ok := t.(*types.Named)
				if !ok || n.Origin() != generic.Origin() || n.TypeArgs().Len() == 0 || !isConcrete(n.TypeArgs()) || !f.mayMention(n.TypeArgs()) {
					return
				}
				text := f.typeArgsText(n.TypeArgs())
				for m := range n.Methods() {
					if m.Name() == fn.decl.Name.Name {
						found[text] = instance{text, m.Signature(), n}
					}
				}
			})
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b instance) int { return cmp.Compare(a.text, b.text) })
}

// isConcrete reports whether the types mention no type parameters.
func isConcrete(args *types.TypeList) bool {
	for t := range args.Types() {
		if mentionsTypeParam(t) {
			return false
		}
	}
	return true
}

// mayMention reports whether the file's output can name the types: they are not types of test files,
// unless the file is one, or of functions.
func (f *file) mayMention(args *types.TypeList) bool {
	for t := range args.Types() {
		if f.unit.isNameable(t) != "" {
			return false
		}
		ok := true
		walkType(t, func(t types.Type) {
			n, isNamed := t.(*types.Named)
			if !isNamed || n.Obj().Pkg() != f.unit.types {
				return
			}
			inTest := strings.HasSuffix(f.unit.fset.Position(n.Obj().Pos()).Filename, "_test.go")
			if n.Obj().Parent() != f.unit.types.Scope() && f.unit.localTypes[n.Obj()] == "" || inTest && !strings.HasSuffix(f.name, "_test.go") {
				ok = false
			}
		})
		if !ok {
			return false
		}
	}
	return true
}

// writeInstances binds the instances of a generic function.
func (f *file) writeInstances(b *strings.Builder, fn *function) {
	for _, i := range f.instances(fn) {
		if fn.recv != nil {
			_, isPointer := receiverType(fn.recv.Type())
			f.bindMethodOf(b, fn, types.NewPointer(i.recv), !isPointer, i.sig, i.text)
			if !isPointer {
				f.bindMethodOf(b, fn, i.recv, false, i.sig, i.text)
			}
			continue
		}
		name := fn.decl.Name.Name + i.text
		if !fn.suspends {
			fmt.Fprintf(b, "%s(%s, %s, nil)\n", f.generated("Bind"), name, name)
			continue
		}
		call := "nil"
		if !fn.sig.Variadic() {
			call = fn.base + "Call" + i.text
		}
		fmt.Fprintf(b, "%s(%s, %s%s, %s)\n", f.generated("Bind"), name, fn.startName(), i.text, call)
	}
}

// writeKind writes the variable or the function that is the function's kind.
func (f *file) writeKind(b *strings.Builder, fn *function) {
	kind := "*" + f.generated("Kind")
	if len(fn.typeParams) == 0 {
		fmt.Fprintf(b, "var %sKind %s\n\n", fn.base, kind)
		return
	}
	fmt.Fprintf(b, "// %sKind returns the kind of an instance of %s.\nfunc %sKind%s() %s {\n", fn.base, fn.display, fn.base, fn.typeParamList(), kind)
	b.WriteString("type instance struct{}\n") // of its own for each instance of the function
	fmt.Fprintf(b, "return %s[instance](func() %s { return %s })\n}\n\n", f.generated("Instance"), kind, fn.defineText())
	if fn.lit == nil && fn.recv == nil && !fn.sig.Variadic() {
		text := strings.Replace(f.callFunction(fn), "func(", "func "+fn.base+"Call"+fn.typeParamList()+"(", 1)
		fmt.Fprintf(b, "// %sCall returns a call of %s for a launch.\n%s\n\n", fn.base, fn.display, text)
	}
}

// typeParamsIn returns those of the function's type parameters that the types mention.
func typeParamsIn(ts ...types.Type) (params []*types.TypeParam) {
	var add func(t types.Type)
	add = func(t types.Type) {
		walkType(t, func(t types.Type) {
			if p, ok := t.(*types.TypeParam); ok && !slices.Contains(params, p) {
				params = append(params, p)
				add(p.Constraint())
			}
		})
	}
	for _, t := range ts {
		add(t)
	}
	return params
}

// typeParamNames returns the names of type parameters, in brackets, or an empty string.
func (f *file) typeParamNames(params []*types.TypeParam) string {
	if len(params) == 0 {
		return ""
	}
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = f.typeText(p)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// typeParamList returns the declaration of type parameters, in brackets.
func (f *file) typeParamList(params []*types.TypeParam) string {
	if len(params) == 0 {
		return ""
	}
	parts := make([]string, len(params))
	for i, p := range params {
		parts[i] = f.typeText(p) + " " + f.typeText(p.Constraint())
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
