package compile

import (
	"go/ast"
	"go/types"
	"slices"
)

// A function with deferred calls. Its step form is two functions, of which the inner one catches its
// panics; see generated.Panic. The deferred calls are a list in the held part, and so are the results,
// which outlive a panic. A deferred literal that uses the function's t is compiled as a task function
// of its own, with that t as its first parameter.

// findDeferred finds the defer statements of the function, and the literals in them that become task
// functions. Those in plain literals are the literals' own.
func (fn *function) findDeferred() {
	u := fn.unit
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			fn.deferred = append(fn.deferred, x)
			if lit, ok := ast.Unparen(x.Call.Fun).(*ast.FuncLit); ok && (isTaskLiteral(u.info, lit) || fn.usesT(lit)) {
				u.deferredIn[lit] = fn
			}
		}
		return true
	})
	if fn.isDeferring() {
		fn.panicVar = types.NewVar(fn.pos(), u.types, "p", types.NewPointer(panicType))
	}
}

// isDeferring reports whether the function has deferred calls.
func (fn *function) isDeferring() bool { return len(fn.deferred) > 0 }

// panicType is the type generated.Panic. It has a pointer, which is all that has to be known.
var panicType = types.NewNamed(
	types.NewTypeName(0, types.NewPackage(generatedPath, "generated"), "Panic", nil),
	types.NewStruct([]*types.Var{types.NewField(0, nil, "value", types.NewInterfaceType(nil, nil), false)}, nil), nil)

func isTaskLiteral(info *types.Info, lit *ast.FuncLit) bool {
	sig, ok := info.TypeOf(lit).Underlying().(*types.Signature)
	return ok && isTaskSignature(sig)
}

// usesT reports whether the literal uses the function's own t.
func (fn *function) usesT(lit *ast.FuncLit) (found bool) {
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && fn.unit.info.Uses[id] == fn.t {
			found = true
		}
		return !found
	})
	return found
}

// isTaskFunction reports whether the literal is compiled as a task function.
func (u *unit) isTaskFunction(lit *ast.FuncLit) bool {
	return isTaskLiteral(u.info, lit) || u.deferredIn[lit] != nil
}

// literalSignature returns the signature of a literal's start form. That of a deferred literal which
// uses its function's t has that as first parameter.
func (u *unit) literalSignature(lit *ast.FuncLit) *types.Signature {
	sig := u.info.TypeOf(lit).Underlying().(*types.Signature)
	if isTaskSignature(sig) {
		return sig
	}
	params := append([]*types.Var{u.deferredIn[lit].t}, slices.Collect(sig.Params().Variables())...)
	return types.NewSignatureType(nil, nil, nil, types.NewTuple(params...), sig.Results(), sig.Variadic())
}

// ownT reports whether the literal has a parameter t in the source.
func (fn *function) ownT() bool { return fn.lit == nil || isTaskLiteral(fn.unit.info, fn.lit) }

// ownResults returns the results that are variables of the step form itself: those of a function with
// deferred calls lie in the held part.
func (fn *function) ownResults() []*types.Var {
	if fn.isDeferring() {
		return nil
	}
	return fn.results
}

// isExit reports whether the variable is a result that lies in the held part.
func (fn *function) isExit(v *types.Var) bool {
	return fn.isDeferring() && slices.Contains(fn.results, v)
}

// deferral is a defer statement. Its operands are evaluated when it is reached, and saved.
type deferral struct {
	task   *await        // the call, if it may suspend and calls no literal
	plain  *ast.CallExpr // the call, if it does not suspend
	lit    *function     // the literal that is called, if that is a task function
	args   []ast.Expr    // of lit
	spread bool          // the last of args is a slice of them
	saved  []savedOperand
	at     *ast.DeferStmt

	method    *types.Func // that plain calls, with the first of saved as its receiver; or nil
	checksNil bool        // the receiver is an interface, which must not be nil

	native nativeDeferral
}

// savedOperand is a value that a defer statement keeps for the call, or several from one call.
type savedOperand struct {
	vs    []*types.Var
	value ast.Expr
}

// nodes returns the syntax of what the statement evaluates and keeps.
func (d *deferral) nodes() (ns []ast.Node) {
	for _, s := range d.saved {
		ns = append(ns, s.value)
	}
	switch {
	case d.task != nil:
		ns = append(ns, d.task.call)
		if d.task.callee.recv != nil {
			ns = append(ns, d.task.callee.recv)
		}
	case d.lit != nil:
		ns = append(ns, d.lit.lit)
	default:
		ns = append(ns, d.plain)
	}
	return ns
}

// checkRecover refuses recover where it cannot know the panic: a task function that is a deferred
// literal recovers its function's panic, and any other one would have to know who has deferred it.
func (fn *function) checkRecover() {
	if fn.lit != nil && fn.unit.deferredIn[fn.lit] != nil {
		return
	}
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit, *ast.DeferStmt:
			return false
		case *ast.CallExpr:
			if isRecover(fn.unit.info, x) {
				fn.unit.diag.at(x.Pos(), "recover in a task function that is not a deferred literal is not compiled; call it in defer func() { … }()")
			}
		}
		return true
	})
}

func isRecover(info *types.Info, call *ast.CallExpr) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	return ok && id.Name == "recover" && info.Types[call.Fun].IsBuiltin()
}

// deferredMethod marks a variable whose method with a pointer receiver is deferred: the receiver's
// address is kept until then, even if the method itself does not keep it.
func (f *variableFinder) deferredMethod(call *ast.CallExpr) {
	x, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	s := f.info.Selections[x]
	if s == nil || s.Kind() != types.MethodVal || s.Indirect() {
		return
	}
	method, ok := s.Obj().(*types.Func)
	if !ok || method.Signature().Recv() == nil {
		return
	}
	if _, isPointer := types.Unalias(method.Signature().Recv().Type()).(*types.Pointer); isPointer {
		f.addressOf(x.X)
	}
}
