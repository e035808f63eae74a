package random

import "fmt"

// loop makes a loop of one of Go's forms.
func (g *generator) loop() {
	counter := ""
	if g.chance(20) { // it is declared before the loop, and the label follows
		counter = g.name("i")
		g.printf("%s := 0\n", counter)
		v := g.declare(counter, ofInt)
		v.fixed, v.used = true, true
	}
	j := g.enter(isLoop)
	before := g.weight
	text := g.captured(func() {
		g.inScope(func() { g.ordered(func() { g.loopClause(counter) }) })
	})
	g.weight = before
	g.exit(j, text)
}

// loopClause makes a loop with its body. It is a while loop if it has a counter.
func (g *generator) loopClause(counter string) {
	first, second := g.name("i"), g.name("v")
	variable := func(name string, k kind) *variable {
		v := g.declare(name, k)
		g.printf("_ = %s\n", name)
		v.used = true
		return v
	}
	// body makes the body of a loop, whose variables are declared by a function.
	body := func(times int, declare func()) {
		g.weight *= times
		g.printf(" {\n")
		g.inScope(func() {
			declare()
			for range 1 + g.IntN(3) {
				g.statement()
			}
		})
		g.printf("}\n")
	}
	if counter != "" {
		if g.chance(50) {
			g.printf("for %s < 3 && %s", counter, g.conditionInLoop())
			body(3, func() { g.printf("%s++\n", counter) })
			return
		}
		g.printf("for")
		body(3, func() { g.printf("if %s++; %s > 3 {\nbreak\n}\n", counter, counter) })
		return
	}
	switch g.IntN(10) {
	case 0, 1:
		g.printf("for %s := range %s&3", first, g.parenthesized(g.intExpr(2)))
		body(2, func() { variable(first, ofInt) })
	case 2:
		g.printf("for %s := %s; %s < %d; %s++", first, g.constant(), first, 2+g.IntN(3), first)
		body(3, func() { variable(first, ofInt).fixed = true })
	case 3:
		initial := g.intExpr(2)
		v := g.declare(first, ofInt)
		v.fixed, v.used = true, true
		g.printf("for %s, %s := 0, %s; %s < 3 && %s; %s, %s = %s+1, %s", first, second, initial, first, g.conditionInLoop(), first, second, first, g.intExpr(1))
		body(3, func() { variable(second, ofInt) })
	case 4:
		g.printf("for %s, %s := range %s", first, second, g.listExpr([]kind{ofSlice, ofArray}[g.IntN(2)], 1))
		body(4, func() { variable(first, ofInt); variable(second, ofInt) })
	case 5:
		g.printf("for %s, %s := range map[int]string{%s: %s}", first, second, g.intExpr(2), g.stringExpr(2))
		body(1, func() { variable(first, ofInt); variable(second, ofString) })
	case 6:
		g.printf("for %s, %s := range %q", first, second, []string{"", "xy", "aü€"}[g.IntN(3)])
		body(2, func() {
			variable(first, ofInt)
			g.printf("%s := int(%s)\n", second+"r", second)
			variable(second+"r", ofInt)
		})
	case 7:
		g.printf("for %s := range each(tr, %s, %s)", first, g.intExpr(1), g.intExpr(1))
		body(2, func() { variable(first, ofInt) })
	case 8:
		g.printf("for %s, %s := range upTo(%s&3)", first, second, g.parenthesized(g.intExpr(1)))
		body(2, func() { variable(first, ofInt); variable(second, ofString) })
	default:
		to := g.target(ofInt)
		if to == "_" {
			g.printf("for range %d", 1+g.IntN(3))
		} else {
			g.printf("for %s = range %d", to, 1+g.IntN(3))
		}
		body(2, func() {})
	}
}

// conditionInLoop is evaluated before each iteration.
func (g *generator) conditionInLoop() string {
	before := g.weight
	g.weight *= 3
	cond := ""
	g.ordered(func() { cond = g.boolExpr(2) })
	g.weight = before
	return fmt.Sprintf("(%s)", cond)
}
