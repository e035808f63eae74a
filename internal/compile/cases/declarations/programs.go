// Package declarations has programs with types and constants of their own.
package declarations

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var programs = []cases.Program{
	{Name: "local constants and types", Run: localDeclarations},
	{Name: "local types have their names", Run: typeNames},
	{Name: "local types of the same name", Run: sameNames},
	{Name: "local alias and recursive type", Run: recursiveType},
	{Name: "local type in a literal", Run: inLiteral},
	{Name: "typed constants and shadowed ones", Run: constants},
	{Name: "anonymous structs", Run: anonymous},
	{Name: "variables named like packages", Run: namedLikePackage},
	{Name: "constants that shadow what their group names", Run: shadowingConstants},
	{Name: "constants that a literal has from around it", Run: constantsAround},
	{Name: "max is a function of the package", Run: ownMax},
}

// value may suspend, and returns n.
func value(t *task.T, tr *cases.Trace, n int) int {
	tr.Print("value", n)
	t.Yield()
	return n
}

func localDeclarations(t *task.T, tr *cases.Trace, n int) (int, error) {
	const limit = 2
	type pair struct {
		a, b int
	}
	type list []pair
	var all list
	for i := 0; i < limit; i++ {
		const step = 10
		type pair struct{ s string }
		all = append(all, struct{ a, b int }{i, value(t, tr, step*i)})
		p := pair{fmt.Sprint(i)}
		value(t, tr, step)
		tr.Print(p, all)
		tr.Print(fmt.Sprintf("%+v", p))
	}
	const (
		zero = iota
		one
		two
	)
	value(t, tr, two)
	tr.Print(zero, one, two, all)
	return len(all), nil
}

func typeNames(t *task.T, tr *cases.Trace, n int) (int, error) {
	type couple struct{ a, b int }
	p := couple{1, value(t, tr, 2)}
	tr.Print(fmt.Sprintf("%T %+v", p, p))
	var a any = p
	value(t, tr, 3)
	switch v := a.(type) {
	case couple:
		tr.Print("couple", v.a)
	default:
		tr.Print("other")
	}
	m := map[couple]int{p: n}
	m[couple{1, 2}] += value(t, tr, 4)
	return m[p], nil
}

func sameNames(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []any
	if n > 0 {
		type x struct{ n int }
		all = append(all, x{value(t, tr, 1)})
	}
	{
		type x string
		all = append(all, x("x"))
		value(t, tr, 2)
		all = append(all, x("y"))
	}
	type x = int
	var k x = value(t, tr, 3)
	all = append(all, k)
	for _, v := range all {
		tr.Print(fmt.Sprint(v)) // without the types' names, of which only one is as in the source
	}
	return len(all), nil
}

func recursiveType(t *task.T, tr *cases.Trace, n int) (int, error) {
	type node struct {
		value int
		next  *node
	}
	type list = []*node
	var first *node
	var all list
	for i := range n {
		first = &node{value(t, tr, i), first}
		all = append(all, first)
	}
	sum := 0
	for x := first; x != nil; x = x.next {
		sum += value(t, tr, x.value)
	}
	return sum + len(all), nil
}

func inLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	const k = 5
	type box struct{ n int }
	get := func(b box) int {
		type box struct{ s string }
		const k = "k"
		return b.n + len(box{k}.s)
	}
	b := box{value(t, tr, k)}
	return get(b), nil
}

const size = 7

func constants(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := size
	const size uint8 = 200
	value(t, tr, int(size))
	const big = 1 << 28
	var f float32 = 1.0 / 3
	const third = 1.0 / 3
	value(t, tr, a)
	tr.Print(size+50, big, f, third, big>>26)
	{
		const size = "text"
		value(t, tr, len(size))
		tr.Print(size)
	}
	return a, nil
}

func anonymous(t *task.T, tr *cases.Trace, n int) (int, error) {
	p := struct {
		a int
		b struct{ c []string }
	}{a: value(t, tr, 1)}
	p.b.c = append(p.b.c, "x")
	value(t, tr, 2)
	q := p
	q.b.c[0] = "y"
	var r interface{ Error() string }
	value(t, tr, 3)
	tr.Print(p, q, r == nil)
	return q.a, nil
}

// A variable has the name of a package that the source does not import, and another variable has a type of
// that package.
func namedLikePackage(t *task.T, tr *cases.Trace, n int) (int, error) {
	var _, _ = value(t, tr, 1), "blank"
	var _ = 7 / value(t, tr, 7)
	m := fnv.New32a()
	value(t, tr, n)
	hash := fmt.Sprint(m.Sum32())
	time, _ := context.Background().Deadline()
	value(t, tr, len(hash))
	list := keep(t, tr, time.Month())
	tr.Print(hash, m.Size(), list)
	return n, nil
}

func keep[V any](t *task.T, tr *cases.Trace, v V) []V {
	value(t, tr, 1)
	return []V{v}
}

const programsOf = 3

func shadowingConstants(t *task.T, tr *cases.Trace, n int) (int, error) {
	const (
		a    = iota
		iota = iota
		b
		c
	)
	const (
		x          = size
		size uint8 = size + 1
		y
		r = 'a' + size - size
		f = 1.5 * 2
		s = "s"
		z = size == x
	)
	const (
		programs = 2 + programsOf
		programsOf
		value2 = programs
	)
	value(t, tr, c+programs+programsOf)
	tr.Print(value2)
	tr.Print(a, iota, b, c, x, size, y, string(rune(r)), f/4, s, z)
	return b, nil
}

func constantsAround(t *task.T, tr *cases.Trace, n int) (int, error) {
	const (
		limit        = 3
		step  int8   = 2
		name         = "name"
		half         = 0.5
		of    myKind = 'k'
	)
	sum := 0
	func(t *task.T) {
		for i := 0; i < limit; i++ {
			t.Yield()
			sum += value(t, tr, i*int(step))
			tr.Print(name, half, of)
			tr.Print(fmt.Sprintf("%T %T", step, of))
		}
	}(t)
	return sum, nil
}

type myKind rune

func ownMax(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := value(t, tr, n)
	value(t, tr, a)
	b := max(a, value(t, tr, 2))
	return max(a, b), t.Yield()
}

func max(a, b int) int {
	if a < b {
		return b
	}
	return a
}
