package declarations

import (
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func init() {
	programs = append(programs,
		cases.Program{Name: "types in generic functions", Run: typesInGenerics},
		cases.Program{Name: "a type of each instance", Run: typeOfEachInstance},
		cases.Program{Name: "generic types in functions", Run: genericTypes},
		cases.Program{Name: "generic type with the function's names for its parameters", Run: shadowedParameters},
		cases.Program{Name: "methods of generic interfaces that do not mention the parameter", Run: genericInterface},
	)
}

func typesInGenerics(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, err := inGeneric(t, tr, "k", n)
	if err != nil {
		return 0, err
	}
	b, err := inGeneric(t, tr, n, []string{"v"})
	return a + b, err
}

func inGeneric[K comparable, V any](t *task.T, tr *cases.Trace, k K, v V) (int, error) {
	type entry struct {
		key   K
		value V
	}
	type node struct {
		entry
		next *node
	}
	type number int
	type list = []entry
	type small = uint8
	count := number(value(t, tr, 1))
	var s small = 7
	all := list{{k, v}}
	first := &node{entry{k, v}, nil}
	if err := t.Yield(); err != nil {
		return 0, err
	}
	all = append(all, entry{key: k})
	first = &node{all[value(t, tr, 1)], first}
	index := map[K]*node{}
	for x := first; x != nil; x = x.next {
		type step struct{ of entry }
		at := step{x.entry}
		value(t, tr, int(count))
		count++
		index[at.of.key] = x
	}
	last, err := lastOf(t, tr, all)
	if err != nil {
		return 0, err
	}
	pick := func(e entry) K {
		type wrapped struct{ e entry }
		return wrapped{e}.e.key
	}
	tr.Print(len(index), pick(last), fmt.Sprint(first.entry, first.next.entry), int(s))
	var some any = all[0]
	value(t, tr, 5)
	switch e := some.(type) {
	case node:
		tr.Print("node")
	case entry:
		tr.Print("entry", fmt.Sprint(e.value))
	}
	return int(count), nil
}

// lastOf is called with types that a generic function declares.
func lastOf[E any](t *task.T, tr *cases.Trace, list []E) (last E, err error) {
	for _, e := range list {
		value(t, tr, len(list))
		last = e
	}
	return last, t.Yield()
}

func typeOfEachInstance(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, b, c := marked[int](t, tr), marked[string](t, tr), marked[int](t, tr)
	tr.Print(a == b, a == c)
	return n, nil
}

// marked returns a value of a type that does not mention the type parameter, and is another one in each
// instance all the same.
func marked[E any](t *task.T, tr *cases.Trace) any {
	type mark struct{ n int }
	m := mark{value(t, tr, 1)}
	value(t, tr, 2)
	return m
}

// Types that functions declare may be generic themselves.
func genericTypes(t *task.T, tr *cases.Trace, n int) (int, error) {
	type list[E any] []E
	type link[E any] struct {
		of   E
		next *link[E]
	}
	numbers := list[int]{value(t, tr, 1), 2}
	last := &link[list[int]]{numbers, nil}
	value(t, tr, len(numbers))
	last = &link[list[int]]{list[int](numbers[:1]), last}
	k, err := genericTypesIn(t, tr, last)
	return k + len(last.next.of), err
}

func genericTypesIn[V any](t *task.T, tr *cases.Trace, v V) (int, error) {
	type both[A, B any] struct {
		a A
		b B
		v V
	}
	x := both[int, string]{value(t, tr, 1), "b", v}
	y := []both[string, V]{{"a", v, v}, both[string, V]{b: x.v}}
	value(t, tr, len(y))
	tr.Print(x.a, x.b, y[0].a, len(y))
	return x.a, t.Yield()
}

func shadowedParameters(t *task.T, tr *cases.Trace, n int) (int, error) {
	return recursive(t, tr, func(r func(int) int) func(int) int {
		return func(n int) int {
			if n == 0 {
				return 1
			}
			return n * r(n-1)
		}
	}, n), t.Yield()
}

// recursive calls the fixed point of f.
func recursive[F ~func(R) R, R ~func(V) V, V any](t *task.T, tr *cases.Trace, f F, v V) V {
	type self[R ~func(V) V, V any] func(self[R, V]) R
	t.Yield()
	g := func(h self[R, V]) R {
		return func(v V) V { return f(h(h))(v) }
	}
	value(t, tr, 1)
	return g(g)(v)
}

type visitor[V any] interface {
	visit(t *task.T, tr *cases.Trace)
}

type visits[V any] struct{ v V }

func (v visits[V]) visit(t *task.T, tr *cases.Trace) { tr.Print("visit", value(t, tr, 1), v.v) }

func visitAll[V any](t *task.T, tr *cases.Trace, all ...visitor[V]) {
	for _, v := range all {
		v.visit(t, tr)
	}
}

func genericInterface(t *task.T, tr *cases.Trace, n int) (int, error) {
	visitAll[int](t, tr, visits[int]{n}, visits[string]{"s"})
	return n, t.Yield()
}
