package compile

import (
	"fmt"
	"strings"
)

// stored returns the fields of a composite literal that stores variables.
func (e *emitter) stored(fields []field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		value := e.fn.nameOf(f.v)
		if e.fn.isBox(f.v) && !e.pointers[f.v] {
			value = "&" + value
		}
		parts[i] = f.name + ": " + value
	}
	return strings.Join(parts, ", ")
}

// spill stores what lives across the await into the frame, whose variables are fn.frame and
// fn.heldName.
func (e *emitter) spill(a *await) {
	l, s := e.fn.layout, e.fn.layout.points[a.point-1]
	stateResult := s.result != "" && !s.resultHeld
	if len(s.state) > 0 || stateResult {
		point := e.fn.pointName(a.point)
		at := fmt.Sprintf("%s[%s](%s)", e.file.generated("At"), point, e.fn.frame)
		if stateResult {
			e.printf("%s := %s\n", e.fn.state, at)
			at = e.fn.state
		}
		e.printf("*%s = %s{%s}\n", at, point+e.fn.noArgs(), e.stored(s.state))
	}
	if l.hasHeld {
		e.printf("*%s = %s{%s}\n", e.fn.heldName, e.fn.heldType(), e.stored(s.held))
	}
	switch {
	case stateResult:
		e.printf("%s(%s, &%s.%s)\n", e.file.generated(e.resultTo()), e.fn.nameOf(e.fn.t), e.fn.state, s.result)
	case s.result != "":
		e.printf("%s(%s, &%s.%s)\n", e.file.generated(e.resultTo()), e.fn.nameOf(e.fn.t), e.fn.heldName, s.result)
	}
}

func (fn *function) noArgs() string { return "" }

func (fn *function) pointName(point int) string {
	if point == 0 {
		return fn.base + "Args"
	}
	return fmt.Sprintf("%sAt%d", fn.base, point)
}

func (fn *function) stateType() string { return fn.base + "State" }
func (fn *function) heldType() string  { return fn.base + "Held" + fn.typeParamNames() }

// typeParamNames returns the function's type parameters as arguments, in brackets.
func (fn *function) typeParamNames() string {
	if len(fn.typeParams) == 0 {
		return ""
	}
	names := make([]string, len(fn.typeParams))
	for i, p := range fn.typeParams {
		names[i] = p.Obj().Name()
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// typeParamList returns the declaration of the function's type parameters, in brackets.
func (fn *function) typeParamList() string {
	if len(fn.typeParams) == 0 {
		return ""
	}
	parts := make([]string, len(fn.typeParams))
	for i, p := range fn.typeParams {
		parts[i] = p.Obj().Name() + " " + fn.file.typeText(p.Constraint())
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// resultTo returns the name of the function that says where the callee puts its result.
func (e *emitter) resultTo() string {
	if e.inStep {
		return "ResultToStep"
	}
	return "ResultTo"
}
