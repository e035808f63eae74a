package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

type varSet map[*types.Var]bool

// findLive finds what is stored at each resume point: the variables that some later instruction
// reads before any assigns to it. A box lives as long as it is used at all, and a variable of which
// only a part is assigned to is used.
func (w *flow) findLive() {
	type effect struct{ uses, defs varSet }
	effects := make([]effect, len(w.instrs))
	before := make([]varSet, len(w.instrs))
	for n, i := range w.instrs {
		e := &effect{varSet{}, varSet{}}
		w.fn.effects(i, e.uses, e.defs)
		effects[n] = *e
		i.live = varSet{}
		if a, ok := i.node.(*await); ok && i.op == opAwait {
			for _, v := range a.pulled {
				i.live[v] = true // also if nothing but a panic reads it
			}
		}
		before[n] = varSet{}
	}
	for changed := true; changed; {
		changed = false
		for n := len(w.instrs) - 1; n >= 0; n-- {
			i := w.instrs[n]
			for _, s := range i.successors {
				maps.Copy(i.live, before[s])
			}
			in := maps.Clone(effects[n].uses)
			for v := range i.live {
				if !effects[n].defs[v] {
					in[v] = true
				}
			}
			if len(in) != len(before[n]) {
				before[n] = in
				changed = true
			}
		}
	}
	for n, i := range w.instrs {
		a, ok := i.node.(*await)
		if !ok || i.op != opAwait {
			continue
		}
		for v := range i.live {
			if !effects[n].defs[v] && !w.fn.isExit(v) {
				a.live = append(a.live, v)
			}
		}
		slices.SortFunc(a.live, w.fn.byDeclaration)
	}
}

// byDeclaration orders variables as the function declares them: captured ones and parameters first.
func (fn *function) byDeclaration(a, b *types.Var) int {
	return fn.number(a) - fn.number(b)
}

func (fn *function) number(v *types.Var) int {
	lists := [][]*types.Var{fn.captured, {fn.recv}, fn.params, fn.results, fn.locals}
	n := 0
	for _, list := range lists {
		if i := slices.Index(list, v); i >= 0 {
			return n + i
		}
		n += len(list)
	}
	return n
}

// isVariable reports whether the step form has the variable on its top level.
func (fn *function) isVariable(v *types.Var) bool {
	return v != nil && v != fn.t && (v == fn.recv || fn.isLocal[v] || slices.Contains(fn.params, v) ||
		slices.Contains(fn.results, v) || slices.Contains(fn.captured, v))
}

// effects adds the variables that an instruction reads and, before it reads them, assigns.
func (fn *function) effects(i *instr, uses, defs varSet) {
	switch i.op {
	case opIf:
		fn.reads(i.cond, uses)
	case opDeclare:
		defs[i.node.(*declare).v] = true
	case opCode:
		fn.codeEffects(i.node.(*code).stmt, i.node.(*code).declares, uses, defs)
	case opDefer:
		for _, n := range i.node.(*deferral).nodes() {
			fn.reads(n, uses)
		}
	case opChoice:
		fn.choiceEffects(i.node.(*choice), uses, defs)
	case opAwait:
		a := i.node.(*await)
		fn.reads(a.call, uses)
		if a.callee.recv != nil {
			fn.reads(a.callee.recv, uses)
		}
		for _, v := range a.lhs {
			switch {
			case v == nil:
			case fn.isBox(v) && !slices.Contains(a.declares, v):
				uses[v] = true
			default:
				defs[v] = true
			}
		}
	case opReturn:
		r := i.node.(*ret)
		for _, e := range r.results {
			fn.reads(e, uses)
		}
		if len(r.results) == 0 && !(r.isEnd && len(fn.results) > 0) {
			for _, v := range fn.results {
				if v.Name() != "_" { // that is always zero
					uses[v] = true
				}
			}
		}
	}
}

func (fn *function) isBox(v *types.Var) bool { return fn.suspends && fn.unit.usage[v].isBox() }

// reads adds the variables that are mentioned in the syntax.
func (fn *function) reads(n ast.Node, uses varSet) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit:
			fn.mentions(x, uses)
			return false
		case *ast.Ident:
			if v, ok := fn.unit.info.Uses[x].(*types.Var); ok && fn.isVariable(v) {
				uses[v] = true
			}
		case *ast.AssignStmt:
			if x.Tok != token.ASSIGN && x.Tok != token.DEFINE {
				break
			}
			for _, e := range x.Lhs {
				if v := fn.whole(e); v == nil || fn.isBox(v) {
					fn.reads(e, uses)
				}
			}
			for _, e := range x.Rhs {
				fn.reads(e, uses)
			}
			return false
		case *ast.RangeStmt: // in which nothing waits: its variables are assigned, perhaps never
			for _, e := range []ast.Expr{x.Key, x.Value} {
				if v := fn.whole(e); e != nil && (v == nil || fn.isBox(v)) {
					fn.reads(e, uses)
				}
			}
			fn.reads(x.X, uses)
			fn.reads(x.Body, uses)
			return false
		case *ast.CallExpr:
			if v := fn.recoveredFrom(x); v != nil {
				uses[v] = true
			}
		case *ast.ReturnStmt:
			if len(x.Results) == 0 {
				for _, v := range fn.results {
					uses[v] = true
				}
			}
		}
		return true
	})
}

// mentions adds the variables of the function that a literal captures.
func (fn *function) mentions(lit *ast.FuncLit, uses varSet) {
	ast.Inspect(lit, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := fn.unit.info.Uses[id].(*types.Var); ok && fn.isVariable(v) {
				uses[v] = true
			}
		}
		return true
	})
}

// whole returns the variable that an expression is, or nil if it is anything else.
func (fn *function) whole(e ast.Expr) *types.Var {
	if e == nil {
		return nil
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	v, _ := fn.unit.info.Uses[id].(*types.Var)
	return v
}

// codeEffects adds the effects of a statement. Only an assignment that the statement itself is ends
// the life of what the variable had before.
func (fn *function) codeEffects(s ast.Stmt, declares []*types.Var, uses, defs varSet) {
	fn.reads(s, uses)
	a, ok := s.(*ast.AssignStmt)
	if !ok {
		return
	}
	for _, v := range declares {
		defs[v] = true
	}
	if a.Tok != token.ASSIGN && a.Tok != token.DEFINE {
		return
	}
	for _, e := range a.Lhs {
		v := fn.whole(e)
		if v == nil || !fn.isVariable(v) {
			continue
		}
		if !fn.isBox(v) {
			defs[v] = true
		}
	}
}

// choiceEffects adds the effects of a choice: the variables of the clauses are those of the clause
// that is chosen, and nothing outside of it sees them.
func (fn *function) choiceEffects(n *choice, uses, defs varSet) {
	fn.reads(n.stmt, uses)
	for _, c := range n.clauses {
		fn.reads(c.head, uses)
		if c.bind != nil {
			defs[c.bind] = true
		}
		for _, v := range c.declares {
			defs[v] = true
		}
	}
}
