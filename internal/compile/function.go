package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// function is a task function: a declaration or a literal.
type function struct {
	unit   *unit
	file   *file
	decl   *ast.FuncDecl
	lit    *ast.FuncLit
	parent *function // of a literal: the function that makes it
	sig    *types.Signature

	display string // as Go names it: session, (*Server).handle, session.func1
	base    string // what names in the output begin with: session, serverHandle, sessionFunc1

	recv       *types.Var
	t          *types.Var
	params     []*types.Var // after t
	results    []*types.Var
	typeParams []*types.TypeParam

	suspends bool // it may; otherwise it has no forms but that of the source
	body     []node
	awaits   []*await
	literals []*function // task literals in it
	captured []*types.Var
	locals   []*types.Var // declared on the top level of the flat form, in order
	isLocal  map[*types.Var]bool
	hasGoto  bool
	consts   []*types.Const // declared on the top level of the flat form

	deferred       []*ast.DeferStmt
	deferredAwaits []*await     // the deferred calls of task functions
	deferrals      []*deferral  // in the order of the source
	saved          []*types.Var // what defer statements keep
	native         bool         // its start form has Go's defer statements
	panicVar       *types.Var   // the function's generated.Panic, if it has deferred calls
	exit           exitNames

	pulled                   []*types.Var          // what its ranges over functions go through; an outer loop is before an inner one
	sharedBoxes, sharedNames map[*types.Var]string // see sharedBox

	names                  map[types.Object]string
	taken                  map[string]bool
	flow                   *flow
	layout                 *layout
	frame, state, heldName string // names of the step form's own variables
	call                   string // the name of a call that is to be launched
}

// isTop reports whether the function's start form is a function of its own: it is no literal in another
// task function.
func (fn *function) isTop() bool { return fn.parent == nil }

func (fn *function) pos() token.Pos {
	if fn.lit != nil {
		return fn.lit.Pos()
	}
	return fn.decl.Name.Pos()
}

func (fn *function) syntax() (*ast.FuncType, *ast.BlockStmt) {
	if fn.lit != nil {
		return fn.lit.Type, fn.lit.Body
	}
	return fn.decl.Type, fn.decl.Body
}

// isTaskPointer reports whether t is *task.T.
func isTaskPointer(t types.Type) bool {
	p, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return false
	}
	n, ok := types.Unalias(p.Elem()).(*types.Named)
	return ok && n.Obj().Name() == "T" && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == taskPath
}

// isTaskSignature reports whether functions of the signature are task functions.
func isTaskSignature(sig *types.Signature) bool {
	return sig != nil && sig.Params().Len() > 0 && isTaskPointer(sig.Params().At(0).Type())
}

// newFunction describes the signature of a task function, whose syntax is decl or lit.
func (u *unit) newFunction(f *file, decl *ast.FuncDecl, lit *ast.FuncLit, parent *function) *function {
	fn := &function{unit: u, file: f, decl: decl, lit: lit, parent: parent,
		sharedNames: map[*types.Var]string{}, isLocal: map[*types.Var]bool{}, names: map[types.Object]string{}, taken: map[string]bool{}}
	if lit != nil && parent == nil {
		fn.sig = u.literalSignature(lit)
	} else if lit != nil {
		fn.sig = u.literalSignature(lit)
		parent.literals = append(parent.literals, fn)
		number := len(parent.literals)
		fn.display = parent.display + ".func" + strconv.Itoa(number)
		fn.base = parent.base + "Func" + strconv.Itoa(number)
		fn.typeParams = parent.typeParams
	} else {
		object := u.info.Defs[decl.Name].(*types.Func)
		fn.sig = object.Type().(*types.Signature)
		u.functions[object] = fn
		fn.nameDeclared(object)
	}
	fn.t = fn.sig.Params().At(0)
	fn.params = slices.Collect(fn.sig.Params().Variables())[1:]
	fn.results = slices.Collect(fn.sig.Results().Variables())
	u.order = append(u.order, fn)
	return fn
}

func (fn *function) nameDeclared(object *types.Func) {
	fn.display, fn.base = object.Name(), object.Name()
	fn.recv = fn.sig.Recv()
	if fn.recv != nil {
		named, pointer := receiverType(fn.recv.Type())
		fn.display = named.Obj().Name() + "." + object.Name()
		if pointer {
			fn.display = "(*" + named.Obj().Name() + ")." + object.Name()
		}
		fn.base = lowerFirst(named.Obj().Name()) + upperFirst(object.Name())
		fn.typeParams = slices.Collect(fn.sig.RecvTypeParams().TypeParams())
	} else {
		fn.base = lowerFirst(fn.base)
		fn.typeParams = slices.Collect(fn.sig.TypeParams().TypeParams())
	}
}

// receiverType returns the named type of a receiver, and whether the receiver is a pointer to it.
func receiverType(t types.Type) (*types.Named, bool) {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		return types.Unalias(p.Elem()).(*types.Named), true
	}
	n, _ := t.(*types.Named)
	return n, false
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// lowerFirst makes a name unexported: ID becomes id, HTTPServer becomes httpServer.
func lowerFirst(s string) string {
	upper := 0
	for _, r := range s {
		if !unicode.IsUpper(r) {
			break
		}
		upper += utf8.RuneLen(r)
	}
	switch {
	case upper == 0:
		return s
	case upper == len(s):
		return strings.ToLower(s)
	case upper > 1:
		_, last := utf8.DecodeLastRuneInString(s[:upper])
		return strings.ToLower(s[:upper-last]) + s[upper-last:]
	}
	return strings.ToLower(s[:upper]) + s[upper:]
}

var errorType = types.Universe.Lookup("error").Type()

// mayFail reports whether the last result is of a type parameter that may be error: in an instance in which that is error, it
// goes the way of errors, and only then. So it is for whoever calls such an instance, or a function of that
// type. The output decides when it runs.
func mayFail(sig *types.Signature) bool {
	n := sig.Results().Len()
	if n == 0 {
		return false
	}
	p, ok := types.Unalias(sig.Results().At(n - 1).Type()).(*types.TypeParam)
	return ok && types.Satisfies(errorType, p.Constraint().Underlying().(*types.Interface))
}

// splitResults returns the result types without a last error, and whether there is such a last one.
func splitResults(sig *types.Signature) (values []types.Type, fails bool) {
	for v := range sig.Results().Variables() {
		values = append(values, v.Type())
	}
	if n := len(values); n > 0 && types.Identical(values[n-1], errorType) {
		return values[:n-1], true
	}
	return values, false
}
