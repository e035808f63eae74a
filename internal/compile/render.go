package compile

import (
	"bytes"
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"slices"
	"strconv"
)

// renderer writes syntax of the source as text of the output, in one of a function's two forms.
type renderer struct {
	fn   *function
	file *file
	// pointers are the variables that are pointers here: boxes, in the step form.
	pointers varSet
	inStep   bool
	isInner  bool                       // in a literal that is not a task function
	called   map[*ast.SelectorExpr]bool // methods that are called, and are no method values

	jumps map[*ast.BranchStmt]*jump                      // those that leave the statement
	jump  func(j *jump, isPlain bool) string             // the text of such a jump; a plain one has no label in the source
	ret   func(results []ast.Expr, pos token.Pos) string // the text of a return statement, or nil if it stays
}

// raw is a piece of text in a tree.
func raw(text string, pos token.Pos) *ast.Ident { return &ast.Ident{Name: text, NamePos: pos} }

// text returns the text of a statement or expression.
func (r *renderer) text(n ast.Node) string {
	return printNode(r.file.unit.fset, rewrite(r.file.unit.info, n, r.replace))
}

func printNode(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	config := printer.Config{Mode: printer.TabIndent, Tabwidth: 8}
	if err := config.Fprint(&b, fset, n); err != nil {
		panic("compile: " + err.Error())
	}
	return b.String()
}

func (r *renderer) replace(n ast.Node) ast.Node {
	info := r.file.unit.info
	switch n := n.(type) {
	case *ast.Ident:
		return r.ident(n)
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			if v := r.pointer(n.X); v != nil {
				return raw(r.fn.nameOf(v), n.Pos())
			}
		}
	case *ast.SelectorExpr:
		if value := r.methodValue(n); value != nil {
			return value
		}
		// Only what is before the dot has a name of the output.
		if v := r.pointer(n.X); v != nil && isStructLike(v.Type()) {
			return &ast.SelectorExpr{X: raw(r.fn.nameOf(v), n.Pos()), Sel: n.Sel}
		}
		if id, ok := n.X.(*ast.Ident); ok {
			if p, ok := info.Uses[id].(*types.PkgName); ok {
				return &ast.SelectorExpr{X: raw(r.file.imports.use(p.Imported().Path(), p.Imported().Name()), n.Pos()), Sel: n.Sel}
			}
		}
		x := rewrite(info, n.X, r.replace)
		if x == n.X {
			return n
		}
		return &ast.SelectorExpr{X: x, Sel: n.Sel}
	case *ast.IndexExpr:
		return r.localInstance(n, n.X)
	case *ast.IndexListExpr:
		return r.localInstance(n, n.X)
	case *ast.FuncLit:
		return r.literal(n)
	case *ast.CallExpr:
		if x, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok {
			if r.called == nil {
				r.called = map[*ast.SelectorExpr]bool{}
			}
			r.called[x] = true
		}
		return r.recovered(n)
	case *ast.ReturnStmt:
		if r.ret != nil {
			return &ast.ExprStmt{X: raw(r.ret(n.Results, n.Pos()), n.Pos())}
		}
	case *ast.BranchStmt:
		if j := r.jumps[n]; j != nil && r.jump != nil {
			return &ast.ExprStmt{X: raw(r.jump(j, n.Label == nil), n.Pos())}
		}
	case *ast.TypeSwitchStmt:
		return r.typeSwitch(n)
	case *ast.DeclStmt:
		if d, ok := n.Decl.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			return &ast.EmptyStmt{Semicolon: n.Pos(), Implicit: true} // declared outside
		}
	}
	return nil
}

// pointer returns the variable that the expression is, if that is a pointer here.
func (r *renderer) pointer(e ast.Expr) *types.Var {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if v, ok := r.file.unit.info.Uses[id].(*types.Var); ok && r.pointers[v] {
			return v
		}
	}
	return nil
}

// isStructLike reports whether a selector works on a pointer to the type as it does on the type.
func isStructLike(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Interface:
		return false
	}
	_, isParam := types.Unalias(t).(*types.TypeParam)
	return !isParam
}

func (r *renderer) ident(id *ast.Ident) ast.Node {
	info := r.file.unit.info
	o := info.Uses[id]
	if o == nil {
		o = info.Defs[id]
	}
	switch o := o.(type) {
	case nil:
	case *types.Var:
		if r.pointers[o] {
			return &ast.StarExpr{Star: id.Pos(), X: raw(r.fn.nameOf(o), id.Pos())}
		}
		if name := r.fn.nameOf(o); name != "" {
			return raw(name, id.Pos())
		}
	case *types.TypeName:
		if name := r.file.localTypeText(o, nil); name != "" {
			return raw(name, id.Pos())
		}
	case *types.PkgName:
		return raw(r.file.imports.use(o.Imported().Path(), o.Imported().Name()), id.Pos())
	case *types.Const:
		if name := r.fn.names[o]; name != "" {
			return raw(name, id.Pos())
		}
		if r.fn.nameOf(o) != "" { // of a function around, whose step form is another function
			return raw(r.file.constantValue(o), id.Pos())
		}
	}
	if o != nil && o.Pkg() != nil && o.Pkg() != r.file.unit.types && o.Parent() == o.Pkg().Scope() {
		return raw(r.file.imports.use(o.Pkg().Path(), o.Pkg().Name())+"."+o.Name(), id.Pos()) // imported with a dot
	}
	return id
}

// typeSwitch names the variable of a type switch that stays as it is: each clause has one of its
// own, and all have the same name in the source.
func (r *renderer) typeSwitch(n *ast.TypeSwitchStmt) ast.Node {
	assign, ok := n.Assign.(*ast.AssignStmt)
	if !ok {
		return nil
	}
	names := map[string]bool{}
	for _, c := range n.Body.List {
		if v, ok := r.file.unit.info.Implicits[c].(*types.Var); ok {
			if name := r.fn.nameOf(v); name != "" {
				names[name] = true
			}
		}
	}
	name := assign.Lhs[0].(*ast.Ident).Name
	if len(names) == 0 || len(names) == 1 && names[name] {
		return nil
	}
	// The clauses' variables were renamed: give all of them the same new name.
	for _, c := range n.Body.List {
		if v, ok := r.file.unit.info.Implicits[c].(*types.Var); ok {
			if renamed := r.fn.nameOf(v); renamed != name {
				name = renamed
				break
			}
		}
	}
	for _, c := range n.Body.List {
		if v, ok := r.file.unit.info.Implicits[c].(*types.Var); ok {
			r.fn.names[v] = name
		}
	}
	assigned := *assign
	assigned.Lhs = []ast.Expr{raw(name, assign.Pos())}
	assigned.Rhs = []ast.Expr{rewrite(r.file.unit.info, assign.Rhs[0], r.replace)}
	copied := *n
	copied.Assign = &assigned
	copied.Init = rewriteStmt(r, n.Init)
	copied.Body = rewrite(r.file.unit.info, n.Body, r.replace)
	return &copied
}

func rewriteStmt(r *renderer, s ast.Stmt) ast.Stmt {
	if s == nil {
		return nil
	}
	return rewrite(r.file.unit.info, s, r.replace)
}

// literal writes a function literal: a task function's start form, or the literal as it is.
func (r *renderer) literal(lit *ast.FuncLit) ast.Node {
	if fn := r.file.unit.literals[lit]; fn != nil {
		return raw(r.file.startLiteral(fn, r.pointers), lit.Pos())
	}
	inner := *r
	inner.jumps, inner.jump, inner.ret, inner.isInner = nil, nil, nil, true
	body := rewrite(r.file.unit.info, lit.Body, inner.replace)
	typ := rewrite(r.file.unit.info, lit.Type, inner.replace)
	return &ast.FuncLit{Type: typ, Body: body}
}

// copies returns the variables of the function that literals in the syntax capture: values that
// nobody assigns to, and pointers to boxes. In the step form one variable serves all iterations of
// a loop, so a literal gets a copy of its own.
func (r *renderer) copies(ns ...ast.Node) (vs []*types.Var) {
	if !r.inStep {
		return nil
	}
	for _, n := range ns {
		if n == nil {
			continue
		}
		ast.Inspect(n, func(n ast.Node) bool {
			lit, ok := n.(*ast.FuncLit)
			if !ok {
				return true
			}
			ast.Inspect(lit, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					v, ok := r.file.unit.info.Uses[id].(*types.Var)
					if ok && r.fn.isLocal[v] && !slices.Contains(vs, v) {
						vs = append(vs, v)
					}
				}
				return true
			})
			return false
		})
	}
	slices.SortFunc(vs, r.fn.byDeclaration)
	return vs
}

func resultField(i int) string { return "R" + strconv.Itoa(i) }

// zero returns the text of the type's zero value.
func (f *file) zero(t types.Type) string {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch info := u.Info(); {
		case info&types.IsBoolean != 0:
			return "false"
		case info&types.IsString != 0:
			return `""`
		case info&types.IsNumeric != 0:
			return "0"
		}
	case *types.Struct, *types.Array:
		return f.typeText(t) + "{}"
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return "*new(" + f.typeText(t) + ")"
	}
	return "nil"
}
