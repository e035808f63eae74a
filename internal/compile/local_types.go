package compile

import (
	"cmp"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
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

// checkEmbedded refuses embedded fields whose type has another name in the output, since they would have it too.
func (fn *function) checkEmbedded() {
	u := fn.unit
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		s, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range s.Fields.List {
			if len(field.Names) > 0 {
				continue
			}
			if id := embeddedIdent(field.Type); id != nil {
				if o, ok := u.info.Uses[id].(*types.TypeName); ok && u.localTypes[o] != "" && u.localTypes[o] != o.Name() {
					u.diag.at(id.Pos(), "%s is embedded, and the package has something else of this name; give the type a name of its own", o.Name())
				}
			}
		}
		return true
	})
}

// embeddedIdent returns the name of the type of an embedded field, or nil if it is one of another package.
func embeddedIdent(t ast.Expr) *ast.Ident {
	switch t := ast.Unparen(t).(type) {
	case *ast.Ident:
		return t
	case *ast.StarExpr:
		return embeddedIdent(t.X)
	case *ast.IndexExpr:
		return embeddedIdent(t.X)
	case *ast.IndexListExpr:
		return embeddedIdent(t.X)
	}
	return nil
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
		var own []*types.TypeParam
		if t, ok := o.Type().(interface{ TypeParams() *types.TypeParamList }); ok {
			own = slices.Collect(t.TypeParams().TypeParams())
		}
		b.WriteString("type " + name + f.localTypeParams(typeParamsAround(o), own) + sep + f.typeText(t) + "\n\n")
	}
}

// localTypeParams returns the declaration of the type parameters of a function and of a type that it declares,
// in brackets. Those of the function that the type's own ones shadow have no name: the type cannot mention them.
func (f *file) localTypeParams(around, own []*types.TypeParam) string {
	shadowed := func(p *types.TypeParam) bool {
		return slices.ContainsFunc(own, func(o *types.TypeParam) bool { return o.Obj().Name() == p.Obj().Name() })
	}
	if !slices.ContainsFunc(around, shadowed) {
		return f.typeParamList(slices.Concat(around, own))
	}
	var parts []string
	for _, p := range around {
		name, constraint := f.typeText(p), f.typeText(p.Constraint())
		if shadowed(p) {
			name = "_"
		}
		if slices.ContainsFunc(typeParamsIn(p), shadowed) { // its constraint may mention one
			constraint = "any"
		}
		parts = append(parts, name+" "+constraint)
	}
	for _, p := range own {
		parts = append(parts, f.typeText(p)+" "+f.typeText(p.Constraint()))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// localTypeText returns how the output spells a type that a function declares, with the given type
// arguments. It is empty for others.
func (f *file) localTypeText(o *types.TypeName, args *types.TypeList) string {
	name := f.unit.localTypes[o]
	if name == "" {
		return ""
	}
	var texts []string
	for _, p := range typeParamsAround(o) {
		texts = append(texts, f.typeText(p))
	}
	for a := range args.Types() {
		texts = append(texts, f.typeText(a))
	}
	if len(texts) > 0 {
		name += "[" + strings.Join(texts, ", ") + "]"
	}
	return name
}

// localInstance returns the text of an instance of a generic type that a function declares, or nil if the
// index expression, of x, is none.
func (r *renderer) localInstance(n, x ast.Expr) ast.Node {
	id, ok := ast.Unparen(x).(*ast.Ident)
	if !ok {
		return nil
	}
	if o, ok := r.file.unit.info.Uses[id].(*types.TypeName); !ok || r.file.unit.localTypes[o] == "" {
		return nil
	}
	return raw(r.file.typeText(r.file.unit.info.TypeOf(n)), n.Pos())
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
	if l.shadowsItself(d) {
		s = &ast.DeclStmt{Decl: l.withValues(d)}
	}
	l.emitCode(s, nil, s.Pos())
}

// shadowsItself reports whether an expression of the group has a name that its own line, or a later one,
// declares: what a line without a value repeats has another meaning then, and if the output gave the
// constant another name, that would be lost.
func (l *lowerer) shadowsItself(d *ast.GenDecl) (found bool) {
	line := map[string]int{}
	for n, spec := range d.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			line[name.Name] = n
		}
	}
	for n, spec := range d.Specs {
		for _, value := range spec.(*ast.ValueSpec).Values {
			ast.Inspect(value, func(x ast.Node) bool {
				if id, ok := x.(*ast.Ident); ok {
					if at, ok := line[id.Name]; ok && at >= n {
						found = true
					}
				}
				return !found
			})
		}
	}
	return found
}

// withValues returns the declaration of the same constants with their values.
func (l *lowerer) withValues(d *ast.GenDecl) *ast.GenDecl {
	out := &ast.GenDecl{TokPos: d.TokPos, Tok: token.CONST, Lparen: d.TokPos}
	for _, spec := range d.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			o, ok := l.info.Defs[name].(*types.Const)
			if !ok || o.Name() == "_" {
				continue
			}
			s := &ast.ValueSpec{Names: []*ast.Ident{name}, Values: []ast.Expr{raw(constantText(o), name.Pos())}}
			if b, ok := o.Type().(*types.Basic); !ok || b.Info()&types.IsUntyped == 0 {
				s.Type = raw(l.fn.file.typeText(o.Type()), name.Pos())
			}
			out.Specs = append(out.Specs, s)
		}
	}
	return out
}

// constantValue returns an expression that is what the constant is, wherever it stands.
func (f *file) constantValue(o *types.Const) string {
	text := "(" + constantText(o) + ")"
	if b, ok := o.Type().(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		return text
	}
	return f.typeText(o.Type()) + text
}

// constantText returns an expression of the constant's value, and of its kind if it is untyped.
func constantText(o *types.Const) string {
	v, kind := o.Val(), types.Invalid
	if b, ok := o.Type().(*types.Basic); ok {
		kind = b.Kind()
	}
	switch kind {
	case types.UntypedFloat:
		v = constant.ToFloat(v)
	case types.UntypedComplex:
		v = constant.ToComplex(v)
	}
	switch v.Kind() {
	case constant.String:
		return strconv.Quote(constant.StringVal(v))
	case constant.Bool:
		if constant.BoolVal(v) { // true may be the name of another constant here
			return "0 == 0"
		}
		return "0 != 0"
	case constant.Int:
		if kind == types.UntypedRune {
			return `'\x00' + ` + v.ExactString()
		}
		return v.ExactString()
	case constant.Float:
		return constant.Num(v).ExactString() + ".0 / " + constant.Denom(v).ExactString() + ".0"
	default:
		real, imaginary := constant.Real(v), constant.Imag(v)
		return "(" + constant.Num(real).ExactString() + ".0 / " + constant.Denom(real).ExactString() + ".0) + 1i * (" +
			constant.Num(imaginary).ExactString() + ".0 / " + constant.Denom(imaginary).ExactString() + ".0)"
	}
}
