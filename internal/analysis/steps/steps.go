package steps

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/framearena/framearena/internal/analysis/ignore"
)

// Analyzers returns all analyzers of the package.
func Analyzers() []*analysis.Analyzer {
	return []*analysis.Analyzer{Dropped, Twice, Local, Resume, Early, Refused, Kept}
}

// found finds the step functions of a package. Its result, a *pkg, is what the analyzers work
// with.
var found = &analysis.Analyzer{
	Name:       "stepfunctions",
	Doc:        "find step functions, for the other analyzers",
	Requires:   []*analysis.Analyzer{inspect.Analyzer},
	ResultType: reflect.TypeFor[*pkg](),
	Run:        findSteps,
}

// pkg is what is known of one package. Analyzers run concurrently, so none of them writes to it.
type pkg struct {
	info    *types.Info
	steps   []*step
	decls   map[*types.Func]*ast.FuncDecl
	called  map[*types.Func]bool // is called directly somewhere in the package
	ignored ignore.Lines
}

// step is a step function.
type step struct {
	pkg    *pkg
	node   ast.Node // a *ast.FuncDecl or *ast.FuncLit
	body   *ast.BlockStmt
	frame  *types.Var   // the parameter that is the frame; nil if it has no name
	held   *types.Var   // the parameter that is the held part, or nil
	isKind bool         // is given to Define, DefineHeld or DefineSeq
	states []*types.Var // local variables that are the address of the state, as in s := &f.State
	flow   *flow
}

func findSteps(pass *analysis.Pass) (any, error) {
	p := &pkg{
		info:    pass.TypesInfo,
		decls:   make(map[*types.Func]*ast.FuncDecl),
		called:  make(map[*types.Func]bool),
		ignored: ignore.Find(pass),
	}
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	kinds := make(map[ast.Node]bool)     // literals that are given to Define
	named := make(map[types.Object]bool) // functions, and variables, that are given to Define
	in.Preorder([]ast.Node{(*ast.CallExpr)(nil), (*ast.FuncDecl)(nil)}, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if f, ok := p.info.Defs[n.Name].(*types.Func); ok {
				p.decls[f] = n
			}
		case *ast.CallExpr:
			callee := p.callee(n)
			if callee != nil {
				p.called[callee] = true
			}
			if !isCoro(callee, "Define", "DefineHeld", "DefineSeq") || len(n.Args) < 2 {
				return
			}
			switch arg := ast.Unparen(n.Args[1]).(type) {
			case *ast.FuncLit:
				kinds[arg] = true
			case ast.Expr:
				if o := p.object(arg); o != nil {
					named[o] = true
				}
			}
		}
	})
	literals := make(map[ast.Node]types.Object) // a literal and the variable that it is assigned to
	in.Preorder([]ast.Node{(*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil)}, func(n ast.Node) {
		var left, right []ast.Expr
		switch n := n.(type) {
		case *ast.AssignStmt:
			left, right = n.Lhs, n.Rhs
		case *ast.ValueSpec:
			for _, name := range n.Names {
				left = append(left, name)
			}
			right = n.Values
		}
		for i, r := range right {
			if lit, ok := ast.Unparen(r).(*ast.FuncLit); ok && len(left) == len(right) {
				literals[lit] = p.object(left[i])
			}
		}
	})
	in.Preorder([]ast.Node{(*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)}, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if f, ok := p.info.Defs[n.Name].(*types.Func); ok && n.Body != nil {
				p.add(n, n.Body, f.Signature(), named[f] && !p.called[f])
			}
		case *ast.FuncLit:
			if sig, ok := p.info.TypeOf(n).(*types.Signature); ok {
				o := literals[n]
				p.add(n, n.Body, sig, kinds[n] || o != nil && named[o])
			}
		}
	})
	return p, nil
}

// add adds a function to p.steps if it is a step function.
func (p *pkg) add(n ast.Node, body *ast.BlockStmt, sig *types.Signature, isKind bool) {
	if !returnsStep(sig) {
		return
	}
	s := &step{pkg: p, node: n, body: body, isKind: isKind}
	has := false
	for i := range sig.Params().Len() {
		v := sig.Params().At(i)
		switch {
		case isFrame(v.Type()):
			has = true
			if v.Name() != "" && v.Name() != "_" && s.frame == nil {
				s.frame = v
			}
		case isKind && i == 1:
			s.held = v
		}
	}
	if !has {
		return
	}
	s.findStates()
	s.flow = newFlow(s)
	p.steps = append(p.steps, s)
}

// findStates finds the local variables that are the address of the state and stay so.
func (s *step) findStates() {
	assigned := make(map[types.Object]int)
	var states []*types.Var
	s.own(s.body, func(n ast.Node) {
		a, ok := n.(*ast.AssignStmt)
		if !ok {
			return
		}
		for i, l := range a.Lhs {
			v, ok := s.pkg.object(l).(*types.Var)
			if !ok {
				continue
			}
			assigned[v]++
			if len(a.Lhs) == len(a.Rhs) && a.Tok == token.DEFINE && s.isStateAddress(a.Rhs[i]) {
				states = append(states, v)
			}
		}
	})
	for _, v := range states {
		if assigned[v] == 1 {
			s.states = append(s.states, v)
		}
	}
}

// isStateAddress reports whether e is &f.State.
func (s *step) isStateAddress(e ast.Expr) bool {
	u, ok := ast.Unparen(e).(*ast.UnaryExpr)
	return ok && u.Op == token.AND && s.isState(u.X)
}

// isState reports whether e is f.State.
func (s *step) isState(e ast.Expr) bool {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "State" && s.isTheFrame(sel.X)
}

// isTheFrame reports whether e is the step function's frame.
func (s *step) isTheFrame(e ast.Expr) bool {
	return s.frame != nil && s.pkg.object(e) == s.frame
}

// own calls f for n and what is in it, without the functions in it.
func (s *step) own(n ast.Node, f func(ast.Node)) {
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		f(n)
		_, literal := n.(*ast.FuncLit)
		return !literal
	})
}

// isLocal reports whether v is declared in the step function, or is a parameter of it.
func (s *step) isLocal(v types.Object) bool {
	return s.node.Pos() <= v.Pos() && v.Pos() < s.node.End()
}

// callee returns the function or method that is called, or nil if that is not known.
func (p *pkg) callee(call *ast.CallExpr) *types.Func {
	f := typeutil.StaticCallee(p.info, call)
	if f == nil {
		if g, ok := typeutil.Callee(p.info, call).(*types.Func); ok {
			f = g
		}
	}
	if f != nil {
		f = f.Origin()
	}
	return f
}

// object returns the object that e names: a variable, a function or a method, or nil.
func (p *pkg) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if o := p.info.ObjectOf(e); o != nil {
			if f, ok := o.(*types.Func); ok {
				return f.Origin()
			}
			return o
		}
	case *ast.SelectorExpr:
		if f, ok := p.info.ObjectOf(e.Sel).(*types.Func); ok {
			return f.Origin()
		}
	case *ast.IndexExpr:
		if o := p.object(e.X); o != nil {
			if _, ok := o.(*types.Func); ok {
				return o
			}
		}
	case *ast.IndexListExpr:
		return p.object(e.X)
	}
	return nil
}

// report reports a diagnostic, unless a comment says that the place is wrong on purpose.
func (p *pkg) report(pass *analysis.Pass, d analysis.Diagnostic) {
	if !p.ignored.At(pass.Fset, d.Pos) {
		pass.Report(d)
	}
}
