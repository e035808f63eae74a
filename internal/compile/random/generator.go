package random

import (
	"fmt"
	"go/format"
	"math/rand/v2"
	"strings"
)

// kind is a type that variables and expressions have.
type kind int

const (
	ofInt kind = iota
	ofString
	ofBool
	ofSlice
	ofArray
	ofMap
	ofPair     // a struct of the program
	ofPairPtr  // its address
	ofIntPtr   // the address of a variable
	ofAny      // an interface without methods
	ofShape    // an interface of the program
	ofFunc     // func(int) int
	ofTaskFunc // func(*task.T, int) int
	ofFuncs    // []func(int) int, called where it is declared, since nobody keeps account of what is in it
	ofError
)

// variable is one that can be used in the function that is being made.
type variable struct {
	name     string
	kind     kind
	fixed    bool   // not assigned, since a loop ends by it
	shared   bool   // its address was taken
	writes   places // what a call of it writes, if it is a function
	mayPanic bool   // a call of it
	cost     int    // of a call of it
	used     bool
	owner    *function // that declares it
}

// places returns what a read of the variable reads.
func (v *variable) places() []place {
	if v.shared {
		return []place{v, ofInts}
	}
	return []place{v}
}

// scope has the variables of a block.
type scope struct {
	outer     *scope
	variables []*variable
	barrier   bool // what is outside is only read: this runs beside others
}

// function is the function or literal that is being made.
type function struct {
	outer    *function
	results  []kind
	names    []string // of the results, if they have any
	isTask   bool
	mayDefer bool
	loops    []*jump // that a break or continue can name, the innermost last
	depth    int     // of statements
	again    func()  // makes a call of the function in itself, or is nil
	child    bool    // of a group; which child fails is decided elsewhere
	quiet    bool    // makes no panics: it runs beside others
	writes   places  // of variables outside it, and of memory
	mayPanic bool
}

// callee is a task function of the program.
type callee struct {
	name     string
	receiver kind // of a method; ofBool for functions
	generic  bool
	takes    []kind
	results  []kind
	writes   places
	mayPanic bool
	cost     int
}

// generator makes one program.
type generator struct {
	*rand.Rand
	program Program
	text    strings.Builder
	number  int // of the name that was made last
	callees []*callee

	scope    *scope
	function *function
	order    *order
	weight   int // how often the statement that is being made is executed
	cost     int // of the function so far: how many statements are executed
	limit    int
}

// Generate makes the program of a seed.
func Generate(seed uint64) Program {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 17)), program: Program{Seed: seed}}
	g.program.Beside = g.IntN(3) == 0
	g.declareTypes()
	for range 1 + g.IntN(3) {
		g.declareFunction()
	}
	g.declareMain()
	src, err := format.Source([]byte(header + g.text.String()))
	if err != nil {
		panic(fmt.Sprintf("seed %d: %v\n%s", seed, err, g.text.String()))
	}
	g.program.Source = strings.TrimPrefix(string(src), header)
	return g.program
}

func (g *generator) printf(form string, args ...any) { fmt.Fprintf(&g.text, form, args...) }

// name returns a new name.
func (g *generator) name(hint string) string {
	g.number++
	return fmt.Sprint(hint, g.number)
}

// topName returns a new name for a declaration of the package.
func (g *generator) topName(hint string) string { return g.program.Name() + g.name(hint) }

// chance reports true in percent of all cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// captured returns what f prints, in place of printing it.
func (g *generator) captured(f func()) string {
	before := g.text.String()
	g.text.Reset()
	f()
	text := g.text.String()
	g.text.Reset()
	g.text.WriteString(before)
	return text
}

func (g *generator) typeOf(k kind) string {
	switch k {
	case ofInt:
		return "int"
	case ofString:
		return "string"
	case ofBool:
		return "bool"
	case ofSlice:
		return "[]int"
	case ofArray:
		return "[4]int"
	case ofMap:
		return "map[int]int"
	case ofPair:
		return g.program.Name() + "pair"
	case ofPairPtr:
		return "*" + g.program.Name() + "pair"
	case ofIntPtr:
		return "*int"
	case ofAny:
		return "any"
	case ofShape:
		return g.program.Name() + "shape"
	case ofFunc:
		return "func(int) int"
	case ofTaskFunc:
		return "func(*task.T, int) int"
	default:
		return "error"
	}
}

// declare adds a variable to the scope.
func (g *generator) declare(name string, k kind) *variable {
	v := &variable{name: name, kind: k, owner: g.function}
	g.scope.variables = append(g.scope.variables, v)
	return v
}

// inScope makes something with a scope of its own.
func (g *generator) inScope(f func()) {
	g.scope = &scope{outer: g.scope}
	f()
	g.useAll()
	g.scope = g.scope.outer
}

// useAll uses the variables of the scope that nothing else uses, since Go requires it.
func (g *generator) useAll() {
	for _, v := range g.scope.variables {
		if !v.used {
			g.printf("_ = %s\n", v.name)
			v.used = true
		}
	}
}

// visible returns the variables of a kind that can be read, or assigned.
func (g *generator) visible(k kind, assigned bool) (found []*variable) {
	for s := g.scope; s != nil; s = s.outer {
		for _, v := range s.variables {
			if v.kind == k && !(assigned && v.fixed) {
				found = append(found, v)
			}
		}
		if s.barrier && assigned {
			break
		}
	}
	return found
}

// beside reports whether what is being made runs beside other parts of the program, so that it may write to
// nothing of theirs.
func (g *generator) beside() bool {
	for s := g.scope; s != nil; s = s.outer {
		if s.barrier {
			return true
		}
	}
	return false
}

// read returns a variable of a kind that can be read at this place of the statement, or nil.
func (g *generator) read(k kind) *variable {
	all := g.visible(k, false)
	if len(all) == 0 {
		return nil
	}
	v := all[g.IntN(len(all))]
	if !g.order.mayRead(v.places()...) {
		return nil
	}
	v.used = true
	return v
}

// perhaps returns a variable as read does, in percent of all cases.
func (g *generator) perhaps(percent int, k kind) *variable {
	if !g.chance(percent) {
		return nil
	}
	return g.read(k)
}

// readThrough returns a variable whose memory can be read, too.
func (g *generator) readThrough(k kind, m memory) *variable {
	if !g.order.mayRead(m) {
		return nil
	}
	return g.read(k)
}

// wrote notes that the function that is being made, and those around it, write to places.
func (g *generator) wrote(p ...place) {
	for f := g.function; f != nil; f = f.outer {
		for _, one := range p {
			f.writes[one] = true
		}
	}
}

// panics notes that the function that is being made may panic, and those around it.
func (g *generator) panics() {
	for f := g.function; f != nil; f = f.outer {
		f.mayPanic = true
	}
}

// affords reports whether the function may execute that much more, each time that it is here, and
// notes that it does.
func (g *generator) affords(cost int) bool {
	if g.cost+cost*g.weight > g.limit {
		return false
	}
	g.cost += cost * g.weight
	return true
}
