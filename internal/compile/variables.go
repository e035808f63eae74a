package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// usage is what a declaration and the literals in it do with a variable.
type usage struct {
	owner    ast.Node // the FuncDecl or FuncLit that declares it
	captured bool     // a literal in the owner uses it
	assigned bool     // it, or a part of it, is assigned to after its declaration
	address  bool     // its address may be taken

	// escapes says that a literal other than those which the owner defers captures it, or that its
	// address is taken outside of these.
	escapes bool
}

// isBox reports whether the variable has to stay at one address: then it is a variable on the heap,
// and what is stored at a suspension is a pointer to it.
func (v *usage) isBox() bool { return v != nil && (v.address || v.captured && v.assigned) }

// variables finds what a declaration does with its variables.
type variableFinder struct {
	info *types.Info
	used map[*types.Var]*usage

	// deferring are the functions around that defer a literal which is being looked at.
	deferring map[ast.Node]bool
}

func (u *unit) findVariables(decl *ast.FuncDecl) {
	f := &variableFinder{u.info, u.usage, map[ast.Node]bool{}}
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
			f.declareFields(x, x.Type.Params)
			if x.Type.Results != nil {
				f.declareFields(x, x.Type.Results)
			}
			f.walk(x, x.Body)
			f.markResults(x.Type.Results)
			return false
		case *ast.Ident:
			if o := f.info.Defs[x]; o != nil {
				f.declare(owner, o)
			} else if v := f.variable(x); v != nil && v.owner != owner {
				v.captured = true
				f.seen(v)
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
				f.deferredLiteral(owner, lit)
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
		f.seen(v)
	}
}

// seen notes whether something that outlives the call of the variable's owner may know the variable.
func (f *variableFinder) seen(v *usage) {
	if !f.deferring[v.owner] {
		v.escapes = true
	}
}

// deferredLiteral walks a literal that owner defers.
func (f *variableFinder) deferredLiteral(owner ast.Node, lit *ast.FuncLit) {
	outer := f.deferring[owner]
	f.deferring[owner] = true
	f.walk(owner, lit)
	f.deferring[owner] = outer
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
