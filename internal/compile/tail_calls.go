package compile

import "go/types"

// A literal whose last act is to return what a task function of this package returns, such as
//
//	g.Go(t, func(t *task.T) error { return serve(t, c) })
//
// needs no frame of its own if its start form is called and the function waits: nothing is left to do.
// The function's frame takes its place: it is awaited by whoever has called the literal, and its result
// goes where the literal's would. A function that is called so has a frame when it waits: it has a name,
// and those are not left out, so that backtraces have them; an operation of package task has none.
//
// The step form has a frame already, and keeps it.

// findTailCalls finds the calls of a literal behind which its start form has nothing left to do.
func (fn *function) findTailCalls() {
	if fn.lit == nil || len(fn.deferrals) > 0 || len(fn.pulled) > 0 {
		return
	}
	for _, v := range fn.results {
		if v.Name() != "" && v.Name() != "_" {
			return // a literal in this one may look at them
		}
	}
	for n, i := range fn.flow.instrs {
		if i.op != opAwait || n+1 == len(fn.flow.instrs) || fn.flow.instrs[n+1].op != opReturn {
			continue
		}
		a := i.node.(*await)
		a.isTail = a.callee.kind == startCallee && types.Identical(a.callee.sig.Results(), fn.sig.Results()) &&
			fn.returnsAll(fn.flow.instrs[n+1].node.(*ret), a.lhs)
	}
}

// returnsAll reports whether the statement returns the variables, all of them in this order.
func (fn *function) returnsAll(r *ret, vars []*types.Var) bool {
	if len(r.results) != len(vars) {
		return false
	}
	for i, e := range r.results {
		if vars[i] == nil || fn.whole(e) != vars[i] {
			return false
		}
	}
	return true
}
