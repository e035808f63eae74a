package order

import (
	"errors"
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

type adder func(t *task.T, tr *cases.Trace, n int) adder

func addOne(t *task.T, tr *cases.Trace, n int) adder {
	tr.Print("addOne", value(t, tr, n+1))
	return addTwo
}

func addTwo(t *task.T, tr *cases.Trace, n int) adder {
	tr.Print("addTwo", value(t, tr, n+2))
	return addOne
}

func choose(t *task.T, tr *cases.Trace, n int) func(*task.T, *cases.Trace, int) int {
	value(t, tr, 1000+n)
	if n == 1 {
		return value
	}
	return negative
}

func negative(t *task.T, tr *cases.Trace, n int) int {
	tr.Print("negative", n)
	return -value(t, tr, n)
}

func computedFunction(t *task.T, tr *cases.Trace, n int) (int, error) {
	addOne(t, tr, 1)(t, tr, value(t, tr, 2))(t, tr, value(t, tr, 3))
	a := choose(t, tr, 1)(t, tr, choose(t, tr, 2)(t, tr, 5))
	fn := value
	b := fn(t, tr, func() int { fn = negative; return tr.Int(7) }())
	c := fn(t, tr, value(t, tr, 8))
	table := []func(*task.T, *cases.Trace, int) int{value, negative}
	d := table[value(t, tr, 1)](t, tr, value(t, tr, 9))
	return a + b*10 + c*100 + d*1000, nil
}

func operands(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := tr.Int(2) * value(t, tr, 3)
	b := value(t, tr, 4) - tr.Int(1)
	c := tr.Int(1) + value(t, tr, 2)*tr.Int(3) - value(t, tr, 4)/tr.Int(2)
	d := (value(t, tr, 1) + tr.Int(2)) * (tr.Int(3) + value(t, tr, 4))
	return a + b*100 + c*1000 + d, nil
}

type account struct {
	name string
	sum  int
}

func open(t *task.T, tr *cases.Trace, name string) *account {
	wait(t, tr, "open", name)
	return &account{name: name}
}

func (a *account) add(t *task.T, tr *cases.Trace, n int) *account {
	wait(t, tr, "add", a.name, n)
	a.sum += n
	return a
}

func (a account) print(t *task.T, tr *cases.Trace, note string) int {
	wait(t, tr, "print", a.name, a.sum, note)
	tr.Print(a.name, a.sum, note)
	return a.sum
}

func receiverAndArgument(t *task.T, tr *cases.Trace, n int) (int, error) {
	open(t, tr, "a").add(t, tr, value(t, tr, 1)).add(t, tr, value(t, tr, 2)).print(t, tr, "end")
	x := open(t, tr, "x")
	y := open(t, tr, "y")
	p := x
	swap := func() int { p = y; return tr.Int(5) }
	p.add(t, tr, swap())
	p.add(t, tr, 3)
	return x.sum*10 + y.sum, nil
}

func receiverCopied(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := account{"a", 1}
	change := func() string { a.sum = 50; return "changed" }
	r := a.print(t, tr, change())
	p := &a
	r += p.print(t, tr, func() string { p.sum++; return "again" }())
	list := []account{{"l", 1}}
	r += list[0].print(t, tr, func() string { list[0].sum = 7; return "list" }())
	list[0].add(t, tr, func() int { list = append(list[:0:0], account{"m", 100}); return 9 }())
	r += list[0].sum
	return r + value(t, tr, a.sum), nil
}

func variableReadLate(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := 1
	set := func(v int) int { x = v; return v }
	a := value(t, tr, x) + set(10)
	list := []int{x, value(t, tr, set(20)), x}
	b := set(30) + value(t, tr, x)
	pass := fmt.Sprint(set(40), value(t, tr, x), set(50))
	tr.Print(a, list[1], b, pass, x)
	return x, nil
}

func pair(t *task.T, tr *cases.Trace, n int) (int, error) {
	err := wait(t, tr, "pair", n)
	if err == nil && n < 0 {
		err = errors.New("negative")
	}
	return n * 10, err
}

func twoResults(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, err := pair(t, tr, 1)
	b, err := pair(t, tr, -2)
	tr.Print(a, b, err)
	c, err2 := pair(t, tr, 3)
	a, c = c, a
	b, d := 5, value(t, tr, 6)
	if a, err := pair(t, tr, -a); err != nil {
		tr.Print("inner", a, err)
	}
	_, err = pair(t, tr, 4)
	return a + b + c + d, errors.Join(err, err2)
}

func passedOn(t *task.T, tr *cases.Trace, n int) (int, error) {
	tr.Print(pair(t, tr, n))
	both := func(n int, err error) string { return fmt.Sprint(n, err) }
	s := both(pair(t, tr, -1))
	return len(s), check(pair(t, tr, value(t, tr, 2)))
}

func check(n int, err error) error { return err }

func three(t *task.T, tr *cases.Trace, n int) (a int, b string, err error) {
	a = value(t, tr, n)
	b = fmt.Sprint("b", value(t, tr, n+1))
	return
}

func swallow(t *task.T, tr *cases.Trace, n int) (int, string, error) { return three(t, tr, n) }

func returnedResults(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, b, err := swallow(t, tr, n)
	tr.Print(a, b, err)
	if n > 100 {
		return 0, nil
	}
	return pair(t, tr, a)
}

func sum(t *task.T, tr *cases.Trace, list ...int) int {
	wait(t, tr, "sum", len(list), list == nil)
	total := 0
	for _, v := range list {
		total += v
	}
	return total
}

func note(t *task.T, tr *cases.Trace, first string, rest ...any) string {
	wait(t, tr, first, len(rest))
	return first + fmt.Sprint(rest...)
}

func variadics(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := sum(t, tr)
	a += sum(t, tr, value(t, tr, 1), 2, value(t, tr, 3))
	list := []int{4, 5}
	a += sum(t, tr, list...)
	a += sum(t, tr, append(list, value(t, tr, 6))...)
	tr.Print(note(t, tr, "n"), note(t, tr, "m", 1, nil, note(t, tr, "inner", list)))
	fn := sum
	return a + fn(t, tr, value(t, tr, 7)), nil
}

func nestedAwaits(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := value(t, tr, value(t, tr, value(t, tr, n)+1)+1)
	b := sum(t, tr, value(t, tr, 1), sum(t, tr, value(t, tr, 2), value(t, tr, 3)), value(t, tr, 4))
	return value(t, tr, a*sum(t, tr, b, value(t, tr, 5))), wait(t, tr, value(t, tr, 6), tr.Int(7))
}

func calledLiterals(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := func(x int) int { return x + tr.Int(1) }(value(t, tr, 2))
	b := func(t *task.T, x int) int { return x * value(t, tr, 3) }(t, value(t, tr, 4))
	return a + b, nil
}

func largeOne(t *task.T, tr *cases.Trace, n int) [20]int {
	var a [20]int
	for i := range a {
		a[i] = i * n
	}
	value(t, tr, n)
	return a
}

func largeResult(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := largeOne(t, tr, 1)
	b := largeOne(t, tr, 2)
	c := largeOne(t, tr, a[3]+b[4])[5]
	return a[19] + b[19] + c + largeOne(t, tr, 2)[value(t, tr, 7)], nil
}

func first(t *task.T, tr *cases.Trace, n int) (error, int) {
	wait(t, tr, "first", n)
	return fmt.Errorf("error %d", n), n
}

func two(t *task.T, tr *cases.Trace, n int) (error, error) {
	return fmt.Errorf("left %d", value(t, tr, n)), wait(t, tr, "two")
}

func errorsNotLast(t *task.T, tr *cases.Trace, n int) (int, error) {
	err, k := first(t, tr, n)
	left, right := two(t, tr, k)
	tr.Print(err, k, left, right)
	return k, right
}

func chained(t *task.T, tr *cases.Trace, n int) (int, error) {
	s := open(t, tr, "s").add(t, tr, 1).sum + open(t, tr, "u").add(t, tr, value(t, tr, 4)).sum
	return s + (*open(t, tr, "v").add(t, tr, 5)).print(t, tr, open(t, tr, "w").name), nil
}

func recursion(t *task.T, tr *cases.Trace, n int) (int, error) {
	if n <= 0 {
		return value(t, tr, 1), wait(t, tr, "bottom")
	}
	a, err := recursion(t, tr, n-1)
	if err != nil {
		return a, fmt.Errorf("%d: %w", n, err)
	}
	b, err := recursion(t, tr, n-3)
	return a + b, err
}
