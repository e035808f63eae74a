package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/printer"
	"go/token"
	"go/types"
	"hash/fnv"
	"slices"

	"golang.org/x/tools/go/ast/astutil"
)

// A program is rewritten as follows. Functions, methods and literals get a parameter of type *task.T, so
// far as nothing forbids it: their type must be nobody's business but their callers', and those must have
// a T to pass on. In these functions, T.Yield stands before statements, and operands of expressions are
// arguments of a task function that yields and returns them. So there is a suspension everywhere, and
// frames in the middle of expressions. Which statements and operands these are is chosen by a hash of
// their position.

// Names that the output has and no program.
const (
	nameT    = "t__"
	nameKeep = "keep__"
	nameMain = "main__"
	nameRun  = "Run__"
	nameTask = "task__"
)

// keepText is the task function that operands go through, and what the program is launched by.
const keepText = `
func ` + nameKeep + `[V any](t *` + nameTask + `.T, v V) V {
	t.Yield()
	return v
}

// ` + nameRun + ` is the program.
func ` + nameRun + `(t *` + nameTask + `.T) { ` + nameMain + `(t) }
`

// Paths of packages that the output imports.
const (
	taskPath     = "github.com/framearena/framearena/task"
	minitestPath = "github.com/framearena/framearena/internal/compile/corpus/minitest"
)

// level is how much is rewritten.
type level int

const (
	functionsOnly level = iota // functions, and literals that are called where they stand, or by the name of a variable
	methodsToo                 // methods that no interface has, too
	interfacesToo              // methods of interfaces, too
)

// rewriter rewrites a package.
type rewriter struct {
	fset  *token.FileSet
	files []*ast.File
	pkg   *types.Package
	info  *types.Info
	level level
	plain map[string]bool // functions that get no T

	decls map[*types.Func]*ast.FuncDecl // with a body
	bound map[*types.Var]*ast.FuncLit   // variables that are this literal, and never anything else

	has     map[ast.Node]bool     // *ast.FuncDecl and *ast.FuncLit that get a T
	within  map[ast.Node]ast.Node // the function that a literal is in; nil: none
	defers  map[ast.Node]bool     // literals in defer statements
	methods map[string]bool       // names of methods that interfaces of other packages have
	comms   map[ast.Node]bool     // statements of select clauses

	// groups has, by name, the methods of interfaces of the package, and those of the same name of its
	// types: either all of them get a T or none does. The key of a group in has is its identifier.
	groups map[string]*group
}

// group is the methods of one name, of which an interface has some.
type group struct {
	node    *ast.Ident
	members []*ast.FuncDecl
	types   []*ast.FuncType // in interfaces
}

// Counts says how much of a program was rewritten.
type Counts struct{ Functions, Plain, Yields, Operands int }

// rewrite changes the syntax of a main package into that of the package with the given name. It returns
// the text.
func rewrite(fset *token.FileSet, files []*ast.File, pkg *types.Package, info *types.Info, name string, l level, plain map[string]bool) ([]sourceFile, Counts, error) {
	r := &rewriter{fset: fset, files: files, pkg: pkg, info: info, level: l, plain: plain,
		decls: map[*types.Func]*ast.FuncDecl{}, bound: map[*types.Var]*ast.FuncLit{}, groups: map[string]*group{},
		has: map[ast.Node]bool{}, within: map[ast.Node]ast.Node{}, defers: map[ast.Node]bool{}, methods: map[string]bool{}, comms: map[ast.Node]bool{}}
	r.findInterfaces()
	for _, f := range files {
		r.findCandidates(f)
	}
	r.dropThoseThatCannot()
	var counts Counts
	for n, is := range r.has {
		switch _, isGroup := n.(*ast.Ident); {
		case isGroup:
		case is:
			counts.Functions++
		default:
			counts.Plain++
		}
	}
	for _, f := range files {
		r.rewriteCallsAndOperands(f, &counts)
	}
	r.rewriteFunctions(&counts)
	var out []sourceFile
	for n, f := range files {
		f.Name.Name = name
		constraint := buildLine(f)
		f.Comments = nil
		text := constraint
		f.Doc = nil
		if usesTask(f) {
			astutil.AddNamedImport(fset, f, nameTask, taskPath)
		}
		b := bytes.NewBufferString(text)
		mode := printer.UseSpaces | printer.TabIndent
		if name == "main" {
			mode |= printer.SourcePos
		}
		if err := (&printer.Config{Mode: mode, Tabwidth: 8}).Fprint(b, fset, f); err != nil {
			return nil, counts, err
		}
		if n == len(files)-1 {
			if !usesTask(f) {
				return nil, counts, errors.New("main has no T")
			}
			b.WriteString(keepText)
		}
		out = append(out, sourceFile{outputName(fset.Position(f.Package).Filename), b.Bytes()})
	}
	return out, counts, nil
}

// buildLine returns the file's build constraint, which also says what version of Go it is for.
func buildLine(f *ast.File) string {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if c.Pos() < f.Package && constraint.IsGoBuild(c.Text) {
				return c.Text + "\n\n"
			}
		}
	}
	return ""
}

// usesTask reports whether a function of the file has got a T.
func usesTask(f *ast.File) (does bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		does = does || ok && id.Name == nameTask
		return true
	})
	return does
}

// findInterfaces finds the methods that interfaces have.
func (r *rewriter) findInterfaces() {
	for _, name := range []string{"Error", "String", "GoString", "Format", "Len", "Less", "Swap", "Push", "Pop",
		"Read", "Write", "Close", "Unwrap", "Is", "As", "Lock", "Unlock", "ServeHTTP", "Done", "Err", "Value", "Deadline",
		"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Set", "Scan", "ReadByte", "UnreadByte", "ReadRune", "UnreadRune", "WriteTo", "ReadFrom",
		"At", "Bounds", "ColorModel", "RoundTrip", "Seek", "Int63", "Seed", "Uint64", "WriteString", "WriteByte"} {
		r.methods[name] = true
	}
	for _, tv := range r.info.Types {
		r.addMethods(tv.Type)
		if s, ok := tv.Type.(*types.Signature); ok {
			for v := range s.Params().Variables() {
				r.addMethods(v.Type())
			}
			for v := range s.Results().Variables() {
				r.addMethods(v.Type())
			}
		}
	}
	for _, o := range r.info.Defs {
		if t, ok := o.(*types.TypeName); ok {
			r.addMethods(t.Type())
		}
	}
	if r.level < interfacesToo {
		return
	}
	for _, f := range r.files {
		ast.Inspect(f, func(n ast.Node) bool {
			x, ok := n.(*ast.InterfaceType)
			if !ok {
				return true
			}
			for _, m := range x.Methods.List {
				if t, ok := m.Type.(*ast.FuncType); ok && len(m.Names) == 1 && !r.methods[m.Names[0].Name] {
					g := r.groups[m.Names[0].Name]
					if g == nil {
						g = &group{node: m.Names[0]}
						r.groups[g.node.Name] = g
						r.has[g.node] = true
					}
					g.types = append(g.types, t)
				}
			}
			return true
		})
	}
}

// findCandidates finds all functions of a file, and where they are.
func (r *rewriter) findCandidates(file *ast.File) {
	var stack []ast.Node // functions
	astutil.Apply(file, func(c *astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.FuncDecl:
			if o, ok := r.info.Defs[n.Name].(*types.Func); ok && n.Body != nil {
				r.decls[o] = n
			}
			r.has[n] = n.Body != nil && n.Name.Name != "init" && n.Name.Name != "_" && !r.plain[functionName(n)] && (n.Recv == nil || r.level >= methodsToo && !r.methods[n.Name.Name])
			if g := r.groups[n.Name.Name]; g != nil && n.Recv != nil {
				g.members = append(g.members, n)
			}
			stack = append(stack, n)
		case *ast.FuncLit:
			r.within[n] = top(stack)
			r.has[n] = r.isCalledOnTheSpot(n, c.Parent())
			stack = append(stack, n)
		case *ast.DeferStmt:
			r.defers[n.Call.Fun] = true
		case *ast.CommClause:
			r.comms[n.Comm] = true
		}
		return true
	}, func(c *astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			stack = stack[:len(stack)-1]
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE && len(n.Lhs) == len(n.Rhs) {
				for i := range n.Lhs {
					r.bind(n.Lhs[i], n.Rhs[i])
				}
			}
		}
		return true
	})
}

func top(stack []ast.Node) ast.Node {
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}

// addMethods adds the methods of an interface, unless they get a T together with those of types.
func (r *rewriter) addMethods(t types.Type) {
	if t == nil {
		return
	}
	if i, ok := t.Underlying().(*types.Interface); ok {
		for m := range i.Methods() {
			if r.level < interfacesToo || m.Pkg() != r.pkg {
				r.methods[m.Name()] = true
			}
		}
	}
}

func (r *rewriter) isCalledOnTheSpot(lit *ast.FuncLit, parent ast.Node) bool {
	call, ok := parent.(*ast.CallExpr)
	return ok && call.Fun == lit
}

// bind notes that the variable is the literal, until another use shows that it may be something else.
func (r *rewriter) bind(left, right ast.Expr) {
	id, isIdent := left.(*ast.Ident)
	lit, isLit := right.(*ast.FuncLit)
	if !isIdent || !isLit {
		return
	}
	if v, ok := r.info.Defs[id].(*types.Var); ok {
		r.bound[v] = lit
		r.has[lit] = true
	}
}

// target returns the function that a use of an identifier may call, as a node of r.has, or nil.
func (r *rewriter) target(id *ast.Ident) ast.Node {
	switch o := r.info.Uses[id].(type) {
	case *types.Func:
		if d := r.decls[o.Origin()]; d != nil {
			return d
		}
		if g := r.groups[o.Name()]; g != nil && o.Pkg() == r.pkg && o.Signature().Recv() != nil {
			return g.node
		}
	case *types.Var:
		if lit := r.bound[o]; lit != nil {
			return lit
		}
	}
	return nil
}

// dropThoseThatCannot takes functions out that cannot have a T, until all that are left can.
func (r *rewriter) dropThoseThatCannot() {
	for changed := true; changed; {
		changed = false
		drop := func(n ast.Node) {
			if n != nil && r.has[n] {
				r.has[n] = false
				changed = true
			}
		}
		for _, g := range r.groups {
			for _, m := range g.members {
				if !r.has[m] {
					drop(g.node)
				}
			}
			for _, m := range g.members {
				if !r.has[g.node] {
					drop(m)
				}
			}
		}
		var stack []ast.Node // all nodes around
		r.inspect(func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			switch x := n.(type) {
			case *ast.Ident:
				if f := r.target(x); f != nil && !r.isCalledWithT(x, stack) {
					drop(f)
				}
			case *ast.FuncLit:
				if outer := r.within[x]; outer == nil || !r.has[outer] || r.isStarted(x, stack) {
					drop(x)
				}
			case *ast.CallExpr:
				if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && id.Name == "recover" && r.info.Uses[id] == types.Universe.Lookup("recover") {
					if f := enclosing(stack); f != nil && !r.defers[f] {
						drop(f) // the compiler refuses it there
					}
				}
			}
			stack = append(stack, n)
			return true
		})
	}
}

func (r *rewriter) inspect(f func(ast.Node) bool) {
	for _, file := range r.files {
		ast.Inspect(file, f)
	}
}

// enclosing returns the innermost function in the stack.
func enclosing(stack []ast.Node) ast.Node {
	for _, n := range slices.Backward(stack) {
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return n
		}
	}
	return nil
}

// isStarted reports whether the literal is called by a go statement.
func (r *rewriter) isStarted(lit *ast.FuncLit, stack []ast.Node) bool {
	if len(stack) < 2 {
		return false
	}
	_, isGo := stack[len(stack)-2].(*ast.GoStmt)
	return isGo
}

// isCalledWithT reports whether the identifier, inside the nodes of stack, is what a call calls, in a
// function that has a T, in no go statement, with arguments of which each is one value.
func (r *rewriter) isCalledWithT(id *ast.Ident, stack []ast.Node) bool {
	var inner ast.Expr = id
	i := len(stack) - 1
	for ; i >= 0; i-- {
		switch x := stack[i].(type) {
		case *ast.ParenExpr:
			inner = x
			continue
		case *ast.SelectorExpr:
			if x.Sel != id {
				return false
			}
			if s := r.info.Selections[x]; s != nil && s.Kind() != types.MethodVal {
				return false
			}
			inner = x
			continue
		case *ast.IndexExpr:
			if x.X != inner {
				return false
			}
			inner = x
			continue
		case *ast.IndexListExpr:
			if x.X != inner {
				return false
			}
			inner = x
			continue
		case *ast.CallExpr:
			if x.Fun != inner {
				return false
			}
			if len(x.Args) == 1 {
				if _, isTuple := r.info.TypeOf(x.Args[0]).(*types.Tuple); isTuple {
					return false
				}
			}
			if i > 0 {
				if _, isGo := stack[i-1].(*ast.GoStmt); isGo {
					return false
				}
			}
			f := enclosing(stack)
			return f != nil && r.has[f]
		}
		return false
	}
	return false
}

// chosen reports whether something happens at a position: in one of n cases.
func (r *rewriter) chosen(pos token.Pos, n uint32) bool {
	h := fnv.New32a()
	p := r.fset.Position(pos)
	fmt.Fprint(h, p.Line, ":", p.Column)
	return h.Sum32()%n == 0
}

func ident(name string) *ast.Ident { return &ast.Ident{Name: name} }

// rewriteCallsAndOperands passes the T on, and has operands kept.
func (r *rewriter) rewriteCallsAndOperands(file *ast.File, counts *Counts) {
	var stack []ast.Node // functions
	withT := map[*ast.CallExpr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if lit, ok := call.Fun.(*ast.FuncLit); ok {
				withT[call] = r.has[lit]
			} else if id := calledIdent(call.Fun); id != nil {
				if f := r.target(id); f != nil {
					withT[call] = r.has[f]
				}
			}
		}
		return true
	})
	astutil.Apply(file, func(c *astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			stack = append(stack, n)
		case *ast.GenDecl:
			return n.Tok != token.CONST && n.Tok != token.TYPE
		case *ast.ArrayType, *ast.StructType, *ast.InterfaceType, *ast.MapType, *ast.ChanType, *ast.FuncType:
			return false
		}
		return true
	}, func(c *astutil.Cursor) bool {
		n := c.Node()
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			stack = stack[:len(stack)-1]
		}
		e, isExpr := n.(ast.Expr)
		f := top(stack)
		if isExpr && f != nil && r.has[f] && r.isOperand(c) && r.canBeKept(e) && r.chosen(e.Pos(), 3) {
			c.Replace(&ast.CallExpr{Fun: ident(nameKeep), Args: []ast.Expr{ident(nameT), e}})
			counts.Operands++
		}
		if call, ok := n.(*ast.CallExpr); ok && withT[call] {
			call.Args = append([]ast.Expr{ident(nameT)}, call.Args...)
		}
		return true
	})
}

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

// isOperand reports whether the node is where only its value matters.
func (r *rewriter) isOperand(c *astutil.Cursor) bool {
	switch p := c.Parent().(type) {
	case *ast.CallExpr:
		if c.Name() != "Args" {
			return false
		}
		tv := r.info.Types[p.Fun]
		if tv.IsType() && isUnsafe(tv.Type) != isUnsafe(r.info.TypeOf(p.Args[0])) {
			return false // what was an integer in between would no longer be valid
		}
		if tv.IsBuiltin() {
			id := calledIdent(p.Fun)
			return id != nil && (id.Name == "append" || id.Name == "print" || id.Name == "println" || id.Name == "panic" || id.Name == "min" || id.Name == "max")
		}
		return true
	case *ast.BinaryExpr:
		return true
	case *ast.ReturnStmt:
		return true
	case *ast.AssignStmt:
		return c.Name() == "Rhs" && !r.comms[p]
	case *ast.ValueSpec:
		return c.Name() == "Values"
	case *ast.IfStmt:
		return c.Name() == "Cond"
	case *ast.ForStmt:
		return c.Name() == "Cond"
	case *ast.IndexExpr:
		return c.Name() == "Index"
	case *ast.SliceExpr:
		return c.Name() == "Low" || c.Name() == "High" || c.Name() == "Max"
	case *ast.KeyValueExpr:
		return c.Name() == "Value"
	case *ast.RangeStmt:
		if c.Name() != "X" {
			return false
		}
		_, isArray := r.info.TypeOf(p.X).Underlying().(*types.Array)
		return !isArray // it may be large
	case *ast.SwitchStmt:
		return c.Name() == "Tag"
	case *ast.SendStmt:
		return c.Name() == "Value"
	case *ast.TypeAssertExpr:
		return c.Name() == "X"
	case *ast.UnaryExpr:
		return p.Op != token.AND
	case *ast.StarExpr:
		return true
	}
	return false
}

// canBeKept reports whether a value may go through a generic function and stay what it is.
func (r *rewriter) canBeKept(e ast.Expr) bool {
	tv, ok := r.info.Types[e]
	if !ok || !tv.IsValue() || tv.Value != nil || tv.Type == nil {
		return false
	}
	if x, ok := e.(*ast.CompositeLit); ok && x.Type == nil {
		return false
	}
	if r.shiftsConstant(e) || r.comparesInto(e, tv.Type) {
		return false // its type depends on where it stands
	}
	if id := calledIdent(e); id != nil && r.isGeneric(id, e) {
		return false
	}
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if v, isVar := r.info.Uses[id].(*types.Var); isVar && r.bound[v] != nil {
			return false // its type changes
		}
	}
	if lit, ok := ast.Unparen(e).(*ast.FuncLit); ok && r.has[lit] {
		return false
	}
	switch t := tv.Type.(type) {
	case *types.Tuple:
		return false
	case *types.Basic:
		return t.Info()&types.IsUntyped == 0 && t.Kind() != types.Invalid
	}
	return true
}

func isUnsafe(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.UnsafePointer
}

// comparesInto reports whether the expression is made of comparisons and is of a boolean type that is declared.
func (r *rewriter) comparesInto(e ast.Expr, t types.Type) bool {
	_, isBasic := types.Unalias(t).(*types.Basic)
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		return x.Op == token.NOT && !isBasic
	case *ast.BinaryExpr:
		switch x.Op {
		case token.EQL, token.NEQ, token.LSS, token.GTR, token.LEQ, token.GEQ, token.LAND, token.LOR:
			return !isBasic
		}
	}
	return false
}

// isGeneric reports whether the expression is a generic function whose type arguments depend on where it
// stands.
func (r *rewriter) isGeneric(id *ast.Ident, e ast.Expr) bool {
	if _, isCall := ast.Unparen(e).(*ast.CallExpr); isCall {
		return false
	}
	_, isInstance := r.info.Instances[id]
	_, isFunction := r.info.Uses[id].(*types.Func)
	return isInstance && isFunction
}

// shiftsConstant reports whether the expression is, or is made of, a shift of a constant.
func (r *rewriter) shiftsConstant(e ast.Expr) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.UnaryExpr:
		return r.shiftsConstant(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.SHL || x.Op == token.SHR {
			return r.info.Types[x.X].Value != nil || r.shiftsConstant(x.X)
		}
		return r.shiftsConstant(x.X) || r.shiftsConstant(x.Y)
	}
	return false
}

// rewriteFunctions adds the parameters, and the statements that yield.
func (r *rewriter) rewriteFunctions(counts *Counts) {
	for _, g := range r.groups {
		if r.has[g.node] {
			for _, t := range g.types {
				addParam(t)
			}
		}
	}
	for n, is := range r.has {
		if !is {
			continue
		}
		switch f := n.(type) {
		case *ast.FuncDecl:
			addParam(f.Type)
			r.yields(f.Body, counts)
			if f.Recv == nil && f.Name.Name == "main" {
				f.Name = ident(nameMain)
			}
		case *ast.FuncLit:
			addParam(f.Type)
			r.yields(f.Body, counts)
		}
	}
}

func addParam(t *ast.FuncType) {
	for _, f := range t.Params.List {
		if len(f.Names) == 0 {
			f.Names = []*ast.Ident{ident("_")}
		}
	}
	param := &ast.Field{Names: []*ast.Ident{ident(nameT)}, Type: &ast.StarExpr{X: &ast.SelectorExpr{X: ident(nameTask), Sel: ident("T")}}}
	t.Params.List = append([]*ast.Field{param}, t.Params.List...)
}

// yields puts T.Yield before statements of the body, literals in it left out.
func (r *rewriter) yields(body *ast.BlockStmt, counts *Counts) {
	before := func(list []ast.Stmt) []ast.Stmt {
		var out []ast.Stmt
		for _, s := range list {
			if _, isEmpty := s.(*ast.EmptyStmt); !isEmpty && s.Pos().IsValid() && r.chosen(s.Pos(), 2) {
				out = append(out, &ast.ExprStmt{X: &ast.CallExpr{Fun: &ast.SelectorExpr{X: ident(nameT), Sel: ident("Yield")}}})
				counts.Yields++
			}
			out = append(out, s)
		}
		return out
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BlockStmt:
			if !hasClauses(x) {
				x.List = before(x.List)
			}
		case *ast.CaseClause:
			x.Body = before(x.Body)
		case *ast.CommClause:
			x.Body = before(x.Body)
		}
		return true
	})
}

// hasClauses reports whether the block is that of a switch or select statement.
func hasClauses(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	switch b.List[0].(type) {
	case *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

// apply replaces each node for which f returns another, once what is in it has been replaced.
func apply(file *ast.File, f func(ast.Node) ast.Node) {
	astutil.Apply(file, nil, func(c *astutil.Cursor) bool {
		if n := f(c.Node()); n != nil {
			c.Replace(n)
		}
		return true
	})
}
