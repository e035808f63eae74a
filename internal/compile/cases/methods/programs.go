// Package methods has programs with methods of embedded, interface and generic types, and generic
// functions.
package methods

import (
	"cmp"
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var programs = []cases.Program{
	{Name: "promoted methods", Run: promoted},
	// Promoted methods run on goroutines, where the harness cannot make a program end.
	{Name: "methods through interfaces", Run: interfaces, Beside: true},
	{Name: "embedded interface", Run: embeddedInterface, Beside: true},
	{Name: "nil interface", Run: nilInterface},
	{Name: "literal in the receiver of a call through an interface", Run: literalInReceiver, Beside: true},
	{Name: "generic function", Run: genericFunction},
	{Name: "generic function with pointers and literals", Run: genericPointers},
	{Name: "method of a generic type", Run: genericMethod},
	{Name: "generic recursion and constraints", Run: genericRecursion},
	{Name: "large frames one after the other", Run: largeBlocks},
	{Name: "large children, the first fails", Run: largeChildren, Sizes: []int{0, 1}},
	{Name: "deep recursion", Run: deepRecursion, Sizes: []int{1, 10, 300}},
}

type worker interface {
	work(t *task.T, tr *cases.Trace, n int) (int, error)
}

type base struct{ done int }

func (b *base) work(t *task.T, tr *cases.Trace, n int) (int, error) {
	b.done++
	return value(t, tr, n+b.done), wait(t, tr, "base")
}

type byValue struct{ k int }

func (v byValue) work(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := value(t, tr, v.k)
	v.k = value(t, tr, n)
	return a + v.k, nil
}

type derived struct {
	name string
	base
}

type pointing struct {
	*base
	worker
	extra int
}

func (p pointing) work(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, err := p.base.work(t, tr, n)
	if err != nil {
		return a, err
	}
	b, err := p.worker.work(t, tr, n)
	return a + b*p.extra, err
}

type only struct{ worker }

func promoted(t *task.T, tr *cases.Trace, n int) (int, error) {
	d := derived{name: "d"}
	a, err := d.work(t, tr, 1)
	if err != nil {
		return a, err
	}
	p := &d
	b, err := p.work(t, tr, 2)
	q := pointing{&base{10}, byValue{5}, 3}
	c, err := q.work(t, tr, value(t, tr, 3))
	return a + b*10 + c*100 + d.done, err
}

func interfaces(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i, w := range []worker{&base{}, byValue{2}, &derived{}, pointing{&base{}, byValue{1}, 2}, &byValue{9}} {
		k, err := w.work(t, tr, i)
		if err != nil {
			return sum, fmt.Errorf("%d: %w", i, err)
		}
		sum = sum*3 + k
	}
	return sum, nil
}

func embeddedInterface(t *task.T, tr *cases.Trace, n int) (int, error) {
	o := only{byValue{4}}
	var w worker = o
	a, err := o.work(t, tr, 1)
	o.worker = &base{}
	b, err2 := w.work(t, tr, 2)
	c, _ := o.work(t, tr, func() int { w = nil; return tr.Int(3) }())
	if err == nil {
		err = err2
	}
	return a + b*10 + c*100, err
}

func nilInterface(t *task.T, tr *cases.Trace, n int) (int, error) {
	var w worker
	wait(t, tr, "before")
	return w.work(t, tr, tr.Int(1))
}

func apply[A, B any](t *task.T, tr *cases.Trace, a A, f func(*task.T, A) B) (B, error) {
	wait(t, tr, "apply")
	b := f(t, a)
	var zero A
	err := wait(t, tr, fmt.Sprintf("%T %v", zero, a))
	return b, err
}

func genericFunction(t *task.T, tr *cases.Trace, n int) (int, error) {
	s, err := apply(t, tr, n, func(t *task.T, k int) string { return fmt.Sprint("s", value(t, tr, k)) })
	if err != nil {
		return 0, err
	}
	k, err := apply(t, tr, s, func(t *task.T, s string) int { return value(t, tr, len(s)) })
	p, _ := apply(t, tr, [2]byte{1, 2}, func(t *task.T, b [2]byte) *int {
		sum := int(b[1])
		return &sum
	})
	return *p + k, err
}

func collect[E any](t *task.T, tr *cases.Trace, list []E, keep func(E) bool) []*E {
	var out []*E
	for i, e := range list {
		wait(t, tr, i)
		if keep(e) {
			out = append(out, &e)
		}
	}
	return out
}

func genericPointers(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for _, p := range collect(t, tr, []int{1, 2, 3, 4}, func(k int) bool { return k%2 == 0 }) {
		sum += *p
	}
	for _, p := range collect(t, tr, []string{"a", "bb"}, func(s string) bool { return len(s) == 2 }) {
		tr.Print(*p)
	}
	return sum, nil
}

type queue[E any] struct {
	items []E
	last  E
}

func (q *queue[E]) push(t *task.T, tr *cases.Trace, e E) int {
	wait(t, tr, "push", e)
	q.items = append(q.items, e)
	q.last = e
	return len(q.items)
}

func (q *queue[E]) pop(t *task.T, tr *cases.Trace) (e E, ok bool) {
	if len(q.items) == 0 {
		return
	}
	e = q.items[0]
	wait(t, tr, "pop", e)
	q.items = q.items[1:]
	return e, true
}

func genericMethod(t *task.T, tr *cases.Trace, n int) (int, error) {
	var q queue[int]
	q.push(t, tr, value(t, tr, 5))
	k := q.push(t, tr, 6)
	a, ok := q.pop(t, tr)
	r := &queue[string]{}
	r.push(t, tr, "x")
	s, _ := r.pop(t, tr)
	_, none := r.pop(t, tr)
	tr.Print(a, ok, s, none, q.last, r.last)
	return k + a, nil
}

func largest[E cmp.Ordered](t *task.T, tr *cases.Trace, list []E) E {
	if len(list) == 1 {
		wait(t, tr, list[0])
		return list[0]
	}
	half := len(list) / 2
	return max(largest(t, tr, list[:half]), largest(t, tr, list[half:]))
}

func genericRecursion(t *task.T, tr *cases.Trace, n int) (int, error) {
	tr.Print(largest(t, tr, []string{"b", "c", "a"}), largest(t, tr, []float64{1.5, 0.5}))
	return largest(t, tr, []int{3, 9, 2, 7, 5}), nil
}

type block [64]int

func (b *block) sum() (total int) {
	for _, v := range b {
		total += v
	}
	return total
}

func largeBlocks(t *task.T, tr *cases.Trace, n int) (int, error) {
	total := 0
	{
		var b block
		b[3] = value(t, tr, 1)
		total += b[3]
	}
	{
		b := block{5: 7}
		value(t, tr, 2)
		total += b[5]
	}
	for i := range 2 {
		var b block
		b[i] = value(t, tr, 3)
		wait(t, tr, b[0], b[1])
		total += b.sum()
	}
	return total, nil
}

func large(t *task.T, tr *cases.Trace, fails bool) (block, error) {
	var b block
	for i := range 2 {
		b[i] = value(t, tr, i+1)
	}
	if fails {
		return b, fmt.Errorf("large: %w", wait(t, tr, "fails"))
	}
	return b, wait(t, tr, "end")
}

func largeChildren(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, err := large(t, tr, n == 1)
	tr.Print(a[1], err)
	b, err := large(t, tr, false)
	return a[1]*10 + b[1], err
}

func deepRecursion(t *task.T, tr *cases.Trace, n int) (int, error) {
	if n == 0 {
		return 0, wait(t, tr, "bottom")
	}
	k, err := deepRecursion(t, tr, n-1)
	if n%100 == 0 {
		wait(t, tr, n)
	}
	return k + n, err
}

type numbered int

func (x numbered) work(t *task.T, tr *cases.Trace, n int) (int, error) {
	return value(t, tr, int(x)+n), nil
}

// literalInReceiver has receivers that literals make, which are not needed for the calls themselves.
func literalInReceiver(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range 2 {
		k, err := worker(numbered(func(t *task.T, k int) int { return value(t, tr, k+i) }(t, n))).work(t, tr, 1)
		if err != nil {
			return k, err
		}
		sum += k
	}
	return sum, wait(t, tr, "end")
}
