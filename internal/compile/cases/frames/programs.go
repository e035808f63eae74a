// Package frames has programs whose frames are large, many or rare.
package frames

import (
	"errors"
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var programs = []cases.Program{
	{Name: "disjoint blocks of large variables", Run: blocks},
	{Name: "large arguments are passed on", Run: passesOn},
	{Name: "two large children, the first fails", Run: children, Sizes: []int{0, 1, 2}},
	{Name: "large variables in a loop", Run: inLoop},
	{Name: "deep recursion", Run: deep, Sizes: []int{1, 40}},
	{Name: "recursion of two functions", Run: even, Sizes: []int{0, 7}},
	{Name: "many calls, few of which wait", Run: rarely},
}

var errChild = errors.New("child")

type large [32]uint64

func (l *large) sum() (s int) {
	for _, v := range l {
		s += int(v)
	}
	return s
}

func filled(n int) (l large) {
	for i := range l {
		l[i] = uint64(n)
	}
	return l
}

func blocks(t *task.T, tr *cases.Trace, n int) (int, error) {
	total := 0
	{
		a := filled(n)
		total += value(t, tr, 1)
		total += a.sum()
	}
	if total > 0 {
		b := filled(2)
		total += value(t, tr, 2) + b.sum()
	}
	for i := range 2 {
		c := filled(i)
		total += value(t, tr, 3)
		total += int(c[i])
	}
	switch n {
	case 3:
		d := filled(4)
		total += value(t, tr, 4)
		total += d.sum()
	default:
		e := filled(5)
		total += value(t, tr, 5)
		total += e.sum()
	}
	return total, nil
}

func takes(t *task.T, tr *cases.Trace, l large, s string) (large, error) {
	l[0] += uint64(value(t, tr, len(s)))
	return l, wait(t, tr, s)
}

// wraps has nothing to keep while it waits.
func wraps(t *task.T, tr *cases.Trace, l large) (large, error) { return takes(t, tr, l, "wrapped") }

func passesOn(t *task.T, tr *cases.Trace, n int) (int, error) {
	l, err := wraps(t, tr, filled(n))
	if err != nil {
		return l.sum(), err
	}
	m, err := wraps(t, tr, l)
	return m.sum() - l.sum(), err
}

func child(t *task.T, tr *cases.Trace, n int, fails bool) (l large, err error) {
	l = filled(n)
	k := value(t, tr, n)
	if fails {
		return l, fmt.Errorf("%w %d", errChild, k)
	}
	l[1] = uint64(value(t, tr, k+1))
	return l, nil
}

func children(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, err := child(t, tr, 10, n == 0)
	if err != nil {
		tr.Print(a.sum(), err)
		wait(t, tr, "failed")
	}
	b, err := child(t, tr, 20, n == 1)
	return a.sum() + b.sum(), err
}

func inLoop(t *task.T, tr *cases.Trace, n int) (int, error) {
	total := 0
	for i := range n {
		var zero, full large
		tr.Print(zero.sum())
		full = filled(value(t, tr, i))
		zero[i]++
		wait(t, tr, "between")
		total += zero.sum() + full.sum()
	}
	return total, nil
}

func deep(t *task.T, tr *cases.Trace, n int) (int, error) {
	if n == 0 {
		return value(t, tr, 0), nil
	}
	k, err := deep(t, tr, n-1)
	if n%13 == 0 {
		wait(t, tr, "on the way up", n)
	}
	return k + n, err
}

func even(t *task.T, tr *cases.Trace, n int) (int, error) {
	if n == 0 {
		return 1, wait(t, tr, "even")
	}
	return odd(t, tr, n-1)
}

func odd(t *task.T, tr *cases.Trace, n int) (int, error) {
	if n == 0 {
		return 0, wait(t, tr, "odd")
	}
	defer tr.Print("odd", n)
	return even(t, tr, n-1)
}

func seldom(t *task.T, tr *cases.Trace, i int) int {
	if i%500 == 499 {
		value(t, tr, i)
	}
	return i & 1
}

func rarely(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range 2000 {
		sum += seldom(t, tr, i)
	}
	return sum, nil
}

func calls(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range n {
		sum += never(t, tr, i)
	}
	return sum, nil
}

func never(t *task.T, tr *cases.Trace, i int) int {
	if i < 0 {
		value(t, tr, i)
	}
	return i & 1
}

func descend(t *task.T, n int) (int, error) {
	if n == 0 {
		return 0, t.Yield()
	}
	k, err := descend(t, n-1)
	return k + 1, err
}
