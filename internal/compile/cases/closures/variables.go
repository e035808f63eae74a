package closures

import (
	"strings"
	"sync"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func changes(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := 1
	add := func(k int) { x += k }
	wait(t, tr, x)
	add(10)
	tr.Print(x)
	x *= 2
	wait(t, tr, x)
	add(value(t, tr, 5))
	s := "a"
	grow := func() string { s += "b"; return s }
	wait(t, tr, grow())
	s = "c" + s
	return x, wait(t, tr, grow(), s)
}

func shared(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
	inc, get := func() { count++ }, func() int { return count }
	for range n {
		inc()
		wait(t, tr, get())
		count += 10
	}
	inc = func() { count = -count }
	wait(t, tr, "changed")
	inc()
	return get(), nil
}

type item struct {
	a, b int
	list [3]int
	in   struct{ c int }
}

func pointers(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := n
	p := &x
	pp := &p
	wait(t, tr, *p)
	**pp += 1
	y := 100
	wait(t, tr, x)
	*pp = &y
	wait(t, tr, *p)
	*p++
	return x*1000 + y, nil
}

func partPointers(t *task.T, tr *cases.Trace, n int) (int, error) {
	v := item{a: 1}
	a, c, e := &v.a, &v.in.c, &v.list[1]
	wait(t, tr, v)
	*a, *c, *e = 5, 6, 7
	tr.Print(v)
	w := v
	wait(t, tr, "copied")
	*a = 9
	v.b = value(t, tr, 3)
	tr.Print(v, w)
	var arr [2]item
	q := &arr[1].b
	wait(t, tr, "array")
	*q = 4
	return arr[1].b + v.a, nil
}

func arraySlice(t *task.T, tr *cases.Trace, n int) (int, error) {
	var arr [4]int
	s := arr[1:3]
	wait(t, tr, arr)
	s[0] = 7
	arr[2] = value(t, tr, 8)
	tr.Print(arr, s)
	for i := range arr {
		arr[i] += i
		wait(t, tr, s)
	}
	return s[0], nil
}

type stack struct{ items []int }

func (s *stack) push(n int) *stack { s.items = append(s.items, n); return s }
func (s stack) len() int           { return len(s.items) }

func pointerMethod(t *task.T, tr *cases.Trace, n int) (int, error) {
	var s stack
	s.push(1)
	wait(t, tr, s.len())
	s.push(2).push(value(t, tr, 3))
	var b strings.Builder
	b.WriteString("x")
	wait(t, tr, b.Len())
	b.WriteString("y")
	var mu sync.Mutex
	mu.Lock()
	wait(t, tr, b.String())
	mu.Unlock()
	var all [2]stack
	all[1].push(1)
	wait(t, tr, all[1].len())
	all[1].push(2)
	return s.len() + all[1].len()*10 + b.Len()*100, nil
}

func set(t *task.T, tr *cases.Trace, p *int, v int) error {
	err := wait(t, tr, "set", *p)
	*p = v
	return err
}

func fill(t *task.T, tr *cases.Trace, v *item) {
	v.a++
	set(t, tr, &v.b, 5)
	wait(t, tr, *v)
	v.a++
}

func pointerPassed(t *task.T, tr *cases.Trace, n int) (int, error) {
	x, y := 1, 2
	if err := set(t, tr, &x, 10); err != nil {
		return x, err
	}
	x += y
	set(t, tr, &y, x)
	var v item
	fill(t, tr, &v)
	for i := range 2 {
		set(t, tr, &v.list[i], i+5)
	}
	tr.Print(x, y, v)
	return x + y, nil
}

func parameterCaptured(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	more := func(d int) { n += d; k += n }
	more(1)
	wait(t, tr, n, k)
	more(value(t, tr, 10))
	p := &k
	wait(t, tr, n, k)
	*p *= 2
	fail := func(e error) { err = e }
	fail(wait(t, tr, "fail"))
	more(100)
	return
}

func sameVariable(t *task.T, tr *cases.Trace, n int) (int, error) {
	var first *int
	x := 5
	keep := func() *int {
		if first == nil {
			first = &x
		}
		return &x
	}
	a := keep()
	wait(t, tr, "same")
	b := keep()
	x++
	tr.Print(a == b, first == a, *a, *b)
	return *a, nil
}
