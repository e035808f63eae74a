package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Methods of task functions that are no calls of a method by its name: method values, and methods that a
// type has by embedding, which are called through interfaces. Both become functions that do nothing but
// call a start form. If that waits they return at once, so they need no frame.

// methodCall returns a call of the start form of a method: recv is the receiver's expression in the
// output, of the type of, and args are t and the arguments.
func (f *file) methodCall(c *callee, of types.Type, recv string, args []string, site func() string) string {
	name := c.fn.Name()
	operand := recv
	if strings.ContainsAny(recv[:1], "&*") {
		operand = "(" + recv + ")"
	}
	plain := operand + "." + name + "(" + strings.Join(args, ", ") + ")"
	target := f.unit.functions[c.fn.Origin()]
	switch {
	case inTask(c.fn) && c.fn.Pkg() != f.unit.types:
		return plain
	case target == nil:
		return fmt.Sprintf("%s(&%s, %s)(%s, %s)", f.methodHelper(of, c), site(), recv, recv, strings.Join(args, ", "))
	case !target.suspends:
		return plain
	}
	return target.startName() + f.receiverArgs(c.fn) + "(" + recv + ", " + strings.Join(args, ", ") + ")"
}

// receiverArgs returns the type arguments of a method's receiver in brackets.
func (f *file) receiverArgs(method *types.Func) string {
	named, _ := receiverType(method.Signature().Recv().Type())
	if named == nil || named.TypeArgs().Len() == 0 {
		return ""
	}
	return f.typeArgsText(named.TypeArgs())
}

// passedOn returns the parameters of a function with the signature, without t, its results, and t and
// the parameters as arguments.
func (f *file) passedOn(sig *types.Signature) (params, results string, args []string) {
	var p, r strings.Builder
	args = []string{"t"}
	for i := 1; i < sig.Params().Len(); i++ {
		name := "a" + itoa(i)
		fmt.Fprintf(&p, ", %s ", name)
		f.writeParam(&p, sig, i)
		if sig.Variadic() && i == sig.Params().Len()-1 {
			name += "..."
		}
		args = append(args, name)
	}
	f.writeResults(&r, sig)
	return p.String(), r.String(), args
}

// methodValue returns what stands for a method value of a task function: a start form.
func (r *renderer) methodValue(x *ast.SelectorExpr) ast.Node {
	u := r.file.unit
	s := u.info.Selections[x]
	if s == nil || s.Kind() != types.MethodVal {
		return nil
	}
	method, ok := s.Obj().(*types.Func)
	if !ok || !isTaskSignature(method.Signature()) || r.called[x] {
		return nil
	}
	c := &callee{fn: method, sig: u.info.TypeOf(x).Underlying().(*types.Signature), recv: x.X, path: s.Index()[:len(s.Index())-1]}
	recv := u.receiver(c)
	helper := r.file.valueOf(u.info.TypeOf(recv), c)
	return raw(helper+"("+r.text(recv)+")", x.Pos())
}

// valueOf returns the function that makes the start form of a method value, of receivers of the type.
func (f *file) valueOf(recv types.Type, c *callee) string {
	of := f.typeText(recv)
	typeParams := typeParamsIn(recv, c.sig)
	params := f.typeParamList(typeParams)
	key := "value " + params + of + " " + c.fn.Name()
	for _, h := range f.callees.methods {
		if h.key == key {
			return h.name + f.typeParamNames(typeParams)
		}
	}
	h := &calleeHelper{key: key, name: f.unit.top(lowerFirst(c.fn.Name()) + "ValueIn" + f.fileTag())}
	f.callees.methods = append(f.callees.methods, h)
	passed, results, args := f.passedOn(c.sig)
	call := f.methodCall(c, recv, "recv", args, func() string {
		site := f.unit.top(h.name + "Site")
		f.addSite(site)
		return site
	})
	if results != "" {
		call = "return " + call
	}
	var b strings.Builder
	fmt.Fprintf(&b, "// %s returns the start form of recv.%s.\n", h.name, c.fn.Name())
	fmt.Fprintf(&b, "func %s%s(recv %s) %s {\n", h.name, params, of, f.typeText(c.sig))
	if types.IsInterface(c.fn.Signature().Recv().Type()) {
		fmt.Fprintf(&b, "_ = recv.%s // which panics if recv is nil\n", c.fn.Name())
	}
	fmt.Fprintf(&b, "return %s(func(t *%s%s)%s {\n%s\n})\n}\n\n", f.generated("Literal"), f.imports.use(taskPath, "task")+".T", passed, results, call)
	h.text = b.String()
	return h.name + f.typeParamNames(typeParams)
}

// bindValue binds the method values of a method with a pointer receiver, which plain functions make.
func (f *file) bindValue(b *strings.Builder, fn *function) {
	object := f.unit.info.Defs[fn.decl.Name].(*types.Func)
	of := f.typeText(fn.recv.Type())
	helper := f.valueOf(fn.recv.Type(), &callee{fn: object, sig: types.NewSignatureType(nil, nil, nil, fn.sig.Params(), fn.sig.Results(), fn.sig.Variadic())})
	fmt.Fprintf(b, "%s(func(recv %s) %s { return recv.%s }, %s)\n", f.generated("BindMethodValue"), of, f.typeText(fn.sig), object.Name(), helper)
}

// promotion is a task function that a type has by embedding.
type promotion struct {
	recv   types.Type // the type, or a pointer to it
	method *types.Selection
}

// findPromotions finds the methods that types of the file have by embedding.
func (f *file) findPromotions() {
	for _, d := range f.syntax.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, spec := range decl.Specs {
			o, ok := f.unit.info.Defs[spec.(*ast.TypeSpec).Name].(*types.TypeName)
			if !ok || o.IsAlias() {
				continue
			}
			named, ok := o.Type().(*types.Named)
			if !ok || named.TypeParams().Len() > 0 || types.IsInterface(named) {
				continue
			}
			for _, recv := range []types.Type{types.NewPointer(named), named} {
				for s := range types.NewMethodSet(recv).Methods() {
					if method, ok := s.Obj().(*types.Func); ok && len(s.Index()) > 1 && isTaskSignature(method.Signature()) && f.canName(method.Signature()) {
						f.promotions = append(f.promotions, promotion{recv, s})
					}
				}
			}
		}
	}
}

// canName reports whether the types of the parameters and results can be written down.
func (f *file) canName(sig *types.Signature) bool {
	for _, tuple := range []*types.Tuple{sig.Params(), sig.Results()} {
		for v := range tuple.Variables() {
			if f.unit.isNameable(v.Type()) != "" {
				return false
			}
		}
	}
	return true
}

// bindPromotions binds the methods that types have by embedding.
func (f *file) bindPromotions(b *strings.Builder) {
	for _, p := range f.promotions {
		method := p.method.Obj().(*types.Func)
		of := f.typeText(p.recv)
		recv := raw("recv.("+of+")", token.NoPos)
		f.unit.info.Types[recv] = types.TypeAndValue{Type: p.recv}
		c := &callee{fn: method, sig: p.method.Type().(*types.Signature), recv: recv, path: p.method.Index()[:len(p.method.Index())-1]}
		x := f.unit.receiver(c)
		passed, results, args := f.passedOn(c.sig)
		r := &renderer{fn: &function{}, file: f}
		call := f.methodCall(c, f.unit.info.TypeOf(x), r.text(x), args, func() string {
			named, _ := receiverType(p.recv)
			site := f.unit.top(lowerFirst(named.Obj().Name()) + upperFirst(method.Name()) + "Site")
			f.addSite(site)
			return site
		})
		if results != "" {
			call = "return " + call
		}
		fmt.Fprintf(b, "%s[%s](%q, func(recv any, t *%s%s)%s {\n%s\n})\n", f.generated("BindMethod"), of, method.Name(),
			f.imports.use(taskPath, "task")+".T", passed, results, call)
	}
}
