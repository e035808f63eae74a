package random

import "fmt"

// waiting makes a statement that uses package task.
func (g *generator) waiting() {
	switch g.IntN(4) {
	case 0:
		g.scopeCall()
	case 1:
		g.locked()
	case 2:
		g.queue()
	default:
		g.selectStatement()
	}
	if g.program.Beside && !g.beside() {
		g.group()
	}
}

// scopeCall calls a literal under other conditions.
func (g *generator) scopeCall() {
	name := g.name("err")
	g.printf("%s := task.%s func(t *task.T) ", name, []string{"Timeout(t, hour,", "Shield(t,"}[g.IntN(2)])
	g.inScope(func() {
		g.inLiteral(&function{results: []kind{ofError}, isTask: true, mayDefer: true}, 12, func(inner *function) {
			g.resultList(inner)
			g.body(inner, 1+g.IntN(3))
		})
	})
	g.printf(")\n")
	g.declare(name, ofError)
}

func (g *generator) locked() {
	name := g.name("mu")
	g.printf("var %s task.Mutex\nif %s.Lock(t) == nil ", name, name)
	g.printf("{\n")
	g.block()
	g.printf("\n%s.Unlock()\n}\n", name)
}

// queue makes a channel that has room for what it is sent, and receives from it.
func (g *generator) queue() {
	name, v := g.name("ch"), g.name("v")
	first, second := "", ""
	g.ordered(func() { first = g.intExpr(2) })
	g.ordered(func() { second = g.intExpr(2) })
	g.printf("%s := task.NewChan[int](2)\ntr.Print(%s.Send(t, %s), %s.Send(t, %s))\n%s.Close()\n", name, name, first, name, second, name)
	if g.chance(50) {
		err := g.name("err")
		g.printf("%s, %s := %s.Recv(t)\n", v, err, name)
		g.declare(v, ofInt)
		g.declare(err, ofError)
		return
	}
	j := g.enter(isLoop)
	g.weight *= 2
	text := g.captured(func() {
		g.printf("for %s := range %s.All(t) ", v, name)
		g.printf("{\n")
		g.inScope(func() {
			g.printf("_ = %s\n", v)
			g.declare(v, ofInt).used = true
			for range 1 + g.IntN(3) {
				g.statement()
			}
		})
		g.printf("}\n")
	})
	g.weight /= 2
	g.exit(j, text)
}

// selectStatement makes a select, one of whose cases can happen.
func (g *generator) selectStatement() {
	v, i, err := g.name("v"), g.name("i"), g.name("err")
	value := ""
	g.ordered(func() { value = g.intExpr(2) })
	g.printf("var %s int\n", v)
	g.declare(v, ofInt).used = true
	other := []string{"task.After(hour)", "task.Recv[int](nil, nil)", "task.Default()"}[g.IntN(3)]
	j := g.enter(isSwitch)
	text := g.captured(func() {
		g.printf("switch %s, %s := task.Select(t, %s, task.Recv(full(%s), &%s)); {\n", i, err, other, value, v)
		g.printf("case %s == 1:\n", i)
		g.inScope(func() {
			g.statement()
			g.statement()
		})
		g.printf("default:\ntr.Print(%s, %s)\n}\n", i, err)
	})
	g.exit(j, text)
}

// group makes functions that run beside each other. Each writes to a variable of its own, and what is
// around them is only read until all have ended.
func (g *generator) group() {
	name := g.name("group")
	g.printf("var %s task.Group\n", name)
	count := 1 + g.IntN(3)
	fails, waits := g.IntN(2*count), -1
	switch {
	case g.chance(25):
		g.printf("%s.SetPolicy(task.FirstError)\n", name)
		fails = -1
	case count == 2 && g.chance(30):
		g.printf("%s.SetPolicy(task.FirstEnd)\n", name)
		waits = g.IntN(2)
	}
	if waits < 0 && g.chance(30) {
		g.printf("%s.SetLimit(%d)\n", name, 1+g.IntN(2))
	}
	var parts []string
	for i := range count {
		part := ""
		if i != waits {
			part = g.name("part")
			g.printf("var %s int\n", part)
		}
		parts = append(parts, part)
	}
	for i, part := range parts {
		g.child(name, part, i == fails)
	}
	g.inScope(func() {
		g.scope.barrier = true
		for range g.IntN(2) {
			g.printf("wait(t, tr, %q)\n", g.name("between"))
		}
	})
	err := g.name("err")
	g.printf("%s := %s.Wait(t)\n", err, name)
	g.declare(err, ofError)
	for _, part := range parts {
		if part != "" {
			g.declare(part, ofInt).used = true
			g.printf("tr.Print(%q, %s)\n", part, part)
		}
	}
}

// child begins a function that writes to a part, or waits until another one ends.
func (g *generator) child(group, part string, fails bool) {
	if part == "" {
		g.printf("%s.Go(t, func(t *task.T) error { return waitsForever(t, tr) })\n", group)
		return
	}
	g.printf("%s.Go(t, func(t *task.T) error {\n", group)
	g.inScope(func() {
		g.scope.barrier = true
		inner := &function{results: []kind{ofError}, isTask: true, mayDefer: true, quiet: true, child: true}
		g.inLiteral(inner, 10, func(*function) {
			for range 1 + g.IntN(3) {
				g.statement()
			}
			g.ordered(func() { g.assign(part, g.intExpr(3)) })
			g.useAll()
		})
	})
	result := "nil"
	if fails {
		result = fmt.Sprintf("fmt.Errorf(%q, errStep)", g.name("child")+": %w")
	}
	g.printf("return %s\n})\n", result)
}
