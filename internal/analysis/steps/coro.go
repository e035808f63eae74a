package steps

import (
	"go/ast"
	"go/types"
	"slices"
)

// coroPath is the import path of package coro.
const coroPath = "github.com/framearena/framearena/coro"

// isCoro reports whether f is a function or method of package coro with one of the names.
// Without names, it reports whether f is any of them.
func isCoro(f *types.Func, names ...string) bool {
	return f != nil && f.Pkg() != nil && f.Pkg().Path() == coroPath &&
		(len(names) == 0 || slices.Contains(names, f.Name()))
}

// coroType returns the name of the type of package coro that t is, or "".
func coroType(t types.Type) string {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return ""
	}
	o := named.Obj()
	if o.Pkg() == nil || o.Pkg().Path() != coroPath {
		return ""
	}
	return o.Name()
}

// isFrame reports whether t is *coro.Frame, *coro.SeqFrame or coro.AnyFrame.
func isFrame(t types.Type) bool {
	if coroType(t) == "AnyFrame" {
		return true
	}
	p, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return false
	}
	name := coroType(p.Elem())
	return name == "Frame" || name == "SeqFrame"
}

// returnsStep reports whether a function returns a coro.Step and nothing else.
func returnsStep(sig *types.Signature) bool {
	return sig.Results().Len() == 1 && coroType(sig.Results().At(0).Type()) == "Step"
}

// isStepCall reports whether e is a call that returns a Step.
func (p *pkg) isStepCall(e ast.Expr) (*ast.CallExpr, bool) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || coroType(p.info.TypeOf(call)) != "Step" {
		return nil, false
	}
	return call, !p.info.Types[call.Fun].IsType() // a conversion makes no Step
}

// makesStep reports whether call makes a Step: it is one of package coro's functions, or a
// function that is given the frame and no Step.
func (s *step) makesStep(call *ast.CallExpr) bool {
	if _, ok := s.pkg.isStepCall(call); !ok {
		return false
	}
	if isCoro(s.pkg.callee(call)) {
		return true
	}
	frame := false
	for _, arg := range call.Args {
		t := s.pkg.info.TypeOf(arg)
		if t == nil || coroType(t) == "Step" {
			return false
		}
		frame = frame || isFrame(t)
	}
	return frame
}

// parameter returns the argument that call has for the parameter of f with the name, or nil.
func parameter(f *types.Func, call *ast.CallExpr, name string) ast.Expr {
	params := f.Signature().Params()
	for i := range params.Len() {
		if params.At(i).Name() == name && i < len(call.Args) {
			return call.Args[i]
		}
	}
	return nil
}

// nameOf returns how messages name what is called: coro.Sleep, mu.Lock, f.Return.
func nameOf(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	return types.ExprString(fun)
}
