package order

import (
	"fmt"
	"strings"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

type record struct {
	a    int
	b    *int
	c    []string
	next *record
}

func composites(t *task.T, tr *cases.Trace, n int) (int, error) {
	r := record{a: value(t, tr, 1), b: nil, c: []string{"x", fmt.Sprint(value(t, tr, 2))}}
	p := &record{value(t, tr, 3), &r.a, nil, &record{a: value(t, tr, 4)}}
	all := []record{{a: tr.Int(5)}, {a: value(t, tr, 6)}, r}
	ptrs := []*record{{a: value(t, tr, 7)}, p}
	*p.b = value(t, tr, 8)
	tr.Print(r.a, r.c, *p.b, p.next.a, all[1].a, all[2].a, ptrs[0].a, ptrs[1] == p)
	return r.a, nil
}

func makeRecord(t *task.T, tr *cases.Trace, n int) *record {
	wait(t, tr, "make", n)
	return &record{a: n}
}

func compositeNil(t *task.T, tr *cases.Trace, n int) (int, error) {
	r := record{next: makeRecord(t, tr, 1), b: nil}
	s := [2]*record{makeRecord(t, tr, 2), nil}
	var e any = struct {
		r *record
		e error
	}{makeRecord(t, tr, 3), nil}
	tr.Print(r.next.a, r.b == nil, s[0].a, s[1] == nil, e != nil)
	return r.next.a, nil
}

func truth(t *task.T, tr *cases.Trace, b bool, note string) bool {
	wait(t, tr, note, b)
	return b
}

func shortCircuit(t *task.T, tr *cases.Trace, n int) (int, error) {
	plain := func(b bool) bool { tr.Print("plain", b); return b }
	k := 0
	for _, a := range []bool{true, false} {
		for _, b := range []bool{true, false} {
			x := truth(t, tr, a, "a") && truth(t, tr, b, "b")
			y := truth(t, tr, a, "a") || truth(t, tr, b, "b")
			z := plain(a) && (truth(t, tr, b, "b") || plain(a)) || !truth(t, tr, b, "c")
			if plain(b) || truth(t, tr, a, "a") && !plain(b) {
				k++
			}
			tr.Print(x, y, z)
		}
	}
	return k, nil
}

type flag bool

func shortCircuitNested(t *task.T, tr *cases.Trace, n int) (int, error) {
	tr.Print(tr.Int(1), n > 0 && value(t, tr, 1) > 0, tr.Int(2), n > 5 && value(t, tr, 2) > 0, value(t, tr, 3))
	list := []bool{n == 3 || truth(t, tr, true, "x"), n == 4 || truth(t, tr, true, "y")}
	var f flag = flag(list[0]) && flag(truth(t, tr, false, "z"))
	m := map[bool]int{list[1] && truth(t, tr, true, "w"): value(t, tr, 4)}
	return len(m), fmt.Errorf("%v %v", f, list)
}

func opAssign(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{1, 2, 3}
	i := 0
	list[i] += value(t, tr, 10)
	list[tr.Int(1)] *= value(t, tr, 5)
	list[value(t, tr, 2)] -= tr.Int(1)
	list[func() int { i++; return i }()] += value(t, tr, 100)
	m := map[string]int{"a": 1}
	m["a"] += value(t, tr, 2)
	m[fmt.Sprint("b", value(t, tr, 3))] |= value(t, tr, 4)
	p := &record{}
	p.a += value(t, tr, 6)
	q := p
	q.a <<= value(t, tr, 1)
	s := "s"
	s += fmt.Sprint(value(t, tr, 9))
	tr.Print(list, m, p.a, s, i)
	return list[1], nil
}

func opAssignReads(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := 1
	set := func(v int) int { x = v; return v }
	x += value(t, tr, set(10))
	tr.Print(x)
	y := 1
	y = y + value(t, tr, func() int { y = 5; return 1 }())
	tr.Print(y)
	p := &record{a: 1}
	other := &record{a: 50}
	p.a += value(t, tr, func() int { p = other; return 2 }())
	tr.Print(p.a, other.a)
	list := []int{1, 2}
	list[0] += value(t, tr, func() int { list = []int{7, 8}; return 3 }())
	tr.Print(list)
	return x, nil
}

func multipleAssignment(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{0, 1, 2, 3}
	i := 0
	i, list[i] = value(t, tr, 2), value(t, tr, 9)
	tr.Print(i, list)
	list[value(t, tr, 1)], list[tr.Int(2)], i = tr.Int(5), value(t, tr, 6), 3
	a, b, c := tr.Int(1), value(t, tr, 2), i
	a, b, c = c, a, value(t, tr, b)
	tr.Print(list, a, b, c)
	var r record
	p := &r
	p.a, p.b, p = value(t, tr, 4), &a, nil
	tr.Print(r.a, *r.b, p == nil)
	return a + b + c, nil
}

func swap(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, b := 1, 2
	a, b = b+value(t, tr, 10), a+value(t, tr, 20)
	list := []int{1, 2, 3}
	i, j := 0, 2
	list[i], list[j], i, j = list[j], list[i]*value(t, tr, 2), j, i
	tr.Print(a, b, list, i, j)
	return a - b, nil
}

func places(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[string]*record{"x": {}}
	m["x"].a = value(t, tr, 1)
	m[fmt.Sprint("y", tr.Int(2))] = makeRecord(t, tr, 3)
	r := m["x"]
	r.next = makeRecord(t, tr, 4)
	*r.next = record{a: value(t, tr, 5)}
	var arr [3]record
	arr[1].a = value(t, tr, 6)
	arr[value(t, tr, 2)].next, arr[0].a = makeRecord(t, tr, 7), value(t, tr, 8)
	k := 0
	ptr := func() *int { tr.Print("ptr"); return &k }
	*ptr() = value(t, tr, 11)
	(*ptr())++
	_, ok := m["y2"]
	tr.Print(m["x"].a, r.next.a, arr[1].a, arr[2].next.a, arr[0].a, ok, k)
	return len(m), nil
}

func nilMap(t *task.T, tr *cases.Trace, n int) (int, error) {
	var m map[string]int
	m["x"] = value(t, tr, 1)
	return 0, nil
}

func outOfRange(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{1, 2}
	switch n {
	case 0:
		list[5] = value(t, tr, 1)
	case 1:
		tr.Print(list[tr.Int(5)] + value(t, tr, 1))
	case 2:
		return list[value(t, tr, 5)], nil
	case 3:
		list[5] += value(t, tr, 1)
	}
	return n, nil
}

func division(t *task.T, tr *cases.Trace, n int) (int, error) {
	zero := n - 3
	return tr.Int(1)/zero + value(t, tr, 2), nil
}

func nilPointer(t *task.T, tr *cases.Trace, n int) (int, error) {
	var p *record
	switch n {
	case 0:
		p.a = value(t, tr, 1)
	case 1:
		return p.a + value(t, tr, 1), nil
	}
	var a *account
	return a.print(t, tr, fmt.Sprint(value(t, tr, 2))), nil
}

func anything(t *task.T, tr *cases.Trace, v any) any {
	wait(t, tr, "anything", v)
	return v
}

func conversions(t *task.T, tr *cases.Trace, n int) (int, error) {
	f := float64(value(t, tr, 3)) / 2
	b := []byte(fmt.Sprint(value(t, tr, 65)))
	k := anything(t, tr, 5).(int) + value(t, tr, 1)
	s, ok := anything(t, tr, "s").(string)
	_, bad := anything(t, tr, "s").(int)
	var r rune = rune(value(t, tr, 'ä'))
	tr.Print(f, string(b), k, s, ok, bad, string(r), uint8(value(t, tr, 300)))
	if n == 1 {
		return anything(t, tr, "text").(int), nil
	}
	return k, nil
}

func commaOk(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[int]string{1: "one"}
	a, ok := m[value(t, tr, 1)]
	_, ok2 := m[value(t, tr, 2)]
	c := make(chan int, 1)
	c <- value(t, tr, 3)
	v, ok3 := <-c
	close(c)
	w, ok4 := <-c
	var s string
	s, ok = anything(t, tr, 4).(string)
	tr.Print(a, ok, ok2, v, ok3, w, ok4, s)
	if a, ok := m[value(t, tr, 1)]; ok {
		tr.Print("found", a)
	}
	return len(a), nil
}

func unary(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := -value(t, tr, 1) + ^value(t, tr, 2)
	b := !truth(t, tr, true, "not")
	c := (value(t, tr, 3))
	d := *makeRecord(t, tr, 4)
	e := &(*makeRecord(t, tr, 5)).a
	*e += +value(t, tr, 6)
	tr.Print(a, b, c, d.a, *e)
	return a, nil
}

func indexes(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{0, 1, 2, 3, 4, 5}
	a := list[value(t, tr, 1):value(t, tr, 4)]
	b := a[:value(t, tr, 2):value(t, tr, 3)]
	arr := [4]int{9, 8, 7, 6}
	c := arr[value(t, tr, 1):]
	arr[1] = value(t, tr, 100)
	s := "hello"[value(t, tr, 1):value(t, tr, 3)]
	x := "hello"[value(t, tr, 0)]
	m := map[string][]int{"a": {1, 2}}
	y := m["a"][value(t, tr, 1)]
	tr.Print(a, b, cap(b), c, s, x, y)
	return numbers(t, tr)[value(t, tr, 2)], nil
}

func numbers(t *task.T, tr *cases.Trace) []int {
	wait(t, tr, "numbers")
	return []int{10, 20, 30}
}

func builtins(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := make([]int, value(t, tr, 1), value(t, tr, 4))
	list = append(list, value(t, tr, 2), tr.Int(3), value(t, tr, 4))
	k := copy(list[value(t, tr, 2):], numbers(t, tr))
	m := map[int]int{1: 1, 2: 2}
	delete(m, value(t, tr, 1))
	a := len(numbers(t, tr)) + cap(list) + min(value(t, tr, 3), tr.Int(1), value(t, tr, 2)) + max(1, value(t, tr, 9))
	p := new(int)
	*p = value(t, tr, 6)
	c := complex(float64(value(t, tr, 1)), 2)
	clear(m)
	var b strings.Builder
	fmt.Fprint(&b, value(t, tr, 7), real(c), imag(c))
	value(t, tr, 8)
	b.WriteString("end")
	tr.Print(list, k, m, a, *p, b.String())
	return a, nil
}

func channels(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, value(t, tr, 3))
	c <- value(t, tr, 1)             //framearena:ignore it has room
	c <- tr.Int(2) + value(t, tr, 3) //framearena:ignore it has room
	a := <-c + value(t, tr, 4)       //framearena:ignore it has a value
	d := make(chan chan int, 1)
	d <- c
	(<-d) <- value(t, tr, 6)    //framearena:ignore it has room
	b := value(t, tr, 5) - <-c  //framearena:ignore it has a value
	return a*100 + b + <-c, nil //framearena:ignore it has a value
}

func increments(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{1, 2, 3}
	list[value(t, tr, 1)]++
	makeRecord(t, tr, 5).a--
	m := map[int]int{}
	m[value(t, tr, 7)]++
	m[value(t, tr, 7)]++
	tr.Print(list, m)
	return list[1], nil
}

func returnOrder(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := 1
	f := func() int { x++; return x }
	a, b, c := func() (int, int, int) { return f(), x, f() }()
	tr.Print(a, b, c)
	return f()*100 + value(t, tr, f())*10 + f(), wait(t, tr, f())
}

func namedReturn(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	a, b := reversed(t, tr, 1, 2)
	tr.Print(a, b)
	k = 5
	if n == 3 {
		return value(t, tr, k+1), wait(t, tr, k)
	}
	return
}

func reversed(t *task.T, tr *cases.Trace, x, y int) (a, b int) {
	a, b = x, y
	value(t, tr, a)
	return b, a + value(t, tr, b)
}

func concatenation(t *task.T, tr *cases.Trace, n int) (int, error) {
	s := "a" + text(t, tr, "b") + "c" + text(t, tr, "d"+text(t, tr, "e"))
	s = s + text(t, tr, s)
	tr.Print(s)
	return len(s), nil
}

func text(t *task.T, tr *cases.Trace, s string) string {
	wait(t, tr, "text", s)
	return s + "!"
}

func untyped(t *task.T, tr *cases.Trace, n int) (int, error) {
	var f float64 = 1 / 2.0 * float64(value(t, tr, 4))
	var u uint8 = 255
	u += uint8(value(t, tr, 1))
	var i8 int8 = 1 << 6
	i8 = i8 + int8(value(t, tr, 64))
	var e any = 1 << uint(value(t, tr, 3))
	x := 'a' + rune(value(t, tr, 1))
	tr.Print(f, u, i8, e, fmt.Sprintf("%T %T", e, x))
	g := 7.0
	g /= float64(value(t, tr, 2))
	tr.Print(g, anything(t, tr, nil) == nil)
	return int(f), nil
}

func shifts(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := 1 << value(t, tr, 4)
	var b int64 = 1<<value(t, tr, 40) + 1
	c := uint8(1) << value(t, tr, 9)
	d := value(t, tr, 1) < value(t, tr, 2) && value(t, tr, 3) != tr.Int(3)
	e := text(t, tr, "x") == "x!" == truth(t, tr, true, "e")
	tr.Print(a, b, c, d, e, [2]int{1, value(t, tr, 2)} == [2]int{1, 2})
	return a, nil
}

func blanks(t *task.T, tr *cases.Trace, n int) (int, error) {
	_ = value(t, tr, 1)
	_, _ = tr.Int(2), value(t, tr, 3)
	_, err := pair(t, tr, 4)
	_, _, err = three(t, tr, 5)
	var _ = value(t, tr, 6)
	_, _ = ignored(t, tr, 1, 2)
	return n, err
}

func ignored(t *task.T, _ *cases.Trace, _ int, n int) (_ int, _ error) {
	if err := t.Yield(); err != nil {
		return n, err
	}
	return
}

func keyed(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := [...]int{3: value(t, tr, 1), 0: tr.Int(2), value(t, tr, 3)}
	b := []string{2: text(t, tr, "two"), 1: "one"}
	c := [2][2]int{{value(t, tr, 1), 2}, {3, value(t, tr, 4)}}
	tr.Print(a, b, c)
	return len(a), nil
}

func mapLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[int]int{value(t, tr, 1): value(t, tr, 2), tr.Int(3): value(t, tr, 4), value(t, tr, 5): tr.Int(6)}
	nested := map[string]map[string]int{"a": {"b": value(t, tr, 7)}}
	tr.Print(m, nested)
	return len(m), nil
}

func incomparable(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := anything(t, tr, []int{1})
	if n == 1 {
		return n, fmt.Errorf("%v", anything(t, tr, 1) == a)
	}
	tr.Print(anything(t, tr, []int{2}) == a)
	return n, nil
}

// Calls of predeclared functions are calls, and have their place in the order.
func predeclared(t *task.T, tr *cases.Trace, n int) (int, error) {
	list, number, z := make([]int, 1), 1.0, 1+2i
	grow := func(t *task.T) int {
		list, number, z = make([]int, 3), 3, 3i
		return value(t, tr, n)
	}
	a, b, c := len(list), grow(t), len(list)
	list = list[:1]
	d, e, f := cap(list), grow(t), cap(list)
	number, z = 1, 1
	g, h, i := complex(number, 0), grow(t), real(z)+imag(z)
	list = list[:2]
	tr.Print(a, b, c, d, e, f, g, h, i, len(list)+grow(t)*len(list))
	return n, nil
}
