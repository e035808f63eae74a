package random

// recovering defers a call that recovers.
func (g *generator) recovering() {
	g.printf("defer func() {\nif v := recover(); v != nil {\ntr.Print(%q, v)\n", g.name("recovered"))
	if f := g.function; f.names != nil {
		g.inLiteral(&function{isTask: f.isTask}, 6, func(*function) {
			g.inScope(func() { g.statement() })
		})
	}
	g.printf("}\n}()\n")
}

// deferStatement defers a call of one of several forms.
func (g *generator) deferStatement() {
	f := g.function
	if !f.mayDefer {
		g.simple()
		return
	}
	if g.weight > 3 {
		g.simple()
		return
	}
	g.ordered(func() {
		switch g.IntN(6) {
		case 0:
			g.printf("defer tr.Print(%q, %s, %s)\n", g.name("deferred"), g.intExpr(2), g.expr(g.anyKind(), 2))
		case 1:
			if e := g.callOf(2, func(*callee) bool { return true }); e != "" {
				g.printf("defer %s\n", e)
			}
		case 2:
			g.recovering()
		case 3:
			if !f.isTask {
				break
			}
			name := g.name("arg")
			argument := g.intExpr(2)
			g.printf("defer func(t *task.T, %s int) ", name)
			g.inLiteral(&function{isTask: true}, 8, func(inner *function) {
				g.inScope(func() {
					g.declare(name, ofInt).used = true
					g.body(inner, 2)
				})
			})
			g.printf("(t, %s)\n", argument)
		default:
			g.printf("defer func() ")
			g.inLiteral(&function{isTask: f.isTask}, 8, func(inner *function) { g.body(inner, 1+g.IntN(3)) })
			g.printf("()\n")
		}
	})
}

// panicStatement panics under a condition.
func (g *generator) panicStatement() {
	if g.function.quiet {
		return
	}
	g.panics()
	cond := ""
	g.ordered(func() { cond = g.boolExpr(2) })
	g.printf("if %s {\n", cond)
	g.ordered(func() {
		switch g.IntN(6) {
		case 5:
			if !g.program.Beside && g.function.isTask {
				g.printf("runtime.Goexit()\n")
			}
		case 0:
			g.printf("var none map[int]int\nnone[%s] = %s\n", g.intExpr(1), g.intExpr(1))
		case 1:
			name := g.name("i")
			g.printf("%s := %s\ntr.Print([]int{1, 2}[%s|8])\n", name, g.intExpr(1), name)
		case 2:
			g.printf("panic(errStep)\n")
		default:
			g.printf("panic(%s)\n", g.stringExpr(2))
		}
	})
	g.printf("}\n")
}
