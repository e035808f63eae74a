package random

// jump is a statement that break and continue can name.
type jump struct {
	what  jumpKind
	label string
	used  bool
}

type jumpKind int

const (
	isLoop jumpKind = iota
	isSwitch
)

// enter begins a statement that can be left.
func (g *generator) enter(what jumpKind) *jump {
	j := &jump{what: what, label: g.name("L")}
	g.function.loops = append(g.function.loops, j)
	return j
}

// exit prints the statement, with its label if something jumps to it.
func (g *generator) exit(j *jump, text string) {
	f := g.function
	f.loops = f.loops[:len(f.loops)-1]
	if j.used {
		g.printf("%s:\n", j.label)
	}
	g.printf("%s", text)
}

// leave makes a break, continue or return, under a condition.
func (g *generator) leave() {
	cond := ""
	g.ordered(func() { cond = g.boolExpr(2) })
	g.printf("if %s {\n", cond)
	loops := g.function.loops
	if len(loops) == 0 || g.chance(20) {
		g.ordered(g.returns)
		g.printf("}\n")
		return
	}
	i := g.IntN(len(loops))
	j := loops[i]
	word := "break"
	if j.what == isLoop && g.chance(50) {
		word = "continue"
	}
	if i == len(loops)-1 && g.chance(70) {
		g.printf("%s\n}\n", word)
		return
	}
	j.used = true
	g.printf("%s %s\n}\n", word, j.label)
}

// gotoStatement makes a loop, or a way around some statements, by goto.
func (g *generator) gotoStatement() {
	label := g.name("L")
	cond := ""
	g.ordered(func() { cond = g.boolExpr(2) })
	if g.chance(50) {
		g.printf("if %s {\ngoto %s\n}\n", cond, label)
		g.block()
		g.printf("\n%s:\ntr.Print(%q)\n", label, label)
		return
	}
	counter := g.name("i")
	before := g.weight
	g.weight *= 2
	g.printf("%s := 0\n%s:\n", counter, label)
	v := g.declare(counter, ofInt)
	v.fixed, v.used = true, true
	g.block()
	g.printf("\nif %s++; %s < 3 && %s {\ngoto %s\n}\n", counter, counter, cond, label)
	g.weight = before
}
