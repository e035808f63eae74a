package random

import (
	"fmt"
	"strings"
)

// statement makes a statement, or a few that belong together.
func (g *generator) statement() {
	if !g.affords(1) {
		return
	}
	f := g.function
	if f.depth > 2 {
		g.simple()
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	switch g.IntN(30) {
	case 0, 1, 2:
		g.ifStatement()
	case 3, 4, 5, 6:
		g.loop()
	case 7, 8:
		g.switchStatement()
	case 9:
		g.typeSwitch()
	case 10:
		g.gotoStatement()
	case 11, 12:
		g.leave()
	case 13, 14, 15:
		g.deferStatement()
	case 16, 17, 18:
		g.literal()
	case 19:
		g.panicStatement()
	case 20, 21, 22, 23:
		if f.isTask {
			g.waiting()
		}
	default:
		g.simple()
	}
}

// block makes some statements with a scope of their own.
func (g *generator) block() {
	g.printf("{\n")
	g.inScope(func() {
		for range 1 + g.IntN(3) {
			g.statement()
		}
	})
	g.printf("}")
}

// simple makes a statement without others in it.
func (g *generator) simple() {
	g.ordered(func() {
		switch g.IntN(16) {
		case 13:
			g.builtin()
		case 14:
			g.commaOK()
		case 12:
			g.callListed()
		case 0, 1, 2:
			g.declaration()
		case 3:
			g.severalValues()
		case 4, 5, 6, 7:
			g.assignment()
		case 8:
			g.swap()
		case 9:
			if e := g.callOf(2, func(*callee) bool { return true }); e != "" {
				g.printf("%s\n", e)
			}
		default:
			g.printf("tr.Print(%q, %s, %s)\n", g.name("p"), g.expr(g.anyKind(), 2), g.expr(g.anyKind(), 2))
		}
	})
}

// builtin calls a predeclared function that changes something.
func (g *generator) builtin() {
	if g.beside() {
		return
	}
	if v := g.perhaps(50, ofMap); v != nil {
		g.printf("delete(%s, %s)\n", v.name, g.intExpr(2))
		g.wrote(ofMaps)
		return
	}
	if v := g.read(ofSlice); v != nil {
		g.printf("copy(%s, []int{%s, %s})\n", v.name, g.intExpr(2), g.intExpr(2))
		g.wrote(ofSlices)
	}
}

// commaOK defines two variables.
func (g *generator) commaOK() {
	v, ok := g.name("v"), g.name("ok")
	if g.chance(50) {
		g.order.reads(ofMaps)
		g.printf("%s, %s := %s[%s]\n", v, ok, g.mapExpr(1), g.intExpr(2))
	} else {
		g.printf("%s, %s := %s.(int)\n", v, ok, g.anyExpr(2))
	}
	g.declare(v, ofInt)
	g.declare(ok, ofBool)
}

// anyKind returns a kind that can be printed.
func (g *generator) anyKind() kind {
	return []kind{ofInt, ofInt, ofString, ofBool, ofSlice, ofArray, ofMap, ofPair, ofError}[g.IntN(9)]
}

func (g *generator) declaration() {
	k := []kind{ofInt, ofInt, ofString, ofBool, ofSlice, ofArray, ofMap, ofPair, ofPairPtr, ofAny, ofShape, ofError}[g.IntN(12)]
	if k == ofInt && g.chance(30) {
		x, p := g.name("x"), g.name("p")
		g.printf("%s := %s\n%s := &%s\n", x, g.intExpr(2), p, x)
		v := g.declare(x, ofInt)
		v.shared, v.used = true, true
		g.declare(p, ofIntPtr)
		return
	}
	name := g.name("v")
	if k <= ofBool && g.chance(25) || k == ofArray && g.chance(25) {
		g.printf("var %s %s\n", name, g.typeOf(k))
	} else {
		g.printf("var %s %s = %s\n", name, g.typeOf(k), g.expr(k, 3))
	}
	g.declare(name, k)
}

// severalValues assigns the results of a call, or defines variables with them.
func (g *generator) severalValues() {
	var c *callee
	call := g.callOf(2, func(one *callee) bool {
		if len(one.results) == 2 {
			c = one
		}
		return one == c
	})
	if call == "" || !strings.Contains(call, c.name+"(") {
		return
	}
	if g.chance(50) {
		a, b := g.name("v"), g.name("v")
		g.printf("%s, %s := %s\n", a, b, call)
		g.declare(a, c.results[0])
		g.declare(b, c.results[1])
		return
	}
	g.printf("%s, %s = %s\n", g.target(c.results[0]), g.target(c.results[1]), call)
}

// target returns what a value of a kind can be assigned to.
func (g *generator) target(k kind) string {
	if k == ofInt {
		switch g.IntN(6) {
		case 0:
			if v := g.readHere(ofSlice); v != nil {
				g.wrote(ofSlices)
				return fmt.Sprintf("%s[%s&3]", v.name, g.parenthesized(g.intExpr(2)))
			}
		case 1:
			if v := g.assigned(ofArray); v != nil {
				g.order.mayRead(v.places()...)
				return fmt.Sprintf("%s[%s&3]", v.name, g.parenthesized(g.intExpr(2)))
			}
		case 2:
			if v := g.readHere(ofMap); v != nil {
				g.wrote(ofMaps)
				return fmt.Sprintf("%s[%s]", v.name, g.intExpr(2))
			}
		case 3:
			if v := g.readHere(ofPairPtr); v != nil {
				g.wrote(ofPairs)
				return v.name + ".a"
			}
		case 4:
			if v := g.readHere(ofIntPtr); v != nil {
				g.wrote(ofInts)
				return "*" + v.name
			}
		default:
			if v := g.assigned(ofPair); v != nil {
				return v.name + ".b"
			}
		}
	}
	if v := g.assigned(k); v != nil {
		return v.name
	}
	return "_"
}

// readHere returns a variable whose memory may be written.
func (g *generator) readHere(k kind) *variable {
	if g.beside() {
		return nil
	}
	return g.read(k)
}

// assigned returns a variable that may be assigned, and notes that it is.
func (g *generator) assigned(k kind) *variable {
	all := g.visible(k, true)
	if len(all) == 0 {
		return nil
	}
	v := all[g.IntN(len(all))]
	g.wrote(v.places()...)
	return v
}

func (g *generator) assignment() {
	k := []kind{ofInt, ofInt, ofInt, ofString, ofBool, ofSlice, ofArray, ofMap, ofPair, ofPairPtr, ofAny, ofShape, ofError}[g.IntN(13)]
	to := g.target(k)
	switch {
	case to == "_":
		g.printf("_ = %s\n", g.expr(k, 3))
	case k == ofInt && g.chance(50):
		// The old value may be read before the calls on the right, or after them.
		g.readTarget(to)
		if g.chance(20) {
			g.printf("%s%s\n", to, []string{"++", "--"}[g.IntN(2)])
			return
		}
		g.printf("%s %s= %s\n", to, []string{"+", "-", "*", "^", "|"}[g.IntN(5)], g.intExpr(3))
	default:
		g.assign(to, g.expr(k, 3))
	}
}

// assign makes an assignment. One of a variable to itself, which go vet refuses, becomes a use.
func (g *generator) assign(to, value string) {
	if to == value {
		to = "_"
	}
	g.printf("%s = %s\n", to, value)
}

// readTarget notes that what is assigned is read, too.
func (g *generator) readTarget(to string) {
	for s := g.scope; s != nil; s = s.outer {
		for _, v := range s.variables {
			if v.name == to || strings.HasPrefix(to, v.name+"[") || strings.HasPrefix(to, v.name+".") {
				g.order.reads(v.places()...)
			}
		}
	}
	g.order.reads(ofSlices, ofMaps, ofPairs, ofInts)
}

// swap assigns several values at once.
func (g *generator) swap() {
	k := []kind{ofInt, ofInt, ofString}[g.IntN(3)]
	a, b := g.target(k), g.target(ofInt)
	if a == b && a != "_" {
		return
	}
	x, y := g.expr(k, 2), g.intExpr(2)
	if a == x {
		a = "_"
	}
	if b == y {
		b = "_"
	}
	g.printf("%s, %s = %s, %s\n", a, b, x, y)
}

func (g *generator) ifStatement() {
	g.inScope(func() {
		cond := ""
		g.ordered(func() {
			if g.chance(25) {
				name := g.name("v")
				cond = fmt.Sprintf("%s := %s; ", name, g.intExpr(2))
				g.declare(name, ofInt).used = true
				g.order = newOrder()
				cond += name + " > " + g.intExpr(1)
			} else {
				cond = g.boolExpr(2)
			}
		})
		g.printf("if %s ", cond)
		g.block()
		if g.chance(25) {
			g.ordered(func() { cond = g.boolExpr(2) })
			g.printf(" else if %s ", cond)
			g.block()
		}
		if g.chance(40) {
			g.printf(" else ")
			g.block()
		}
		g.printf("\n")
	})
}

func (g *generator) switchStatement() {
	j := g.enter(isSwitch)
	text := g.captured(func() {
		tagged := g.chance(60)
		count := 1 + g.IntN(4)
		tag := ""
		g.ordered(func() {
			if tagged {
				tag = g.parenthesized(g.intExpr(2)) + "&3"
			}
		})
		g.printf("switch %s {\n", tag)
		byDefault := g.IntN(6)
		for i := range count {
			switch {
			case i == byDefault:
				g.printf("default:\n")
			case tagged && g.chance(25):
				g.ordered(func() { g.printf("case %d, %s:\n", i, g.called("tr.Int(%s)", ofInt, 1)) })
			case tagged && g.function.isTask && g.chance(40):
				g.ordered(func() { g.printf("case %s:\n", g.called("value(t, tr, %s)", ofInt, 1)) })
			case tagged:
				g.printf("case %d:\n", i)
			default:
				g.ordered(func() {
					g.printf("case %s && %s:\n", g.boolExpr(1), g.comparedCall(1))
				})
			}
			g.inScope(func() {
				for range 1 + g.IntN(3) {
					g.statement()
				}
			})
			if i < count-1 && g.chance(15) {
				g.printf("fallthrough\n")
			}
		}
		g.printf("}\n")
	})
	g.exit(j, text)
}

func (g *generator) typeSwitch() {
	j := g.enter(isSwitch)
	text := g.captured(func() {
		operand := ""
		g.ordered(func() { operand = g.anyExpr(2) })
		name := g.name("v")
		g.printf("switch %s := %s.(type) {\n", name, operand)
		for _, k := range []kind{ofInt, ofString, ofPair, ofPairPtr}[g.IntN(3):] {
			g.printf("case %s:\n", g.typeOf(k))
			g.inScope(func() {
				g.printf("_ = %s\n", name)
				g.declare(name, k).used = true
				for range 1 + g.IntN(2) {
					g.statement()
				}
			})
		}
		if g.chance(40) {
			g.printf("default:\n")
			g.inScope(func() {
				g.printf("tr.Print(%q, %s != nil)\n", name, name)
				g.statement()
			})
		}
		g.printf("}\n")
	})
	g.exit(j, text)
}
