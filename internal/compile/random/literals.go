package random

// inLiteral makes a literal, which may execute limit statements each time that it is called. It returns how
// many it does.
func (g *generator) inLiteral(f *function, limit int, make func(*function)) (cost int) {
	outer, before, weight, most := g.function, g.cost, g.weight, g.limit
	f.outer, f.writes, f.depth = outer, places{}, outer.depth
	f.quiet = f.quiet || outer.quiet
	g.function, g.cost, g.weight, g.limit = f, 0, 1, limit
	make(f)
	cost = g.cost + 1
	g.function, g.cost, g.weight, g.limit = outer, before+cost*weight, weight, most
	return cost
}

// listed returns a list of functions that is declared in this one, or nil.
func (g *generator) listed() *variable {
	for _, v := range g.visible(ofFuncs, true) {
		if v.owner == g.function {
			return v
		}
	}
	return nil
}

// keptLiteral adds a function to a list, so that it outlives the block in which it is.
func (g *generator) keptLiteral() {
	list := g.listed()
	if list == nil {
		name := g.name("list")
		g.printf("var %s []func(int) int\n", name)
		list = g.declare(name, ofFuncs)
	}
	argument := g.name("arg")
	g.printf("%s = append(%s, func(%s int) ", list.name, list.name, argument)
	g.inScope(func() {
		g.declare(argument, ofInt).used = true
		g.inLiteral(&function{results: []kind{ofInt}, mayDefer: true}, 4, func(inner *function) {
			g.resultList(inner)
			g.body(inner, 1)
		})
	})
	g.printf(")\n")
	list.used = true
}

// callListed calls the functions of a list.
func (g *generator) callListed() {
	list := g.listed()
	if list == nil || !g.affords(8) {
		return
	}
	list.used = true
	f, i := g.name("fn"), g.name("i")
	g.printf("for %s, %s := range %s {\n", i, f, list.name)
	if g.function.isTask && g.chance(50) {
		g.printf("value(t, tr, %s)\n", i)
	}
	g.printf("tr.Print(%s(%s))\n}\n", f, i)
}

// literal declares a variable that is a function.
func (g *generator) literal() {
	if g.chance(25) {
		g.keptLiteral()
		return
	}
	k := []kind{ofFunc, ofTaskFunc, ofTaskFunc}[g.IntN(3)]
	inner := &function{results: []kind{ofInt}, isTask: k == ofTaskFunc, mayDefer: true}
	name, argument := g.name("fn"), g.name("arg")
	cost := 0
	g.printf("%s := func(", name)
	if k == ofTaskFunc {
		g.printf("t *task.T, ")
	}
	g.printf("%s int) ", argument)
	g.inScope(func() {
		g.declare(argument, ofInt).used = true
		cost = g.inLiteral(inner, 12, func(inner *function) {
			g.resultList(inner)
			g.body(inner, 1+g.IntN(3))
		})
	})
	g.printf("\n")
	v := g.declare(name, k)
	v.writes, v.mayPanic, v.cost = inner.writes, inner.mayPanic, cost
}

// literalCall returns a literal that is called. It writes nothing outside, since what is around it in the
// expression may read that.
func (g *generator) literalCall(depth int) (text string) {
	if !g.affords(6) {
		return ""
	}
	isTask := g.function.isTask && g.chance(60)
	g.order.call(nil, func() {
		name, argument := g.name("arg"), g.intExpr(depth-1)
		text = g.captured(func() {
			if isTask {
				g.printf("func(t *task.T, %s int) ", name)
			} else {
				g.printf("func(%s int) ", name)
			}
			g.inScope(func() {
				g.scope.barrier = true
				g.declare(name, ofInt).used = true
				inner := &function{results: []kind{ofInt}, isTask: isTask, mayDefer: true}
				g.inLiteral(inner, 6, func(inner *function) {
					g.resultList(inner)
					g.body(inner, 1+g.IntN(2))
				})
			})
			if isTask {
				g.printf("(t, %s)", argument)
			} else {
				g.printf("(%s)", argument)
			}
		})
	})
	return text
}
