package compile

import (
	"go/ast"
	"go/types"
	"golang.org/x/tools/go/ast/astutil"
)

// calleeKind says how a call that may suspend finds what it calls.
type calleeKind int

const (
	noCallee        calleeKind = iota // the call does not suspend
	waitCallee                        // a function or method of package task
	startCallee                       // a task function of this package
	importedCallee                    // a function of another package
	valueCallee                       // a function value
	interfaceCallee                   // a method of an interface or of another package's type
)

// callee is what a call that may suspend calls.
type callee struct {
	kind calleeKind
	fn   *types.Func // unless it is a function value
	sig  *types.Signature
	recv ast.Expr // the receiver's expression, or nil
	path []int    // from the receiver's type to the embedded field that has the method
	expr bool     // fn is a method, called through a method expression
}

// waits are the methods of task.T that may suspend.
var waits = map[string]bool{"Yield": true, "Sleep": true, "SleepUntil": true}

// calleeOf returns what the call calls if it may suspend, and a callee of kind noCallee otherwise.
func (u *unit) calleeOf(call *ast.CallExpr) callee {
	c := u.taskCallee(call)
	if c.kind == startCallee && !u.functions[c.fn.Origin()].suspends {
		return callee{}
	}
	return c
}

// findSuspending finds the functions that may suspend: those that call anything else than functions
// of this package that may not.
func (u *unit) findSuspending() {
	callers := map[*function][]*function{}
	var queue []*function
	mark := func(fn *function) {
		if !fn.suspends {
			fn.suspends = true
			queue = append(queue, fn)
		}
	}
	for _, fn := range u.order {
		if fn.lit != nil && fn.parent == nil { // its name cannot stand for its start form
			mark(fn)
		}
		if fn.parent != nil { // its start form is a literal in a form of the function that makes it
			mark(fn.parent)
			mark(fn)
		}
		if u.deferredIn[fn.lit] != nil {
			mark(fn) // it has another t than in the source
		}
		_, body := fn.syntax()
		ast.Inspect(body, func(n ast.Node) bool {
			if r, ok := n.(*ast.RangeStmt); ok && u.allOf(r) != nil {
				mark(fn)
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				_, isLit := n.(*ast.FuncLit)
				return !isLit
			}
			switch c := u.taskCallee(call); c.kind {
			case noCallee:
			case startCallee:
				target := u.functions[c.fn.Origin()]
				callers[target] = append(callers[target], fn)
			default:
				mark(fn)
			}
			return true
		})
	}
	for len(queue) > 0 {
		fn := queue[0]
		queue = queue[1:]
		for _, c := range callers[fn] {
			mark(c)
		}
	}
}

// taskCallee returns what the call calls if that is a task function or may wait.
func (u *unit) taskCallee(call *ast.CallExpr) callee {
	tv, ok := u.info.Types[call.Fun]
	if !ok || tv.IsType() || tv.IsBuiltin() {
		return callee{}
	}
	sig, ok := tv.Type.Underlying().(*types.Signature)
	if !ok {
		return callee{}
	}
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = ast.Unparen(x.X)
	case *ast.IndexListExpr:
		fun = ast.Unparen(x.X)
	}
	switch x := fun.(type) {
	case *ast.Ident:
		if f, ok := u.info.Uses[x].(*types.Func); ok {
			return u.functionCallee(f, sig)
		}
	case *ast.SelectorExpr:
		s := u.info.Selections[x]
		if s == nil {
			if f, ok := u.info.Uses[x.Sel].(*types.Func); ok {
				return u.functionCallee(f, sig)
			}
			break
		}
		f, ok := s.Obj().(*types.Func)
		if !ok {
			break
		}
		switch s.Kind() {
		case types.MethodVal:
			return u.methodCallee(f, sig, x.X, s)
		case types.MethodExpr:
			if isTaskSignature(f.Signature()) {
				return callee{kind: u.methodKind(f, s.Recv()), fn: f, sig: f.Signature(), path: s.Index()[:len(s.Index())-1], expr: true}
			}
			if isTaskPointer(s.Recv()) && waits[f.Name()] {
				return callee{kind: waitCallee, fn: f, sig: sig}
			}
			return callee{}
		}
	}
	if isTaskSignature(sig) {
		return callee{kind: valueCallee, sig: sig}
	}
	return callee{}
}

// isGoexit reports whether the function is runtime.Goexit, which suspends: the functions that have called
// the one that calls it end in steps of their own.
func isGoexit(f *types.Func) bool {
	return f.Pkg() != nil && f.Pkg().Path() == "runtime" && f.Name() == "Goexit"
}

func inTask(f *types.Func) bool { return f.Pkg() != nil && f.Pkg().Path() == taskPath }

// isOperation reports whether f is a function of package netio whose last act is an operation of package
// task: it is called as one, and has no forms of its own. So who waits for a connection has no frame for
// that.
func isOperation(f *types.Func) bool {
	if f.Pkg() == nil || f.Pkg().Path() != netioPath {
		return false
	}
	switch f.Name() {
	case "Readable", "Writable":
		return true
	}
	return false
}

func (u *unit) functionCallee(f *types.Func, sig *types.Signature) callee {
	switch {
	case isGoexit(f):
		return callee{kind: waitCallee, fn: f, sig: sig}
	case inTask(f) && f.Pkg() != u.types:
		for p := range sig.Params().Variables() {
			if isTaskPointer(p.Type()) {
				return callee{kind: waitCallee, fn: f, sig: sig}
			}
		}
		return callee{}
	case !isTaskSignature(sig):
		return callee{}
	case isOperation(f):
		return callee{kind: waitCallee, fn: f, sig: sig}
	case u.functions[f.Origin()] != nil:
		return callee{kind: startCallee, fn: f, sig: sig}
	default:
		return callee{kind: importedCallee, fn: f, sig: sig}
	}
}

func (u *unit) methodCallee(f *types.Func, sig *types.Signature, recv ast.Expr, s *types.Selection) callee {
	path := s.Index()[:len(s.Index())-1]
	if inTask(f) && f.Pkg() != u.types {
		if isTaskPointer(s.Recv()) && waits[f.Name()] {
			return callee{kind: waitCallee, fn: f, sig: sig}
		}
		for p := range sig.Params().Variables() {
			if isTaskPointer(p.Type()) && !isIterator(sig) {
				return callee{kind: waitCallee, fn: f, sig: sig}
			}
		}
		return callee{}
	}
	if !isTaskSignature(sig) {
		return callee{}
	}
	if isOperation(f) {
		return callee{kind: waitCallee, fn: f, sig: sig}
	}
	return callee{kind: u.methodKind(f, s.Recv()), fn: f, sig: sig, recv: recv, path: path}
}

// allOf returns the call of task.Chan.All that a range is over, or nil.
func (u *unit) allOf(s *ast.RangeStmt) *ast.CallExpr {
	call, ok := ast.Unparen(s.X).(*ast.CallExpr)
	if !ok || len(call.Args) != 1 || !isTaskPointer(u.info.TypeOf(call.Args[0])) {
		return nil
	}
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || u.info.Selections[selector] == nil {
		return nil
	}
	f, ok := u.info.Selections[selector].Obj().(*types.Func)
	if !ok || !inTask(f) || f.Name() != "All" {
		return nil
	}
	return call
}

// isIterator reports whether a method of package task returns an iterator over what it waits for.
func isIterator(sig *types.Signature) bool {
	if sig.Results().Len() != 1 {
		return false
	}
	_, ok := sig.Results().At(0).Type().Underlying().(*types.Signature)
	return ok
}

func (u *unit) methodKind(f *types.Func, recv types.Type) calleeKind {
	if u.functions[f.Origin()] != nil {
		return startCallee
	}
	return interfaceCallee
}

// suspends reports whether a statement or expression of the function contains a call that may
// suspend it, or a defer statement, and has to be taken apart therefore. Calls in literals are those of
// other functions.
func (u *unit) suspends(n ast.Node) bool {
	if n == nil {
		return false
	}
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			found = true
		case *ast.RangeStmt:
			found = found || u.allOf(x) != nil
		case *ast.CallExpr:
			if u.isAwait(x) {
				found = true
			}
		}
		return !found
	})
	return found
}

func (u *unit) isAwait(call *ast.CallExpr) bool {
	isIt, known := u.awaitCalls[call]
	if !known {
		isIt = u.calleeOf(call).kind != noCallee
		u.awaitCalls[call] = isIt
	}
	return isIt
}

// checkUses refuses what a function does with its t other than to pass it on, as the first
// argument, or to call its methods.
func (fn *function) checkUses() {
	u := fn.unit
	_, body := fn.syntax()
	allowed := map[*ast.Ident]bool{}
	var depth []ast.Node
	astutil.Apply(body, func(c *astutil.Cursor) bool {
		switch x := c.Node().(type) {
		case *ast.FuncLit:
			if inner := u.literals[x]; inner != nil && inner.t == fn.t {
				return false // a deferred literal, which is checked by itself
			}
			depth = append(depth, x)
		case *ast.CallExpr:
			if u.taskCallee(x).kind != noCallee {
				for _, a := range x.Args {
					if id, ok := ast.Unparen(a).(*ast.Ident); ok && isTaskPointer(u.info.TypeOf(id)) {
						allowed[id] = true
					}
				}
			}
			if s, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok {
				if id, ok := ast.Unparen(s.X).(*ast.Ident); ok && u.info.Uses[id] == fn.t {
					allowed[id] = true
				}
			}
		case *ast.RangeStmt:
			if all := u.allOf(x); all != nil {
				if id, ok := ast.Unparen(all.Args[0]).(*ast.Ident); ok {
					allowed[id] = true
				}
			}
		case *ast.GoStmt:
			if u.taskCallee(x.Call).kind != noCallee {
				u.diag.at(x.Pos(), "t belongs to the task that calls %s and not to another goroutine; start it with task.Group.Go, or with task.Go", fn.display)
			}
		case *ast.Ident:
			if u.info.Uses[x] != fn.t {
				break
			}
			if len(depth) > 0 {
				u.diag.at(x.Pos(), "this literal uses t but is not a task function; give it a *task.T parameter")
			} else if !allowed[x] && !isBlankAssignment(c.Parent()) {
				u.diag.at(x.Pos(), "t can only be passed on as the first argument of a task function, or be the receiver of a method of task.T")
			}
		}
		return true
	}, func(c *astutil.Cursor) bool {
		if _, ok := c.Node().(*ast.FuncLit); ok {
			depth = depth[:len(depth)-1]
		}
		return true
	})
}

func isBlankAssignment(n ast.Node) bool {
	a, ok := n.(*ast.AssignStmt)
	if !ok || len(a.Lhs) != 1 {
		return false
	}
	id, ok := a.Lhs[0].(*ast.Ident)
	return ok && id.Name == "_"
}
