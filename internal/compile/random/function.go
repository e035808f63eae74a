package random

import (
	"fmt"
	"strings"
)

func (g *generator) declareTypes() {
	name := g.program.Name()
	g.printf(`type %[1]spair struct {
	a, b int
	s string
}

type %[1]snumber int

type %[1]sshape interface {
	get(t *task.T, tr *cases.Trace, n int) int
}

func (x %[1]snumber) get(t *task.T, tr *cases.Trace, n int) int {
	return value(t, tr, int(x)+n) + value(t, tr, n)
}

func (x *%[1]spair) get(t *task.T, tr *cases.Trace, n int) int {
	x.a += value(t, tr, n)
	return x.a
}

`, name)
}

// declareFunction makes a function or method, which those after it can call.
func (g *generator) declareFunction() {
	c := &callee{receiver: ofBool}
	results := [][]kind{{ofInt}, {ofInt}, {ofInt}, {ofString}, {ofPair}, {ofInt, ofError}, {ofInt, ofString}, {ofError}, {}}[g.IntN(9)]
	for range g.IntN(3) {
		c.takes = append(c.takes, []kind{ofInt, ofInt, ofString, ofSlice, ofMap, ofPairPtr, ofPair, ofAny, ofShape}[g.IntN(9)])
	}
	switch g.IntN(6) {
	case 0:
		c.receiver = ofPair
	case 1:
		c.receiver = ofPairPtr
	case 2:
		g.declareGeneric()
		return
	}
	c.results = results
	g.inFunction(&function{results: results, isTask: true, mayDefer: true, writes: places{}}, 20, func(f *function) {
		if c.receiver == ofBool {
			c.name = g.topName("f")
			g.printf("func %s(t *task.T, tr *cases.Trace", c.name)
		} else {
			c.name = g.name("m")
			v := g.declare(g.name("recv"), c.receiver)
			g.printf("func (%s %s) %s(t *task.T, tr *cases.Trace", v.name, g.typeOf(c.receiver), c.name)
			v.used = true
		}
		for _, k := range c.takes {
			v := g.declare(g.name("arg"), k)
			v.used = true
			g.printf(", %s %s", v.name, g.typeOf(k))
		}
		g.printf(") ")
		g.resultList(f)
		if c.receiver == ofBool && len(c.takes) > 0 && c.takes[0] == ofInt && g.chance(40) {
			f.again = func() { g.recursion(c) }
		}
		g.body(f, 1+g.IntN(3))
		c.writes, c.mayPanic = f.writes, f.mayPanic
		c.cost = g.cost + 1
		if f.again != nil {
			c.cost *= 4
		}
	})
	g.printf("\n\n")
	g.callees = append(g.callees, c)
}

// recursion makes a call of a function in itself. Its first parameter says how many follow.
func (g *generator) recursion(c *callee) {
	depth := g.scope.outer.variables[0].name
	g.printf("if %s &= 3; %s > 0 {\n", depth, depth)
	g.ordered(func() {
		g.printf("%s(t, tr, %s-1%s)\n", c.name, depth, g.arguments(c.takes[1:], 2))
	})
	g.printf("}\n")
}

// declareGeneric makes a function with a type parameter, whose variables are not known by kinds.
func (g *generator) declareGeneric() {
	c := &callee{name: g.topName("g"), receiver: ofBool, generic: true, cost: 10, writes: places{}}
	c.results = []kind{[]kind{ofInt, ofString, ofPair}[g.IntN(3)]}
	g.printf("func %s[E any](t *task.T, tr *cases.Trace, a, b E, n int) (r E) {\n", c.name)
	for range 1 + g.IntN(2) {
		switch g.IntN(7) {
		case 0:
			g.printf("a, b = pass(t, tr, b), a\n")
		case 1:
			g.printf("for i := range 2 {\nif value(t, tr, n+i) > %s {\nbreak\n}\nb = pass(t, tr, a)\n}\n", g.constant())
		case 2:
			g.printf("if value(t, tr, n)&1 == 0 {\nr = b\n}\n")
		case 3:
			g.printf("for _, v := range []E{a, pass(t, tr, b)} {\ndefer func() { tr.Print(v, n) }()\nr = v\n}\n")
		case 4:
			name := g.name("set")
			g.printf("%s := func(t *task.T, v E) E { a = pass(t, tr, v); n++; return b }\nb = %s(t, b)\n", name, name)
		case 5:
			g.printf("defer func() {\nif n > %s {\nr = pass(t, tr, a)\n}\n}()\n", g.constant())
		default:
			g.printf("for v := range each(tr, a, b, r) {\nr = pass(t, tr, v)\nif n--; n&1 == 0 {\ncontinue\n}\na = v\n}\n")
		}
	}
	g.printf("tr.Print(%q, a, b, n)\nif value(t, tr, n) > %s {\nreturn\n}\nreturn a\n}\n\n", c.name, g.constant())
	g.callees = append(g.callees, c)
}

// declareMain makes the function that the program begins with.
func (g *generator) declareMain() {
	g.inFunction(&function{results: []kind{ofInt, ofError}, isTask: true, mayDefer: true, writes: places{}}, 70, func(f *function) {
		g.printf("func %s(t *task.T, tr *cases.Trace, ", g.program.Name())
		g.declare("n", ofInt).used = true
		g.printf("n int) ")
		g.resultList(f)
		g.body(f, 2+g.IntN(4))
	})
	g.printf("\n")
}

// inFunction makes a function at the top, which may execute limit statements.
func (g *generator) inFunction(f *function, limit int, make func(*function)) {
	g.function, g.weight, g.cost, g.limit = f, 1, 0, limit
	g.scope = &scope{}
	make(f)
	g.scope, g.function = nil, nil
}

// resultList makes the results of a function, some of which have names.
func (g *generator) resultList(f *function) {
	if len(f.results) > 0 && g.chance(50) {
		for _, k := range f.results {
			v := g.declare(g.name("r"), k)
			v.used = true
			f.names = append(f.names, v.name)
		}
	}
	var all []string
	for i, k := range f.results {
		if f.names != nil {
			all = append(all, f.names[i]+" "+g.typeOf(k))
		} else {
			all = append(all, g.typeOf(k))
		}
	}
	g.printf("(%s) ", strings.Join(all, ", "))
}

// body makes the body of a function with that many statements at the top.
func (g *generator) body(f *function, statements int) {
	g.printf("{\n")
	if f.mayDefer && g.chance(20) {
		g.recovering()
	}
	g.inScope(func() {
		if f.again != nil {
			f.again()
		}
		for range statements {
			g.statement()
		}
		g.callListed()
		g.show()
		g.useAll()
		g.ordered(g.returns)
	})
	g.printf("}")
}

// show prints what can be seen of some variables.
func (g *generator) show() {
	g.ordered(func() {
		g.printf("tr.Print(%q", g.name("show"))
		for _, k := range []kind{ofInt, ofInt, ofString, ofSlice, ofArray, ofMap, ofPair, ofBool} {
			if v := g.perhaps(60, k); v != nil {
				g.printf(", %s", v.name)
			}
		}
		if v := g.readThrough(ofPairPtr, ofPairs); v != nil {
			g.printf(", *%s", v.name)
		}
		g.printf(")\n")
	})
}

// returns makes a return statement.
func (g *generator) returns() {
	f := g.function
	if len(f.results) == 0 || f.names != nil && g.chance(40) {
		g.printf("return\n")
		return
	}
	if f.child {
		g.printf("return nil\n")
		return
	}
	if len(f.results) > 1 && g.chance(25) {
		if call := g.callOf(2, func(c *callee) bool { return fmt.Sprint(c.results) == fmt.Sprint(f.results) }); call != "" {
			g.printf("return %s\n", call)
			return
		}
	}
	var all []string
	for _, k := range f.results {
		all = append(all, g.expr(k, 2))
	}
	g.printf("return %s\n", strings.Join(all, ", "))
}
