package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A function whose deferred calls cannot wait has Go's defer statements in its start form, if each of
// these runs at most once. A deferred call does nothing if the function leaves because it is suspended:
// then the call has been entered in the frame's list, with its operands, for the step form.
//
// Such a statement stands in no loop, so the variables that its literal captures are declared once, and
// can be declared first in the start form, where each place that makes the frame sees them. Those that
// only deferred literals share with the function move to a box when the frame is made: until then
// they are ordinary variables.

// nativeDeferral is what a defer statement needs in a start form that has it.
type nativeDeferral struct {
	name     string       // of the function that enters the call in a frame's list
	captured []*types.Var // by its literal
	flag     string       // the variable which says that the statement has run, or ""
}

// spilledDeferral is a deferred call that is entered in the list when the frame is made at some place.
type spilledDeferral struct {
	d         *deferral
	isCertain bool // otherwise its flag has to be looked at
}

// findNative decides whether the start form has Go's defer statements, after the function was lowered.
func (fn *function) findNative() {
	if len(fn.deferrals) == 0 || fn.hasGoto || len(fn.pulled) > 0 || slices.ContainsFunc(fn.deferrals, func(d *deferral) bool { return d.plain == nil }) {
		return
	}
	inClauses := varSet{}
	if !fn.defersOnce(fn.body, inClauses) {
		return
	}
	for n, d := range fn.deferrals {
		captured, ok := fn.capturedBy(d, inClauses)
		if !ok || !fn.canNameOperands(d) {
			return
		}
		d.native = nativeDeferral{name: fn.base + "Defer" + itoa(n+1), captured: captured}
	}
	fn.native = true
}

// defersOnce reports whether no defer statement is in a loop. It adds the variables that clauses declare.
func (fn *function) defersOnce(list []node, inClauses varSet) bool {
	for _, n := range list {
		switch n := n.(type) {
		case *loop:
			if hasDeferral(n.body) {
				return false
			}
		case *block:
			if !fn.defersOnce(n.body, inClauses) {
				return false
			}
		case *branch:
			if !fn.defersOnce(n.then, inClauses) || !fn.defersOnce(n.els, inClauses) {
				return false
			}
		case *choice:
			for _, c := range n.clauses {
				if c.bind != nil {
					inClauses[c.bind] = true
				}
				for _, v := range c.declares {
					inClauses[v] = true
				}
				if !fn.defersOnce(c.body, inClauses) {
					return false
				}
			}
		}
	}
	return true
}

func hasDeferral(list []node) bool {
	return slices.ContainsFunc(list, func(n node) bool {
		switch n := n.(type) {
		case *deferral:
			return true
		case *loop:
			return hasDeferral(n.body)
		case *block:
			return hasDeferral(n.body)
		case *branch:
			return hasDeferral(n.then) || hasDeferral(n.els)
		case *choice:
			return slices.ContainsFunc(n.clauses, func(c *clause) bool { return hasDeferral(c.body) })
		}
		return false
	})
}

// capturedBy returns the variables that the call mentions beside its operands. It reports false for what
// cannot be named outside of where it is declared: constants, and variables of clauses.
func (fn *function) capturedBy(d *deferral, inClauses varSet) (vs []*types.Var, ok bool) {
	ok = true
	ast.Inspect(d.plain, func(n ast.Node) bool {
		id, isIdent := n.(*ast.Ident)
		if !isIdent {
			return true
		}
		switch o := fn.unit.info.Uses[id].(type) {
		case *types.Const:
			ok = ok && !slices.Contains(fn.consts, o)
		case *types.Var:
			if !fn.isVariable(o) || slices.Contains(vs, o) {
				break
			}
			vs = append(vs, o)
			ok = ok && !inClauses[o]
		}
		return true
	})
	slices.SortFunc(vs, fn.byDeclaration)
	if v := fn.recoveredFrom(d.plain); v != nil { // defer recover()
		vs = append(vs, v)
	}
	return vs, ok
}

// canNameOperands reports whether the types of what the statement saves can be written down.
func (fn *function) canNameOperands(d *deferral) bool {
	for _, s := range d.saved {
		for _, v := range s.vs {
			if fn.unit.isNameable(v.Type()) != "" {
				return false
			}
		}
	}
	return true
}

// moves reports whether the start form's variable becomes a box when the frame is made.
func (fn *function) moves(v *types.Var) bool {
	use := fn.unit.usage[v]
	if !fn.isBox(v) || use.owner != fn.owner() || use.escapes || !fn.spills() {
		return false
	}
	return !slices.ContainsFunc(use.inPlace, func(lit *ast.FuncLit) bool {
		in := fn.unit.literals[lit]
		return in == nil || !in.spills()
	})
}

// spills reports whether the start form makes the frame where it waits, and not when it begins.
func (fn *function) spills() bool { return fn.suspends && (!fn.isDeferring() || fn.native) }

// moverOf returns the function whose variable becomes a box when the frame of fn is made, or nil. That is
// fn, or one around that calls fn in place.
func (e *startEmitter) moverOf(v *types.Var) *function {
	if e.pointers[v] || v == e.fn.panicVar {
		return nil
	}
	for fn := e.fn; fn != nil; fn = fn.parent {
		if fn.moves(v) {
			return fn
		}
	}
	return nil
}

// findSpilled finds which deferred calls belong to the frame at each place where it is made.
func (fn *function) findSpilled() {
	if !fn.native {
		return
	}
	w := fn.flow
	may := fn.runBefore(w, false)
	must := fn.runBefore(w, true)
	for n, i := range w.instrs {
		if i.op != opAwait {
			continue
		}
		a := i.node.(*await)
		a.spills = nil
		for _, d := range fn.deferrals {
			if !may[n][d] {
				continue
			}
			a.spills = append(a.spills, spilledDeferral{d, must[n][d]})
			if !must[n][d] && d.native.flag == "" {
				d.native.flag = fn.local("deferred")
			}
		}
	}
}

// runBefore returns for each instruction the defer statements that have run on one way to it or, if all
// is set, on each.
func (fn *function) runBefore(w *flow, all bool) []map[*deferral]bool {
	before := make([]map[*deferral]bool, len(w.instrs)) // nil: it was not reached
	if len(before) > 0 {
		before[0] = map[*deferral]bool{}
	}
	for changed := true; changed; {
		changed = false
		for n, i := range w.instrs {
			if before[n] == nil {
				continue
			}
			after := map[*deferral]bool{}
			for d := range before[n] {
				after[d] = true
			}
			if i.op == opDefer {
				after[i.node.(*deferral)] = true
			}
			for _, s := range i.successors {
				if before[s] == nil {
					before[s] = after
					changed = true
					continue
				}
				for _, d := range fn.deferrals {
					has := before[s][d] || after[d]
					if all {
						has = before[s][d] && after[d]
					}
					if has != before[s][d] {
						joined := map[*deferral]bool{}
						for o := range before[s] {
							joined[o] = true
						}
						if has {
							joined[d] = true
						} else {
							delete(joined, d)
						}
						before[s] = joined
						changed = true
					}
				}
			}
		}
	}
	return before
}

// variables returns what the function that enters the call in a list has as parameters.
func (d *deferral) variables() []*types.Var {
	vs := slices.Clone(d.native.captured)
	for _, s := range d.saved {
		vs = append(vs, s.vs...)
	}
	return vs
}

// deferFunctions returns the functions that enter deferred calls in a frame's list.
func (f *file) deferFunctions(fn *function) string {
	if !fn.native {
		return ""
	}
	e := &emitter{}
	e.renderer = &renderer{fn: fn, file: f, pointers: varSet{}}
	p := fn.names[fn.panicVar]
	for _, d := range fn.deferrals {
		e.printf("// %s enters what %s defers in line %d in the list of its frame.\n", d.native.name, fn.display, f.unit.fset.Position(d.at.Pos()).Line)
		e.printf("func %s%s(%s *%s", d.native.name, fn.typeParamList(), p, f.generated("Panic"))
		for _, v := range d.variables() {
			e.printf(", %s %s", fn.names[v], fn.storedText(v))
			if fn.isBox(v) {
				e.pointers[v] = true
			}
		}
		e.printf(") {\n")
		e.line(d.at.Pos())
		e.plainDeferral(d)
		e.printf("}\n")
		e.line(token.NoPos)
		e.printf("\n")
	}
	return e.String()
}

// enter returns the call that enters the deferred call in the list at place, where its variables have the
// given names.
func (e *emitter) enter(d *deferral, place string, name func(*types.Var) string) string {
	args := []string{place}
	for _, v := range d.variables() {
		args = append(args, name(v))
	}
	return d.native.name + e.fn.typeParamNames() + "(" + strings.Join(args, ", ") + ")"
}

// deferral writes a defer statement of the start form.
func (e *startEmitter) deferral(d *deferral) {
	fn, f := e.fn, e.file
	e.line(d.at.Pos())
	assign := ":="
	if e.hoisted[d] {
		assign = "="
	}
	for _, s := range d.saved {
		text := e.savedText(s)
		if e.hoisted[d] {
			names := make([]string, len(s.vs))
			for i, v := range s.vs {
				names[i] = fn.names[v]
			}
			text = strings.Join(names, ", ") + " " + assign
		}
		e.printf("%s %s\n", text, e.text(s.value))
	}
	e.checkReceiver(d)
	if d.native.flag != "" {
		e.printf("%s = true\n", d.native.flag)
	}
	suspended := f.generated("Suspended") + "(" + fn.names[fn.t] + ")"
	switch lit, _ := ast.Unparen(d.plain.Fun).(*ast.FuncLit); {
	case lit != nil && fn.takesGuard(lit):
		guarded := *d.plain
		body := *lit.Body
		guard := &ast.ExprStmt{X: raw("if "+suspended+" {\nreturn\n}", lit.Body.Lbrace)}
		body.List = append([]ast.Stmt{guard}, body.List...)
		guarded.Fun = &ast.FuncLit{Type: lit.Type, Body: &body}
		e.printf("defer %s\n", e.text(&guarded))
	case fn.unit.recoversNothing(d):
		e.printf("defer func() {\nif !%s {\n%s\n}\n}()\n", suspended, e.text(d.plain))
	default:
		e.printf("defer func() {\nif %s {\nreturn\n}\n", suspended)
		v := fn.inside("v")
		raise := fmt.Sprintf("if %s := recover(); %s != nil {\npanic(%s)\n}\n", v, v, v)
		if fn.recoveredFrom(d.plain) != nil { // it recovers nothing while this function panics
			e.printf("%s%s\n}()\n", raise, e.text(d.plain))
			break
		}
		e.printf("defer %s // it may recover\n%s}()\n", e.text(d.plain), raise)
	}
}

// takesGuard reports whether a deferred literal can begin with a return statement that looks at t.
func (fn *function) takesGuard(lit *ast.FuncLit) bool {
	if lit.Type.Results != nil && len(lit.Type.Results.List) > 0 {
		return false
	}
	for _, field := range lit.Type.Params.List {
		for _, name := range field.Names {
			if name.Name == fn.names[fn.t] {
				return false
			}
		}
	}
	return true
}

// inside returns a name for a variable of a small block that mentions nothing else but operands.
func (fn *function) inside(hint string) string {
	return fresh(hint, func(s string) bool { return fn.taken[s] || fn.file.isReserved(s) })
}

// recoversNothing reports whether it is known of the call that it does not recover the panic of the
// function that has deferred it.
func (u *unit) recoversNothing(d *deferral) bool {
	fun := ast.Unparen(d.plain.Fun)
	if u.info.Types[fun].IsBuiltin() {
		id, ok := fun.(*ast.Ident)
		return ok && id.Name != "recover"
	}
	callee := d.method
	switch x := fun.(type) {
	case *ast.Ident:
		if f, ok := u.info.Uses[x].(*types.Func); ok {
			callee = f
		}
	case *ast.SelectorExpr:
		if f, ok := u.info.Uses[x.Sel].(*types.Func); ok && callee == nil {
			callee = f
		}
	}
	if callee == nil || d.checksNil {
		return false
	}
	if callee.Pkg() == u.types {
		decl := u.declarations[callee.Origin()]
		return decl != nil && decl.Body != nil && !u.mentionsRecover(decl.Body)
	}
	return callee.Pkg() != nil && calmPackages[callee.Pkg().Path()]
}

// calmPackages are packages of the standard library without a function that recovers its caller's
// panic when it is deferred.
var calmPackages = map[string]bool{"context": true, "net": true, "os": true, "sync": true, "time": true}

// mentionsRecover reports whether the body calls recover, itself or in a literal.
func (u *unit) mentionsRecover(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		found = found || ok && isRecover(u.info, call)
		return !found
	})
	return found
}

// checkReceiver writes the statement that panics if the receiver is a nil interface.
func (e *emitter) checkReceiver(d *deferral) {
	if d.checksNil {
		e.printf("_ = %s // which panics if that is nil\n", e.text(d.plain.Fun))
	}
}

// hoist writes declarations of what deferred calls use, and finds what that is. Only what is declared on
// the function's top level is in scope wherever a frame is made after it.
func (e *startEmitter) hoist() {
	fn := e.fn
	if !fn.native {
		return
	}
	atTop := map[any]bool{}
	for _, n := range fn.body {
		switch n := n.(type) {
		case *deferral:
			atTop[n] = true
		case *code:
			for _, v := range n.declares {
				atTop[v] = true
			}
		case *declare:
			atTop[n.v] = true
		case *await:
			for _, v := range n.declares {
				atTop[v] = true
			}
		}
	}
	for _, d := range fn.deferrals {
		for _, v := range d.native.captured {
			if fn.isLocal[v] && !atTop[v] && !e.early[v] {
				e.early[v] = true
				e.printf("var %s %s\n", fn.names[v], fn.typeOf(v))
			}
		}
		if d.native.flag != "" {
			e.printf("var %s bool\n", d.native.flag)
		}
		if atTop[d] || !fn.isSpilled(d) {
			continue
		}
		e.hoisted[d] = true
		for _, s := range d.saved {
			for _, v := range s.vs {
				e.printf("var %s %s\n", fn.names[v], fn.typeOf(v))
			}
		}
	}
}

// isSpilled reports whether the deferred call may have to be entered in a list.
func (fn *function) isSpilled(d *deferral) bool {
	return slices.ContainsFunc(fn.awaits, func(a *await) bool {
		return slices.ContainsFunc(a.spills, func(s spilledDeferral) bool { return s.d == d })
	})
}

// moveToBoxes writes the boxes of what moves when the frame is made at the call, and returns their names.
func (e *startEmitter) moveToBoxes(a *await) map[*types.Var]string {
	fn := e.fn
	var vs []*types.Var
	add := func(v *types.Var) {
		if e.moverOf(v) != nil && !slices.Contains(vs, v) {
			vs = append(vs, v)
		}
	}
	for _, f := range fn.layout.points[a.point-1].held {
		add(f.v)
	}
	for _, s := range a.spills {
		for _, v := range s.d.native.captured {
			add(v)
		}
	}
	for _, v := range fn.results {
		if fn.isDeferring() && v.Name() != "" && v.Name() != "_" {
			add(v)
		}
	}
	slices.SortFunc(vs, fn.byDeclaration)
	boxes := map[*types.Var]string{}
	for _, v := range vs {
		name := fn.nameOf(v)
		boxes[v] = fn.inside(name + "Box")
		if len(fn.unit.usage[v].inPlace) == 0 {
			e.printf("%s := %s(&%s)\n", boxes[v], e.file.generated("Box"), name)
			continue
		}
		e.printf("%s := %s(&%s, &%s)\n", boxes[v], e.file.generated("BoxOf"), e.moverOf(v).sharedBox(v), name)
	}
	return boxes
}

// sharedBox returns the variable that has the box of v, which functions that are called in place capture:
// whichever of them makes its frame first sets it.
func (fn *function) sharedBox(v *types.Var) string {
	if fn.sharedBoxes[v] == "" {
		if fn.sharedNames[v] == "" {
			fn.sharedNames[v] = fn.local(fn.names[v] + "Moved")
		}
		fn.sharedBoxes[v] = fn.sharedNames[v]
	}
	return fn.sharedBoxes[v]
}

// declareSharedBoxes declares those that the start form mentions.
func (e *startEmitter) declareSharedBoxes() {
	fn := e.fn
	vs := slices.SortedFunc(maps.Keys(fn.sharedBoxes), fn.byDeclaration)
	for _, v := range vs {
		e.printf("var %s %s\n", fn.sharedBoxes[v], fn.storedText(v))
	}
}

// spillDeferred writes what a frame that is being made has of deferred calls.
func (e *startEmitter) spillDeferred(a *await) {
	for _, s := range a.spills {
		call := e.enter(s.d, "&"+e.fn.heldName+".exit.panic", e.storedValue)
		if s.isCertain {
			e.printf("%s\n", call)
			continue
		}
		e.printf("if %s {\n%s\n}\n", s.d.native.flag, call)
	}
}

// exitOf returns the part of a composite literal of a new held part with what lives until the end.
func (e *emitter) exitOf() string {
	fn := e.fn
	var parts []string
	for _, v := range fn.results {
		if v.Name() != "" && v.Name() != "_" {
			parts = append(parts, fn.exit.fields[v]+": "+e.storedValue(v))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("exit: %s{%s}, ", fn.exitType(), strings.Join(parts, ", "))
}
