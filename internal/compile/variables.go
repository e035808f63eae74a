package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// usage is what a declaration and the literals in it do with a variable.
type usage struct {
	owner    ast.Node // the FuncDecl or FuncLit that declares it
	captured bool     // a literal in the owner uses it
	assigned bool     // it, or a part of it, is assigned to after its declaration
	address  bool     // its address may be taken

	// escapes says that something that may outlive a step knows its address: a literal other than those
	// which the owner defers or calls in place, or a pointer that is taken outside of those it defers.
	escapes bool

	inPlace []*ast.FuncLit // literals that are called in place and capture it
}

// isBox reports whether the variable has to stay at one address: then it is a variable on the heap,
// and what is stored at a suspension is a pointer to it.
func (v *usage) isBox() bool { return v != nil && (v.address || v.captured && v.assigned) }

// variables finds what a declaration does with its variables.
type variableFinder struct {
	info *types.Info
	used map[*types.Var]*usage

	around []literalUse // the literals around what is being looked at, from outside to inside
}

// literalUse is a literal that is being looked at.
type literalUse struct {
	lit *ast.FuncLit
	in  ast.Node // the function that it is in
	how literalSort
}

type literalSort uint8

const (
	anyLiteral      literalSort = iota
	deferredLiteral             // it is deferred
	inPlaceLiteral              // it is called in place, by a function of package task
)

func (u *unit) findVariables(decl *ast.FuncDecl) {
	f := &variableFinder{info: u.info, used: u.usage}
	f.declareFields(decl, decl.Recv)
	f.declareFields(decl, decl.Type.Params)
	f.declareFields(decl, decl.Type.Results)
	f.walk(decl, decl.Body)
}

func (f *variableFinder) declareFields(owner ast.Node, fields *ast.FieldList) {
	if fields == nil {
		return
	}
	for _, field := range fields.List {
		for _, name := range field.Names {
			f.declare(owner, f.info.Defs[name])
		}
	}
}

func (f *variableFinder) declare(owner ast.Node, o types.Object) {
	if v, ok := o.(*types.Var); ok && !v.IsField() {
		f.used[v] = &usage{owner: owner}
	}
}

func (f *variableFinder) walk(owner ast.Node, n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			f.literal(owner, x, anyLiteral)
			return false
		case *ast.Ident:
			if o := f.info.Defs[x]; o != nil {
				f.declare(owner, o)
			} else if v := f.variable(x); v != nil && v.owner != owner {
				v.captured = true
				f.seen(v, false)
			}
		case *ast.CallExpr:
			if lit := inPlaceCall(f.info, x); lit != nil {
				f.walk(owner, x.Fun)
				for _, a := range x.Args[:len(x.Args)-1] {
					f.walk(owner, a)
				}
				f.literal(owner, lit, inPlaceLiteral)
				return false
			}
		case *ast.CaseClause:
			f.declare(owner, f.info.Implicits[x])
		case *ast.AssignStmt:
			for _, l := range x.Lhs {
				f.assigned(l)
			}
		case *ast.IncDecStmt:
			f.assigned(x.X)
		case *ast.RangeStmt:
			if x.Tok == token.ASSIGN {
				f.assigned(x.Key)
				f.assigned(x.Value)
			}
		case *ast.UnaryExpr:
			if x.Op == token.AND {
				f.addressOf(x.X)
			}
		case *ast.SliceExpr:
			if _, ok := f.info.TypeOf(x.X).Underlying().(*types.Array); ok {
				f.addressOf(x.X)
			}
		case *ast.SelectorExpr:
			f.methodSelected(x)
		case *ast.DeferStmt:
			f.deferredMethod(x.Call)
			if lit, ok := ast.Unparen(x.Call.Fun).(*ast.FuncLit); ok {
				f.literal(owner, lit, deferredLiteral)
				for _, a := range x.Call.Args {
					f.walk(owner, a)
				}
				return false
			}
		}
		return true
	})
	if d, ok := owner.(*ast.FuncDecl); ok {
		f.markResults(d.Type.Results)
	}
}

// markResults says that named results are assigned to: each return statement does.
func (f *variableFinder) markResults(fields *ast.FieldList) {
	if fields == nil {
		return
	}
	for _, field := range fields.List {
		for _, name := range field.Names {
			if v, ok := f.info.Defs[name].(*types.Var); ok && f.used[v] != nil {
				f.used[v].assigned = true
			}
		}
	}
}

func (f *variableFinder) variable(id *ast.Ident) *usage {
	v, _ := f.info.Uses[id].(*types.Var)
	return f.used[v]
}

// root returns the variable that an expression is the whole or a part of, without following a
// pointer.
func (f *variableFinder) root(e ast.Expr) *usage {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		return f.variable(x)
	case *ast.SelectorExpr:
		s := f.info.Selections[x]
		if s == nil || s.Kind() != types.FieldVal || s.Indirect() {
			return nil
		}
		return f.root(x.X)
	case *ast.IndexExpr:
		if _, ok := f.info.TypeOf(x.X).Underlying().(*types.Array); ok {
			return f.root(x.X)
		}
	}
	return nil
}

func (f *variableFinder) assigned(e ast.Expr) {
	if e == nil {
		return
	}
	if v := f.root(e); v != nil {
		v.assigned = true
	}
}

func (f *variableFinder) addressOf(e ast.Expr) {
	if v := f.root(e); v != nil {
		v.address = true
		f.seen(v, true)
	}
}

// seen notes whether something that may outlive a step knows the variable. pointer says that its address
// is taken; otherwise a literal captures it.
func (f *variableFinder) seen(v *usage, pointer bool) {
	first := slices.IndexFunc(f.around, func(l literalUse) bool { return l.in == v.owner })
	if first < 0 {
		v.escapes = true // pointer: it is the owner's own
		return
	}
	inside := f.around[first:]
	if inside[0].how == deferredLiteral {
		return // when it runs, the owner does not wait any more
	}
	if pointer {
		v.escapes = true
		return
	}
	for i, l := range inside {
		switch {
		case l.how == inPlaceLiteral && !slices.Contains(v.inPlace, l.lit):
			v.inPlace = append(v.inPlace, l.lit)
		case l.how == anyLiteral, l.how == deferredLiteral && i+1 < len(inside):
			v.escapes = true
		}
	}
}

// literal walks a literal that owner has.
func (f *variableFinder) literal(owner ast.Node, lit *ast.FuncLit, how literalSort) {
	f.around = append(f.around, literalUse{lit, owner, how})
	f.declareFields(lit, lit.Type.Params)
	f.declareFields(lit, lit.Type.Results)
	f.walk(lit, lit.Body)
	f.markResults(lit.Type.Results)
	f.around = f.around[:len(f.around)-1]
}

// callsInPlace are the functions of package task that call their last argument in place.
var callsInPlace = map[string]bool{"Timeout": true, "Deadline": true, "Shield": true, "WithAllocator": true}

// inPlaceCall returns the literal that a function of package task calls in place, if the call is one of
// those with a literal.
func inPlaceCall(info *types.Info, call *ast.CallExpr) *ast.FuncLit {
	x, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || len(call.Args) < 2 {
		return nil
	}
	f, ok := info.Uses[x.Sel].(*types.Func)
	if !ok || !inTask(f) || f.Signature().Recv() != nil || !callsInPlace[f.Name()] {
		return nil
	}
	lit, _ := ast.Unparen(call.Args[len(call.Args)-1]).(*ast.FuncLit)
	return lit
}

// methodSelected marks a variable whose method with a pointer receiver is called or taken.
func (f *variableFinder) methodSelected(x *ast.SelectorExpr) {
	s := f.info.Selections[x]
	if s == nil || s.Kind() != types.MethodVal || s.Indirect() {
		return
	}
	method, ok := s.Obj().(*types.Func)
	if !ok || method.Signature().Recv() == nil {
		return
	}
	_, isPointer := types.Unalias(method.Signature().Recv().Type()).(*types.Pointer)
	if _, already := types.Unalias(f.info.TypeOf(x.X)).Underlying().(*types.Pointer); !isPointer || already {
		return
	}
	if keepsNoAddress(method) {
		if v := f.root(x.X); v != nil {
			v.assigned = true
		}
		return
	}
	f.addressOf(x.X)
}

// keepsNoAddress reports whether the method is one of task.Group's: none of them keeps the address
// of the group, so a group that is a local variable may be stored by value.
func keepsNoAddress(method *types.Func) bool {
	named, _ := receiverType(method.Signature().Recv().Type())
	return inTask(method) && named != nil && named.Obj().Name() == "Group"
}
