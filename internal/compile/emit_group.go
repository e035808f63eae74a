package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// A literal that is the argument of Group.Go is no function value in the output: it is called in
// place, where it does not escape, or begins as a task that has its captured variables in its frame.
// Those of Timeout, Deadline, Shield and WithAllocator are always called in place.

// groupChild returns the group and the literal of a call of Group.Go, if it is called with a literal
// that may suspend, on a group that can be named twice.
func (e *emitter) groupChild(a *await) (group string, child *function) {
	c := &a.callee
	if c.kind != waitCallee || c.fn.Name() != "Go" || c.fn.Signature().Recv() == nil || len(a.call.Args) != 2 {
		return "", nil
	}
	named, _ := receiverType(c.fn.Signature().Recv().Type())
	selector, ok := ast.Unparen(a.call.Fun).(*ast.SelectorExpr)
	if !ok || named == nil || named.Obj().Name() != "Group" {
		return "", nil
	}
	lit, ok := ast.Unparen(a.call.Args[1]).(*ast.FuncLit)
	id, isIdent := ast.Unparen(selector.X).(*ast.Ident)
	if !ok || !isIdent {
		return "", nil
	}
	child = e.file.unit.literals[lit]
	v, isVar := e.file.unit.info.Uses[id].(*types.Var)
	if child == nil || !child.suspends || !isVar {
		return "", nil
	}
	if _, isPointer := v.Type().Underlying().(*types.Pointer); isPointer {
		return e.text(id), child
	}
	return e.text(&ast.UnaryExpr{Op: token.AND, OpPos: id.Pos(), X: id}), child
}

// inPlaceCallee returns the name of the function of package task and the literal that it calls in place,
// if the call is one of those.
func (e *emitter) inPlaceCallee(a *await) (name string, child *function) {
	u := e.file.unit
	lit := inPlaceCall(u.info, a.call)
	if lit == nil || u.literals[lit] == nil {
		return "", nil
	}
	return a.callee.fn.Name(), u.literals[lit]
}

// callStmt writes a call that may suspend, with the left side of its assignment.
func (e *emitter) callStmt(a *await, lhs string) {
	if name, child := e.inPlaceCallee(a); child != nil {
		e.printf("%s%s(", lhs, e.file.generated(name))
		for _, arg := range a.call.Args[:len(a.call.Args)-1] {
			e.printf("%s, ", e.text(arg))
		}
		e.printf("%s)\n", e.file.literalText(child, e.pointers))
		return
	}
	group, child := e.groupChild(a)
	if child == nil {
		e.printf("%s%s\n", lhs, e.callText(a))
		return
	}
	f, t := e.file, e.text(a.call.Args[0])
	e.printf("if %s(%s, %s) {\n", f.generated("GoesInPlace"), t, group)
	e.printf("%s(%s, %s, %s)\n} else {\n", f.generated("GoInPlace"), t, group, f.literalText(child, e.pointers))
	e.printf("%s%s(%s, %s, %s)\n}\n", e.newCall(child), f.generated("GoCall"), t, group, e.fn.call)
}

// newCall returns statements that make e.fn.call a call of the function callee with what it begins with.
func (e *emitter) newCall(callee *function) string {
	f, c, s := e.file, e.fn.call, callee.layout.args
	text := fmt.Sprintf("%s := %s[%s](%s)\n", c, f.generated("NewCall"), callee.resultText(), callee.kindText())
	if len(s.state) > 0 {
		text += fmt.Sprintf("*%s[%s](%s) = %s{%s}\n", f.generated("CallState"), callee.pointName(0), c, callee.pointName(0), e.stored(s.state))
	}
	if len(s.held) > 0 {
		text += fmt.Sprintf("*%s[%s](%s) = %s{%s}\n", f.generated("CallHeld"), callee.heldType(), c, callee.heldType(), e.stored(s.held))
	}
	return text
}
