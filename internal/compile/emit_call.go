package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"unicode"
)

// callees are what a file's calls of function values, functions of other packages, and methods of
// interfaces and of other packages' types go through. Each finds the start form when the program
// runs, and calls the function on a goroutine if there is none.
type callees struct {
	values   []*calleeHelper
	methods  []*calleeHelper
	imported []*importedStart
	sites    []string
}

// calleeHelper is a function of the output that finds a start form, for one signature or method.
type calleeHelper struct {
	key  string // what it is for
	name string
	text string // the declaration
}

// importedStart is a variable with the start form of another package's function.
type importedStart struct{ key, name, value string }

// fileTag returns the file's name as a part of names.
func (f *file) fileTag() string {
	base := strings.TrimSuffix(filepath.Base(f.name), ".go")
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(base, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(upperFirst(word))
	}
	return b.String()
}

// callText returns the text of a call that may suspend.
func (e *emitter) callText(a *await) string {
	call := *a.call
	c := &a.callee
	f := e.file
	if c.fn != nil && isGoexit(c.fn) {
		return f.generated("Goexit") + "(" + e.fn.nameOf(e.fn.t) + ")"
	}
	switch c.kind {
	case startCallee:
		target := f.unit.functions[c.fn.Origin()]
		call.Fun = raw(target.startName()+e.typeArgs(a), call.Fun.Pos())
		if c.recv != nil {
			call.Args = append([]ast.Expr{f.unit.receiver(c)}, call.Args...)
		}
	case importedCallee:
		call.Fun = raw(f.importedStart(e.text(call.Fun), c), call.Fun.Pos())
	case valueCallee:
		call.Fun = raw(f.valueHelper(c.sig)+"("+e.text(call.Fun)+")", call.Fun.Pos())
	case interfaceCallee:
		site := e.fn.base + "Site" + itoa(a.point)
		f.addSite(site)
		helper := f.methodHelper(f.unit.info.TypeOf(c.recv), c)
		call.Fun = raw(helper+"(&"+site+", "+e.text(c.recv)+")", call.Fun.Pos())
		call.Args = append([]ast.Expr{c.recv}, call.Args...)
	}
	return e.text(&call)
}

func (fn *function) startName() string { return fn.base + "Start" }

// receiver returns the receiver of a method call as an argument: embedded fields spelled out, its
// address taken or followed.
func (u *unit) receiver(c *callee) ast.Expr {
	x := c.recv
	t := u.info.TypeOf(x)
	for _, i := range c.path {
		field := structOf(t).Field(i)
		x = &ast.SelectorExpr{X: x, Sel: &ast.Ident{Name: field.Name(), NamePos: x.Pos()}}
		t = field.Type()
		u.info.Types[x] = types.TypeAndValue{Type: t}
	}
	recv := c.fn.Signature().Recv().Type()
	if types.IsInterface(recv) {
		return x
	}
	_, wants := types.Unalias(recv).(*types.Pointer)
	p, has := t.Underlying().(*types.Pointer)
	switch {
	case wants && !has:
		x = &ast.UnaryExpr{Op: token.AND, OpPos: x.Pos(), X: x}
		u.info.Types[x] = types.TypeAndValue{Type: types.NewPointer(t)}
	case !wants && has:
		x = &ast.StarExpr{Star: x.Pos(), X: x}
		u.info.Types[x] = types.TypeAndValue{Type: p.Elem()}
	}
	return x
}

func structOf(t types.Type) *types.Struct {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	return t.Underlying().(*types.Struct)
}

func (f *file) addSite(name string) {
	for _, s := range f.callees.sites {
		if s == name {
			return
		}
	}
	f.callees.sites = append(f.callees.sites, name)
}

// importedStart returns the variable with the start form of another package's function, whose name in
// the output is fun.
func (f *file) importedStart(fun string, c *callee) string {
	for _, i := range f.callees.imported {
		if i.key == fun {
			return i.name
		}
	}
	if mentionsTypeParam(c.sig) {
		return f.valueHelper(c.sig) + "(" + fun + ")"
	}
	name := f.unit.top(lowerFirst(c.fn.Pkg().Name()) + upperFirst(c.fn.Name()) + "In" + f.fileTag())
	f.callees.imported = append(f.callees.imported, &importedStart{fun, name, f.valueHelper(c.sig) + "(" + fun + ")"})
	return name
}

// valueHelper returns the function that finds the start form of function values of the signature.
func (f *file) valueHelper(sig *types.Signature) string {
	signature := f.typeText(sig)
	params := f.typeParamList(typeParamsIn(sig))
	key := params + signature
	for _, h := range f.callees.values {
		if h.key == key {
			return h.name
		}
	}
	h := &calleeHelper{key: key, name: f.unit.top("startOf" + f.fileTag())}
	f.callees.values = append(f.callees.values, h)
	var b strings.Builder
	fmt.Fprintf(&b, "// %s returns the start form of fn, or a function that calls fn on a goroutine.\n", h.name)
	fmt.Fprintf(&b, "func %s%s(fn %s) %s {\n", h.name, params, signature, signature)
	fmt.Fprintf(&b, "if start := %s(fn); start != nil {\nreturn start\n}\n", f.generated("StartOf"))
	fmt.Fprintf(&b, "return %s\n}\n\n", f.unboundCall("", "fn", sig))
	h.text = b.String()
	return h.name
}

// methodHelper returns the function that finds the start form of a method of receivers of the type, with its
// type arguments, which Go does not infer from an interface.
func (f *file) methodHelper(recv types.Type, c *callee) string {
	of := f.typeText(recv)
	typeParams := typeParamsIn(recv, c.sig)
	params := f.typeParamList(typeParams)
	key := params + of + " " + c.fn.Name()
	for _, h := range f.callees.methods {
		if h.key == key {
			return h.name + f.typeParamNames(typeParams)
		}
	}
	h := &calleeHelper{key: key, name: f.unit.top(lowerFirst(c.fn.Name()) + "Of" + f.fileTag())}
	f.callees.methods = append(f.callees.methods, h)
	signature := strings.Replace(f.typeText(c.sig), "func(", "func(any, ", 1)
	var b strings.Builder
	fmt.Fprintf(&b, "// %s returns the start form of the method %s of recv, or a function that calls it on a goroutine.\n", h.name, c.fn.Name())
	fmt.Fprintf(&b, "func %s%s(site *%s, recv %s) %s {\n", h.name, params, f.generated("Site"), of, signature)
	fmt.Fprintf(&b, "if start := %s[%s](site, recv, %q); start != nil {\nreturn start\n}\n", f.generated("Method"), signature, c.fn.Name())
	fmt.Fprintf(&b, "return %s\n}\n\n", f.unboundCall("_ any, ", "recv."+c.fn.Name(), c.sig))
	h.text = b.String()
	return h.name + f.typeParamNames(typeParams)
}

// unboundCall returns a literal that calls a function that has no start form. first is a parameter
// before t.
func (f *file) unboundCall(first, fun string, sig *types.Signature) string {
	values, fails := splitResults(sig)
	t := "*" + f.imports.use(taskPath, "task") + ".T"
	var params, results strings.Builder
	args := []string{"t"}
	for i := 1; i < sig.Params().Len(); i++ {
		name := "a" + itoa(i)
		fmt.Fprintf(&params, ", %s ", name)
		f.writeParam(&params, sig, i)
		if sig.Variadic() && i == sig.Params().Len()-1 {
			name += "..."
		}
		args = append(args, name)
	}
	f.writeResults(&results, sig)
	call := fun + "(" + strings.Join(args, ", ") + ")"
	r, result := "r", "struct{}"
	var to, from []string
	switch len(values) {
	case 0:
		r = "_"
	case 1:
		result = f.typeText(values[0])
		to, from = []string{"*r"}, []string{"r"}
	default:
		var fields strings.Builder
		for i, v := range values {
			fmt.Fprintf(&fields, "%s %s\n", resultField(i), f.typeText(v))
			to = append(to, "r."+resultField(i))
			from = append(from, "r."+resultField(i))
		}
		result = "struct {\n" + fields.String() + "}"
	}
	var body string
	switch {
	case len(values) == 0 && fails:
		body = "return " + call
	case len(values) == 0:
		body = call + "\nreturn nil"
	case fails:
		body = "var err error\n" + strings.Join(to, ", ") + ", err = " + call + "\nreturn err"
	case mayFail(sig):
		last := "&" + to[len(to)-1]
		if len(values) == 1 {
			last = r
		}
		body = strings.Join(to, ", ") + " = " + call + "\nerr, _ := " + f.generated("AsError") + "(" + last + ")\nreturn err"
	default:
		body = strings.Join(to, ", ") + " = " + call + "\nreturn nil"
	}
	onGoroutine := fmt.Sprintf("%s(t, func(t %s, %s *%s) error {\n%s\n})", f.generated("OnGoroutine"), t, r, result, body)
	var rest string
	switch {
	case len(values) == 0 && fails:
		rest = "_, err := " + onGoroutine + "\nreturn err"
	case len(values) == 0:
		rest = "_, err := " + onGoroutine + "\n" + f.generated("NoError") + "(err)"
	case len(values) == 1 && fails:
		rest = "return " + onGoroutine
	case fails:
		rest = "r, err := " + onGoroutine + "\nreturn " + strings.Join(from, ", ") + ", err"
	case mayFail(sig):
		rest = "r, err := " + onGoroutine + "\n" + f.generated("SetLast") + "(&" + from[len(from)-1] + ", err)\nreturn " + strings.Join(from, ", ")
	default:
		rest = "r, err := " + onGoroutine + "\n" + f.generated("NoError") + "(err)\nreturn " + strings.Join(from, ", ")
	}
	return fmt.Sprintf("func(%st %s%s)%s {\n%s\n}", first, t, params.String(), results.String(), rest)
}

// writeCallees writes what the calls go through, and initializes variables in init.
func (f *file) writeCallees(b, init *strings.Builder) {
	for _, s := range f.callees.sites {
		fmt.Fprintf(b, "var %s %s\n", s, f.generated("Site"))
	}
	for _, i := range f.callees.imported {
		fmt.Fprintf(b, "// %s is the start form of %s.\nvar %s = %s\n\n", i.name, i.key, i.name, i.value)
	}
	for _, list := range [][]*calleeHelper{f.callees.values, f.callees.methods} {
		for _, h := range list {
			b.WriteString(h.text)
		}
	}
}

// bindMethod binds a method for calls through interfaces, of values and of pointers.
func (f *file) bindMethod(b *strings.Builder, fn *function) {
	named, isPointer := receiverType(fn.recv.Type())
	if isPointer && f.canName(fn.sig) {
		f.bindValue(b, fn)
	}
	f.bindMethodOf(b, fn, types.NewPointer(named), !isPointer, fn.sig, "")
	if !isPointer {
		f.bindMethodOf(b, fn, named, false, fn.sig, "")
	}
}

// bindMethodOf binds a method for receivers of one type. Its signature is sig, and typeArgs are those
// of the receiver.
func (f *file) bindMethodOf(b *strings.Builder, fn *function, recv types.Type, follows bool, sig *types.Signature, typeArgs string) {
	of := f.typeText(recv)
	arg := "recv.(" + of + ")"
	if follows {
		arg = "*" + arg
	}
	args := []string{arg, "t"}
	var params, results strings.Builder
	for i := range fn.params {
		name := "a" + itoa(i+1)
		fmt.Fprintf(&params, ", %s ", name)
		f.writeParam(&params, sig, i+1)
		if sig.Variadic() && i == len(fn.params)-1 {
			name += "..."
		}
		args = append(args, name)
	}
	f.writeResults(&results, sig)
	call := fn.startName() + typeArgs + "(" + strings.Join(args, ", ") + ")"
	if !fn.suspends {
		call = strings.Replace(arg, "*recv", "(*recv", 1)
		if call != arg {
			call += ")"
		}
		call += "." + fn.decl.Name.Name + "(" + strings.Join(args[1:], ", ") + ")"
	}
	if len(fn.results) > 0 {
		call = "return " + call
	}
	fmt.Fprintf(b, "%s[%s](%q, func(recv any, t *%s%s)%s {\n%s\n})\n", f.generated("BindMethod"), of, fn.decl.Name.Name,
		f.imports.use(taskPath, "task")+".T", params.String(), results.String(), call)
}
