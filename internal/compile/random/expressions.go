package random

import (
	"fmt"
	"strings"
)

// expr returns an expression of a kind. With depth 0 it is a variable or a constant.
func (g *generator) expr(k kind, depth int) string {
	switch k {
	case ofInt:
		return g.intExpr(depth)
	case ofString:
		return g.stringExpr(depth)
	case ofBool:
		return g.boolExpr(depth)
	case ofSlice:
		return g.listExpr(ofSlice, depth)
	case ofArray:
		return g.listExpr(ofArray, depth)
	case ofMap:
		return g.mapExpr(depth)
	case ofPair:
		return g.pairExpr(depth)
	case ofPairPtr:
		if v := g.perhaps(60, ofPairPtr); v != nil {
			return v.name
		}
		return "&" + g.pairLiteral(depth)
	case ofAny:
		return g.anyExpr(depth)
	case ofShape:
		return g.shapeExpr(depth)
	default:
		return g.errorExpr(depth)
	}
}

// ordered makes a statement whose order of evaluation begins anew.
func (g *generator) ordered(f func()) {
	before := g.order
	g.order = newOrder()
	f()
	g.order = before
}

func (g *generator) constant() string { return fmt.Sprint(g.IntN(12) - 2) }

func (g *generator) intExpr(depth int) string {
	if depth <= 0 {
		if v := g.perhaps(80, ofInt); v != nil {
			return v.name
		}
		return g.constant()
	}
	switch g.IntN(18) {
	case 17:
		return []string{"min(", "max("}[g.IntN(2)] + g.intExpr(depth-1) + ", " + g.intExpr(depth-1) + ")"
	case 0, 1:
		operator := []string{"+", "-", "*", "&", "^", "|"}[g.IntN(6)]
		return g.intExpr(depth-1) + operator + g.parenthesized(g.intExpr(depth-1))
	case 2, 3, 4:
		if g.function.isTask && g.affords(1) {
			return g.called("value(t, tr, %s)", ofInt, depth)
		}
	case 5:
		if g.affords(1) {
			return g.called("tr.Int(%s)", ofInt, depth)
		}
	case 6:
		if v := g.readThrough(ofSlice, ofSlices); v != nil {
			return v.name + "[" + g.parenthesized(g.intExpr(depth-1)) + "&3]"
		}
	case 7:
		if v := g.read(ofArray); v != nil {
			return v.name + "[" + g.parenthesized(g.intExpr(depth-1)) + "&3]"
		}
	case 8:
		if v := g.readThrough(ofMap, ofMaps); v != nil {
			return v.name + "[" + g.intExpr(depth-1) + "]"
		}
	case 9:
		if v := g.read(ofPair); v != nil {
			return v.name + ".a"
		}
	case 10:
		if v := g.readThrough(ofPairPtr, ofPairs); v != nil {
			return v.name + ".b"
		}
	case 11:
		if v := g.readThrough(ofIntPtr, ofInts); v != nil {
			return "*" + v.name
		}
	case 12:
		k := []kind{ofString, ofSlice, ofMap}[g.IntN(3)]
		if k != ofMap || g.order.mayRead(ofMaps) {
			return "len(" + g.expr(k, depth-1) + ")"
		}
	case 13:
		if e := g.functionCall(ofInt, depth); e != "" {
			return e
		}
	case 14:
		if e := g.variableCall(depth); e != "" {
			return e
		}
	case 15:
		if e := g.literalCall(depth); e != "" {
			return e
		}
	default:
		if e := g.shapeCall(depth); e != "" {
			return e
		}
	}
	return g.intExpr(depth - 1)
}

func (g *generator) parenthesized(e string) string {
	if strings.ContainsAny(e, "+-*&^| ") {
		return "(" + e + ")"
	}
	return e
}

// called returns the call of a function that writes nothing, with one argument.
func (g *generator) called(form string, argument kind, depth int) (text string) {
	g.order.call(nil, func() { text = fmt.Sprintf(form, g.expr(argument, depth-1)) })
	return text
}

// arguments returns the arguments of a call behind t and tr.
func (g *generator) arguments(takes []kind, depth int) string {
	var all strings.Builder
	for _, k := range takes {
		all.WriteString(", " + g.expr(k, depth-1))
	}
	return all.String()
}

// functionCall returns the call of a task function with one result of that kind, or nothing.
func (g *generator) functionCall(k kind, depth int) string {
	return g.callOf(depth, func(c *callee) bool { return len(c.results) == 1 && c.results[0] == k })
}

// callOf returns the call of a task function of the program, or nothing if none can be called.
func (g *generator) callOf(depth int, suits func(*callee) bool) (text string) {
	var all []*callee
	for _, c := range g.callees {
		if g.mayCall(c.writes, c.mayPanic) && suits(c) {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return ""
	}
	c := all[g.IntN(len(all))]
	if g.order.read.meets(c.writes) || !g.affords(c.cost) {
		return ""
	}
	g.order.call(c.writes, func() {
		prefix := ""
		switch c.receiver {
		case ofPairPtr:
			v := g.read(ofPairPtr)
			if v == nil {
				prefix = "(&" + g.pairLiteral(0) + ")."
				break
			}
			prefix = v.name + "."
		case ofPair:
			prefix = g.pairExpr(0) + "."
		}
		takes := c.takes
		if c.generic { // the kind that stands for the type parameter
			takes = []kind{[]kind{ofInt, ofString, ofPair}[g.IntN(3)]}
			takes = append(takes, takes[0], ofInt)
			if len(c.results) == 1 {
				takes[0], takes[1] = c.results[0], c.results[0]
			}
		}
		text = prefix + c.name + "(t, tr" + g.arguments(takes, depth) + ")"
	})
	g.wasCalled(c.writes, c.mayPanic)
	return text
}

// mayCall reports whether something can be called here that writes to places.
func (g *generator) mayCall(writes places, mayPanic bool) bool {
	return g.function.isTask && !(g.beside() && len(writes) > 0) && !(g.function.quiet && mayPanic)
}

func (g *generator) wasCalled(writes places, mayPanic bool) {
	for p := range writes {
		g.wrote(p)
	}
	if mayPanic {
		g.panics()
	}
}

// variableCall returns the call of a function value.
func (g *generator) variableCall(depth int) (text string) {
	k := []kind{ofFunc, ofTaskFunc}[g.IntN(2)]
	all := g.visible(k, false)
	if len(all) == 0 || k == ofTaskFunc && !g.function.isTask {
		return ""
	}
	v := all[g.IntN(len(all))]
	isTask := g.function.isTask
	if g.beside() && len(v.writes) > 0 || g.function.quiet && v.mayPanic || g.order.written[v] || g.order.read.meets(v.writes) || !g.affords(v.cost) {
		return ""
	}
	v.used = true
	g.order.call(v.writes, func() {
		if k == ofTaskFunc && isTask {
			text = v.name + "(t" + g.arguments([]kind{ofInt}, depth) + ")"
		} else {
			text = v.name + "(" + g.intExpr(depth-1) + ")"
		}
	})
	g.wasCalled(v.writes, v.mayPanic)
	return text
}

// shapeCall returns the call of a method through an interface.
func (g *generator) shapeCall(depth int) (text string) {
	if !g.function.isTask || g.beside() || g.order.read[ofPairs] || !g.affords(6) {
		return ""
	}
	writes := places{ofPairs: true}
	g.order.call(writes, func() {
		text = g.shapeExpr(depth-1) + ".get(t, tr, " + g.intExpr(depth-1) + ")"
	})
	g.wasCalled(writes, false)
	return text
}

func (g *generator) stringExpr(depth int) string {
	if depth <= 0 {
		if v := g.perhaps(70, ofString); v != nil {
			return v.name
		}
		return fmt.Sprintf("%q", string(rune('a'+g.IntN(26))))
	}
	switch g.IntN(7) {
	case 0:
		return "clip(" + g.stringExpr(depth-1) + "+" + g.stringExpr(depth-1) + ")"
	case 1:
		return "fmt.Sprint(" + g.intExpr(depth-1) + ", " + g.stringExpr(0) + ")"
	case 2, 3:
		if g.function.isTask && g.affords(1) {
			return g.called("pass(t, tr, %s)", ofString, depth)
		}
	case 4:
		if v := g.read(ofPair); v != nil {
			return v.name + ".s"
		}
	case 5:
		if v := g.readThrough(ofPairPtr, ofPairs); v != nil {
			return v.name + ".s"
		}
	default:
		if e := g.functionCall(ofString, depth); e != "" {
			return e
		}
	}
	return g.stringExpr(depth - 1)
}

func (g *generator) boolExpr(depth int) string {
	if depth <= 0 {
		if v := g.perhaps(50, ofBool); v != nil {
			return v.name
		}
		return g.intExpr(0) + []string{" > ", " == ", " <= ", " != "}[g.IntN(4)] + g.constant()
	}
	switch g.IntN(8) {
	case 7:
		k := []kind{ofPair, ofArray}[g.IntN(2)]
		return "(" + g.expr(k, depth-1) + []string{" == ", " != "}[g.IntN(2)] + g.expr(k, depth-1) + ")"
	case 0, 1:
		return "(" + g.boolExpr(depth-1) + []string{" && ", " || "}[g.IntN(2)] + g.comparedCall(depth-1) + ")"
	case 2:
		return "!(" + g.boolExpr(depth-1) + ")"
	case 3:
		return g.stringExpr(depth-1) + []string{" < ", " == ", " >= "}[g.IntN(3)] + g.stringExpr(0)
	case 4:
		if g.function.isTask && g.affords(1) {
			return "wait(t, tr, " + fmt.Sprintf("%q", g.name("w")) + ") == nil"
		}
	}
	return g.intExpr(depth-1) + []string{" > ", " == ", " <= ", " != "}[g.IntN(4)] + g.intExpr(depth-1)
}

// comparedCall compares the result of a call: go vet refuses conditions without calls that exclude each other.
func (g *generator) comparedCall(depth int) string {
	form := "tr.Int(%s)"
	if g.function.isTask && g.chance(60) {
		form = "value(t, tr, %s)"
	}
	return g.called(form, ofInt, depth) + []string{" > ", " == ", " <= ", " != "}[g.IntN(4)] + g.constant()
}

func (g *generator) listExpr(k kind, depth int) string {
	if v := g.perhaps(60, k); v != nil {
		if k == ofSlice && depth > 0 && g.chance(40) {
			return "append(" + v.name + "[:4:4], " + g.intExpr(depth-1) + ")"
		}
		return v.name
	}
	var all []string
	for range 4 {
		all = append(all, g.intExpr(depth-1))
	}
	return g.typeOf(k) + "{" + strings.Join(all, ", ") + "}"
}

func (g *generator) mapExpr(depth int) string {
	if v := g.perhaps(60, ofMap); v != nil {
		return v.name
	}
	return fmt.Sprintf("map[int]int{1: %s, 2: %s}", g.intExpr(depth-1), g.intExpr(depth-1))
}

func (g *generator) pairLiteral(depth int) string {
	return fmt.Sprintf("(%s{%s, %s, %s})", g.typeOf(ofPair), g.intExpr(depth-1), g.intExpr(depth-1), g.stringExpr(depth-1))
}

func (g *generator) pairExpr(depth int) string {
	if v := g.perhaps(70, ofPair); v != nil {
		return v.name
	}
	if g.chance(50) {
		if v := g.readThrough(ofPairPtr, ofPairs); v != nil {
			return "(*" + v.name + ")"
		}
	}
	if depth > 0 {
		if e := g.functionCall(ofPair, depth); e != "" {
			return e
		}
	}
	return g.pairLiteral(depth)
}

func (g *generator) anyExpr(depth int) string {
	if v := g.perhaps(50, ofAny); v != nil {
		return v.name
	}
	return "any(" + g.expr([]kind{ofInt, ofString, ofPair, ofPairPtr}[g.IntN(4)], depth-1) + ")"
}

func (g *generator) shapeExpr(depth int) string {
	if v := g.perhaps(70, ofShape); v != nil {
		return v.name
	}
	if g.chance(50) {
		return g.typeOf(ofShape) + "(" + g.expr(ofPairPtr, depth) + ")"
	}
	return fmt.Sprintf("%s(%snumber(%s))", g.typeOf(ofShape), g.program.Name(), g.intExpr(depth-1))
}

func (g *generator) errorExpr(depth int) string {
	if v := g.perhaps(50, ofError); v != nil {
		return v.name
	}
	if depth > 0 && g.function.isTask && g.affords(1) {
		return "wait(t, tr, " + g.stringExpr(depth-1) + ")"
	}
	return []string{"nil", "error(nil)", "errStep"}[1+g.IntN(2)]
}
