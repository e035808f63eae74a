package tasks

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/inspector"
)

// findWaiting finds the task functions of the package that may wait: those that call anything else than
// functions of the package that do not.
func (p *pkg) findWaiting() {
	for changed := true; changed; {
		changed = false
		for f, fn := range p.declared {
			if !p.waiting[f] && fn.waits() {
				p.waiting[f], changed = true, true
			}
		}
	}
}

// waits reports whether the function calls something that may wait.
func (fn *function) waits() (found bool) {
	fn.own(func(c inspector.Cursor) bool {
		if call, ok := c.Node().(*ast.CallExpr); ok && fn.pkg.mayWait(call) {
			found = true
		}
		return !found
	})
	return found
}

// mayWait reports whether a task function may wait in the call.
func (p *pkg) mayWait(call *ast.CallExpr) bool {
	fun := p.info.Types[call.Fun]
	if fun.IsType() || fun.IsBuiltin() {
		return false
	}
	f := p.callee(call)
	switch of, name := method(f); {
	case of == "T":
		return name == "Sleep" || name == "SleepUntil" || name == "Yield"
	case of == "Group" && name != "Wait":
		return false // Go waits only if the Group has a limit
	}
	if f != nil && p.declared[f] != nil {
		return p.waiting[f]
	}
	sig, ok := fun.Type.Underlying().(*types.Signature)
	return ok && takesT(sig)
}
