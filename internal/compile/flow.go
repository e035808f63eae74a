package compile

import (
	"go/ast"
	"go/token"
)

// An instr is an element of the flat form of a function: what the step form is printed from, and
// what liveness is computed on.
type instr struct {
	op    op
	node  node     // of opCode, opDeclare, opAwait, opReturn, opChoice
	cond  ast.Expr // of opIf, which jumps if it is false
	label *label   // of opLabel, opGoto and opIf
	pos   token.Pos

	successors []int
	live       varSet // behind the instruction
}

type op int

const (
	opCode op = iota
	opDeclare
	opAwait
	opReturn // the end of the function as well
	opChoice
	opIf
	opGoto
	opLabel
	opDefer
)

// flow is the flat form of a function.
type flow struct {
	fn     *function
	instrs []*instr
	labels map[string]*label // of the source
	gotos  map[string]bool
}

func flatten(fn *function) *flow {
	w := &flow{fn: fn, labels: map[string]*label{}}
	w.nodes(fn.body)
	w.add(&instr{op: opReturn, node: &ret{isEnd: true}})
	w.clean()
	w.link()
	return w
}

func (w *flow) add(i *instr) { w.instrs = append(w.instrs, i) }

func (w *flow) nodes(list []node) {
	for _, n := range list {
		w.node(n)
	}
}

func (w *flow) sourceLabel(name string) *label {
	if w.labels[name] == nil {
		w.labels[name] = &label{hint: name}
	}
	return w.labels[name]
}

func (w *flow) node(n node) {
	switch n := n.(type) {
	case *code:
		w.add(&instr{op: opCode, node: n, pos: n.pos})
	case *declare:
		w.add(&instr{op: opDeclare, node: n, pos: n.pos})
	case *await:
		w.add(&instr{op: opAwait, node: n, pos: n.pos})
	case *deferral:
		w.add(&instr{op: opDefer, node: n, pos: n.at.Pos()})
	case *ret:
		w.add(&instr{op: opReturn, node: n, pos: n.pos})
	case *labelled:
		w.add(&instr{op: opLabel, label: w.sourceLabel(n.name)})
	case *goTo:
		w.add(&instr{op: opGoto, label: w.sourceLabel(n.name), pos: n.pos})
	case *jump:
		w.add(&instr{op: opGoto, label: n.label(), pos: n.pos})
	case *block:
		n.end.hint = "end"
		w.nodes(n.body)
		w.add(&instr{op: opLabel, label: &n.end})
	case *branch:
		els, end := &label{hint: "else"}, &label{hint: "end"}
		if len(n.els) == 0 {
			els = end
		}
		w.add(&instr{op: opIf, cond: n.cond, label: els, pos: n.pos})
		w.nodes(n.then)
		if len(n.els) > 0 {
			w.add(&instr{op: opGoto, label: end})
			w.add(&instr{op: opLabel, label: els})
			w.nodes(n.els)
		}
		w.add(&instr{op: opLabel, label: end})
	case *loop:
		w.loop(n)
	case *choice:
		w.choice(n)
	}
}

// label returns where the jump goes to.
func (j *jump) label() *label {
	if j.next {
		return &j.to.top
	}
	return &j.to.end
}

func (w *flow) loop(n *loop) {
	n.end.hint, n.top.hint = "end", "next"
	if n.init != nil {
		w.node(n.init)
	}
	again := &n.top
	if n.post != nil {
		again = &label{hint: "loop"}
	}
	again.hint = "loop"
	w.add(&instr{op: opLabel, label: again})
	if n.cond != nil {
		w.add(&instr{op: opIf, cond: n.cond, label: &n.end, pos: n.pos})
	}
	w.nodes(n.body)
	if n.post != nil {
		w.add(&instr{op: opLabel, label: &n.top})
		w.node(n.post)
	}
	w.add(&instr{op: opGoto, label: again})
	w.add(&instr{op: opLabel, label: &n.end})
}

// choice dispatches to the bodies, which follow one after the other.
func (w *flow) choice(n *choice) {
	n.end.hint = "end"
	for _, c := range n.clauses {
		c.start.hint = "case"
	}
	w.add(&instr{op: opChoice, node: n, pos: n.pos})
	if !n.hasDefault() {
		w.add(&instr{op: opGoto, label: &n.end})
	}
	for _, c := range n.clauses {
		w.add(&instr{op: opLabel, label: &c.start})
		w.nodes(c.body)
		if !c.falls {
			w.add(&instr{op: opGoto, label: &n.end})
		}
	}
	w.add(&instr{op: opLabel, label: &n.end})
}

// hasDefault reports whether one of the clauses is always chosen.
func (n *choice) hasDefault() bool {
	if _, ok := n.stmt.(*ast.SelectStmt); ok {
		return true
	}
	for _, c := range n.clauses {
		if k, ok := c.head.(*ast.CaseClause); ok && k.List == nil {
			return true
		}
	}
	return false
}

// targetsOf returns the labels that an instruction may jump to.
func (w *flow) targetsOf(i *instr) (ls []*label) {
	switch i.op {
	case opIf, opGoto:
		ls = append(ls, i.label)
	case opChoice:
		for _, c := range i.node.(*choice).clauses {
			ls = append(ls, &c.start)
		}
	case opCode:
		n := i.node.(*code)
		for _, j := range n.jumps {
			ls = append(ls, j.label())
		}
		ast.Inspect(n.stmt, func(n ast.Node) bool {
			if b, ok := n.(*ast.BranchStmt); ok && b.Tok == token.GOTO {
				if l := w.labels[b.Label.Name]; l != nil {
					ls = append(ls, l)
				}
			}
			_, isLit := n.(*ast.FuncLit)
			return !isLit
		})
	}
	return ls
}

// falls reports whether what follows the instruction may come after it.
func (i *instr) falls() bool {
	switch i.op {
	case opReturn, opGoto:
		return false
	case opChoice:
		return !i.node.(*choice).hasDefault()
	case opCode:
		return !terminates(i.node.(*code).stmt)
	}
	return true
}

// clean removes what is never reached, jumps to what follows, and labels that nothing jumps to,
// until nothing changes.
func (w *flow) clean() {
	for changed := true; changed; {
		changed = false
		used := map[*label]bool{}
		for _, i := range w.instrs {
			for _, l := range w.targetsOf(i) {
				used[l] = true
			}
		}
		kept := w.instrs[:0:0]
		reached := true
		for n, i := range w.instrs {
			switch {
			case i.op == opLabel && !used[i.label]:
				changed = true
				continue
			case i.op == opLabel:
				reached = true
			case !reached:
				changed = true
				continue
			case i.op == opGoto && w.follows(n+1, i.label):
				changed = true
				continue
			}
			kept = append(kept, i)
			if !i.falls() {
				reached = false
			}
		}
		w.instrs = kept
	}
}

// follows reports whether the label stands at instruction n, with nothing but labels before it.
func (w *flow) follows(n int, l *label) bool {
	for ; n < len(w.instrs) && w.instrs[n].op == opLabel; n++ {
		if w.instrs[n].label == l {
			return true
		}
	}
	return false
}

// link finds the successors of each instruction.
func (w *flow) link() {
	at := map[*label]int{}
	for n, i := range w.instrs {
		if i.op == opLabel {
			at[i.label] = n
		}
	}
	for n, i := range w.instrs {
		if i.falls() && n+1 < len(w.instrs) {
			i.successors = append(i.successors, n+1)
		}
		for _, l := range w.targetsOf(i) {
			i.successors = append(i.successors, at[l])
		}
	}
}

// terminates reports whether the statement is a terminating one by the language's rules, so that
// nothing follows it.
func terminates(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.GOTO
	case *ast.ExprStmt:
		if call, ok := ast.Unparen(s.X).(*ast.CallExpr); ok {
			id, ok := ast.Unparen(call.Fun).(*ast.Ident)
			return ok && id.Name == "panic"
		}
	case *ast.BlockStmt:
		return len(s.List) > 0 && terminates(s.List[len(s.List)-1])
	case *ast.IfStmt:
		return s.Else != nil && terminates(s.Body) && terminates(s.Else)
	case *ast.LabeledStmt:
		return terminates(s.Stmt)
	case *ast.ForStmt:
		return s.Cond == nil && !hasBreak(s)
	case *ast.SwitchStmt:
		return !hasBreak(s) && clausesTerminate(s.Body, false)
	case *ast.TypeSwitchStmt:
		return !hasBreak(s) && clausesTerminate(s.Body, false)
	case *ast.SelectStmt:
		return !hasBreak(s) && clausesTerminate(s.Body, true)
	}
	return false
}

// clausesTerminate reports whether each clause ends in a terminating statement, and one is chosen.
func clausesTerminate(body *ast.BlockStmt, isSelect bool) bool {
	chosen := isSelect
	for _, c := range body.List {
		var list []ast.Stmt
		switch c := c.(type) {
		case *ast.CaseClause:
			list = c.Body
			chosen = chosen || c.List == nil
		case *ast.CommClause:
			list = c.Body
		}
		if len(list) == 0 {
			return false
		}
		last := list[len(list)-1]
		if b, ok := last.(*ast.BranchStmt); !terminates(last) && !(ok && b.Tok == token.FALLTHROUGH) {
			return false
		}
	}
	return chosen
}

// hasBreak reports whether any break statement is in the loop, even if it leaves another one.
func hasBreak(s ast.Node) (found bool) {
	ast.Inspect(s, func(n ast.Node) bool {
		if b, ok := n.(*ast.BranchStmt); ok && b.Tok == token.BREAK {
			found = true
		}
		_, isLit := n.(*ast.FuncLit)
		return !isLit
	})
	return found
}
