package compile

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// stored returns the fields of a composite literal that stores variables.
func (e *emitter) stored(fields []field) string {
	var parts []string
	for _, f := range fields {
		if e.fn.isMoved(f.v) {
			continue
		}
		parts = append(parts, f.name+": "+e.storedValue(f.v))
	}
	return strings.Join(parts, ", ")
}

// storedValue returns what is stored for a variable.
func (e *emitter) storedValue(v *types.Var) string {
	name := e.fn.nameOf(v)
	switch {
	case e.boxes[v] != "":
		return e.boxes[v]
	case e.fn.isBox(v) && !e.pointers[v]:
		return "&" + name
	}
	return name
}

// spill stores what lives across the await into the frame, whose variables are fn.frame and
// fn.heldName.
func (e *emitter) spill(a *await) {
	l, s := e.fn.layout, e.fn.layout.points[a.point-1]
	stateResult := s.result != "" && !s.resultHeld
	if s.usesState() {
		point := e.fn.pointName(a.point)
		at := fmt.Sprintf("%s[%s](%s)", e.file.generated("At"), point, e.fn.frame)
		if stateResult || e.fn.movesAny(s.state) {
			e.printf("%s := %s\n", e.fn.state, at)
			at = e.fn.state
		}
		e.printf("*%s = %s{%s}\n", at, point, e.stored(s.state))
		e.move(e.fn.state, s.state)
	}
	switch {
	case l.isBare(s) && e.inStep && l.hasHeld: // nothing dead is kept
		e.printf("if %s != nil {\n*%s = %s{}\n}\n", e.fn.heldName, e.fn.heldName, e.fn.heldType())
	case !l.isBare(s):
		if e.inStep && l.hasBare() {
			e.printf("%s = %s(%s, %s, %s, %s)\n", e.fn.heldName, e.file.generated("Hold"), e.fn.names[e.fn.t], e.kind(), e.fn.frame, e.fn.heldName)
		}
		e.printf("*%s = %s{%s}\n", e.fn.heldName, e.fn.heldType(), e.keptExit()+e.stored(s.held))
		e.move(e.fn.heldName, s.held)
	}
	switch {
	case stateResult:
		e.printf("%s(%s, &%s.%s)\n", e.file.generated(e.resultTo()), e.fn.nameOf(e.fn.t), e.fn.state, s.result)
	case s.result != "":
		e.printf("%s(%s, &%s.%s)\n", e.file.generated(e.resultTo()), e.fn.nameOf(e.fn.t), e.fn.heldName, s.result)
	}
}

// move stores variables that go vet does not let us copy. A group has no users while it is moved.
func (e *emitter) move(to string, fields []field) {
	for _, f := range fields {
		if e.fn.isMoved(f.v) {
			e.printf("%s(&%s.%s, &%s)\n", e.file.generated("Move"), to, f.name, e.fn.nameOf(f.v))
		}
	}
}

func (fn *function) movesAny(fields []field) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return fn.isMoved(f.v) })
}

// isMoved reports whether the variable is stored as a value that must not be copied as Go does.
func (fn *function) isMoved(v *types.Var) bool { return !fn.isBox(v) && isNoCopy(v.Type()) }

// isNoCopy reports whether go vet refuses to copy values of the type.
func isNoCopy(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for m := range types.NewMethodSet(types.NewPointer(t)).Methods() {
			if m.Obj().Name() == "Lock" && !types.IsInterface(t) {
				return true
			}
		}
		for v := range u.Fields() {
			if isNoCopy(v.Type()) {
				return true
			}
		}
	case *types.Array:
		return isNoCopy(u.Elem())
	}
	return false
}

func (fn *function) pointName(point int) string {
	if point == 0 {
		return fn.base + "Args"
	}
	return fmt.Sprintf("%sAt%d", fn.base, point)
}

// sizeText returns the size of the function's state.
func (fn *function) sizeText() string {
	if fn.hasState() {
		return fn.base + "Size"
	}
	return "0"
}

// hasState reports whether the function keeps something without Go pointers while it waits.
func (fn *function) hasState() bool {
	return slices.ContainsFunc(append([]*storage{fn.layout.args}, fn.layout.points...), (*storage).usesState)
}

// usesState reports whether something lies in the state.
func (s *storage) usesState() bool { return len(s.state) > 0 || s.result != "" && !s.resultHeld }

func (fn *function) heldType() string { return fn.base + "Held" + fn.typeParamNames() }

// typeParamNames returns the function's type parameters as arguments, in brackets.
func (fn *function) typeParamNames() string {
	if len(fn.typeParams) == 0 {
		return ""
	}
	names := make([]string, len(fn.typeParams))
	for i, p := range fn.typeParams {
		names[i] = fn.file.typeText(p)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// typeParamList returns the declaration of the function's type parameters, in brackets.
func (fn *function) typeParamList() string {
	return fn.file.typeParamList(fn.typeParams)
}

// resultTo returns the name of the function that says where the callee puts its result.
func (e *emitter) resultTo() string {
	if e.inStep {
		return "ResultToStep"
	}
	return "ResultTo"
}
