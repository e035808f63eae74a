package steps

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// Kept finds frames, and addresses in their states, that are kept.
var Kept = &analysis.Analyzer{
	Name: "stepkept",
	Doc: `report a frame, or the address of its state, that is kept after the step

The frame is freed when its task has ended, and its memory is then that of another task. The
collector does not keep it alive. Only the step function that runs uses it.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runKept,
}

func runKept(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, s := range p.steps {
		k := keeping{s, pass}
		s.own(s.body, func(n ast.Node) {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if len(n.Lhs) == len(n.Rhs) {
					for i, l := range n.Lhs {
						k.assign(l, n.Rhs[i])
					}
				}
			case *ast.SendStmt:
				k.value(n.Value, "is sent over a channel")
			case *ast.GoStmt:
				k.call(n.Call, "is given to a goroutine", false)
			case *ast.CallExpr:
				k.handOver(n)
			}
		})
	}
	return nil, nil
}

// keeping looks for what keeps the frame of one step function.
type keeping struct {
	*step
	pass *analysis.Pass
}

func (k keeping) report(e ast.Node, what, how, instead string) {
	k.pkg.report(k.pass, analysis.Diagnostic{
		Pos:     e.Pos(),
		End:     e.End(),
		Message: fmt.Sprintf("%s %s, and may be used after the step: %s", what, how, instead),
	})
}

// assign reports r if it leads to the frame and l outlives the step.
func (k keeping) assign(l, r ast.Expr) {
	how := ""
	switch v := k.outermost(l); {
	case v == nil:
		return
	case v == k.held:
		how = "is stored in the held part"
	case !k.isLocal(v) && v.Parent() != nil && v.Pkg() != nil && v.Parent() == v.Pkg().Scope():
		how = "is stored in a package-level variable"
	case !k.isLocal(v):
		how = "is stored in a variable outside of the step function"
	default:
		return
	}
	k.value(r, how)
}

// outermost returns the variable that l begins with, also if there are pointers, slices and
// maps on the way.
func (k keeping) outermost(l ast.Expr) *types.Var {
	for {
		switch x := ast.Unparen(l).(type) {
		case *ast.Ident:
			v, _ := k.pkg.info.Uses[x].(*types.Var)
			return v
		case *ast.SelectorExpr:
			if v, ok := k.pkg.info.Uses[x.Sel].(*types.Var); ok && !v.IsField() {
				return v
			}
			l = x.X
		case *ast.IndexExpr:
			l = x.X
		case *ast.StarExpr:
			l = x.X
		default:
			return nil
		}
	}
}

// value reports what in e leads to the frame: e itself, an element of a composite literal, or
// an argument of append.
func (k keeping) value(e ast.Expr, how string) {
	switch x := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		for _, element := range x.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				element = pair.Value
			}
			k.value(element, how)
		}
		return
	case *ast.UnaryExpr:
		if lit, ok := ast.Unparen(x.X).(*ast.CompositeLit); ok {
			k.value(lit, how)
			return
		}
	case *ast.CallExpr:
		if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && k.pkg.info.Uses[id] == types.Universe.Lookup("append") && !x.Ellipsis.IsValid() {
			for _, arg := range x.Args[1:] {
				k.value(arg, how)
			}
		}
		return
	}
	if k.leadsToFrame(e) {
		k.report(e, k.nameOfPart(e), how, "keep copies of what is in the state")
	}
}

// nameOfPart says what e is.
func (k keeping) nameOfPart(e ast.Expr) string {
	if k.isTheFrame(e) {
		return "the frame"
	}
	return "the address of the state"
}

// handOver reports the frame in calls that run a function later, or on another goroutine.
func (k keeping) handOver(call *ast.CallExpr) {
	f := k.pkg.callee(call)
	if f == nil || f.Pkg() == nil {
		return
	}
	switch f.Pkg().Path() + "." + f.Name() {
	case "time.AfterFunc", "context.AfterFunc", "sync.Go":
		k.call(call, "is given to a function that runs later", false)
	case coroPath + ".Blocking":
		for _, arg := range call.Args[1:] {
			if lit, ok := ast.Unparen(arg).(*ast.FuncLit); ok {
				k.literal(lit, "is used by the function of Blocking", true)
			}
		}
	case coroPath + ".TrySend":
		k.call(call, "is sent over a channel", false)
	case coroPath + ".Send":
		if v := parameter(f, call, "v"); v != nil {
			k.value(v, "is sent over a channel")
		}
	}
}

// call reports the frame in what is called, and in the arguments.
func (k keeping) call(call *ast.CallExpr, how string, held bool) {
	if lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit); ok {
		k.literal(lit, how, held)
	}
	for _, arg := range call.Args {
		if lit, ok := ast.Unparen(arg).(*ast.FuncLit); ok {
			k.literal(lit, how, held)
		} else {
			k.value(arg, how)
		}
	}
}

// literal reports the first use of the frame in a function that runs on another goroutine and,
// if held is true, the first use of the held part.
func (k keeping) literal(lit *ast.FuncLit, how string, held bool) {
	reported := false
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || reported {
			return !reported
		}
		o := k.pkg.info.Uses[id]
		what := ""
		switch {
		case o == nil:
		case k.frame != nil && o == k.frame:
			what = "the frame"
		case k.isStateVariable(o):
			what = "the address of the state"
		case held && k.held != nil && o == k.held:
			what = "the held part"
		}
		if what != "" {
			k.report(id, what, how, "copy what the function needs to local variables before")
			reported = true
		}
		return true
	})
}
