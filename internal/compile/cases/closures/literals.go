package closures

import (
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func taskLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	f := func(t *task.T, k int) int {
		tr.Print("literal", k, n)
		return value(t, tr, k) + n
	}
	a := f(t, 1)
	b := f(t, f(t, 2))
	return a*100 + b, nil
}

func taskLiteralChanges(t *task.T, tr *cases.Trace, n int) (int, error) {
	x, s := 0, ""
	f := func(t *task.T, k int) error {
		x += k
		err := wait(t, tr, "in", x)
		x *= 2
		s += fmt.Sprint(x)
		return err
	}
	if err := f(t, 1); err != nil {
		return x, err
	}
	x += 5
	err := f(t, value(t, tr, 3))
	tr.Print(s)
	s = "new"
	wait(t, tr, "out", x)
	f(t, x)
	tr.Print(s)
	return x, err
}

func taskLiterals(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func(*task.T) int
	for i := range n {
		k := i * 10
		all = append(all, func(t *task.T) int {
			k++
			v := value(t, tr, i+k)
			k += 100
			return v
		})
		wait(t, tr, "made", k)
		k++
	}
	sum := 0
	for _, f := range all {
		sum += f(t)
		sum += f(t)
	}
	return sum, nil
}

func nestedLiterals(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := 1
	outer := func(t *task.T, a int) (int, error) {
		y := a
		inner := func(t *task.T, b int) int {
			x++
			y += b
			return value(t, tr, x*100+y)
		}
		k := inner(t, 1) + inner(t, 2)
		x += 10
		err := wait(t, tr, x, y)
		return k + inner(t, 3), err
	}
	k, err := outer(t, n)
	x++
	if err != nil {
		return k, err
	}
	m, err := outer(t, n*2)
	return k + m + x, err
}

func recursiveLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	calls := 0
	var fib func(t *task.T, n int) int
	fib = func(t *task.T, n int) int {
		calls++
		if n < 2 {
			return value(t, tr, n)
		}
		return fib(t, n-1) + fib(t, n-2)
	}
	r := fib(t, n+1)
	return r*100 + calls, nil
}

func twice(t *task.T, tr *cases.Trace, f func(*task.T, int) (int, error)) (int, error) {
	a, err := f(t, 1)
	if err != nil {
		return a, fmt.Errorf("first: %w", err)
	}
	wait(t, tr, "between")
	b, err := f(t, a)
	return a + b, err
}

func passedLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	total := 0
	r, err := twice(t, tr, func(t *task.T, k int) (int, error) {
		total += k
		v := value(t, tr, k+n)
		total += v
		return v, wait(t, tr, total)
	})
	return r*1000 + total, err
}

func counter(tr *cases.Trace) func(*task.T) int {
	return func(t *task.T) int {
		t.Yield()
		return 7
	}
}

func maker(t *task.T, tr *cases.Trace, start int) (func(*task.T, int) int, error) {
	err := wait(t, tr, "maker")
	return func(t *task.T, d int) int {
		start += value(t, tr, d)
		return start
	}, err
}

func returnedLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	f, err := maker(t, tr, 10)
	if err != nil {
		return 0, err
	}
	g, err := maker(t, tr, 100)
	a := f(t, 1) + g(t, 2)
	wait(t, tr, a)
	return a + f(t, 3) + g(t, 4), err
}

func unboundLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	f := counter(tr)
	a := f(t)
	wait(t, tr, "unbound", a)
	return a + f(t)*10, nil
}

func literalResults(t *task.T, tr *cases.Trace, n int) (int, error) {
	none := func(t *task.T) { wait(t, tr, "none") }
	two := func(t *task.T) (string, int) { return fmt.Sprint(value(t, tr, 1)), value(t, tr, 2) }
	named := func(t *task.T, k int) (r int, err error) {
		r = k
		if err = wait(t, tr, "named"); err != nil {
			return
		}
		r++
		return r * 2, nil
	}
	variadic := func(t *task.T, list ...int) int { return value(t, tr, len(list)) }
	none(t)
	s, k := two(t)
	r, err := named(t, 4)
	return len(s) + k*10 + r*100 + variadic(t, 1, 2)*1000, err
}

type operation struct {
	name string
	do   func(t *task.T, tr *cases.Trace, n int) int
}

func plusOne(t *task.T, tr *cases.Trace, n int) int { return value(t, tr, n) + 1 }

func functionTable(t *task.T, tr *cases.Trace, n int) (int, error) {
	table := map[string]func(*task.T, *cases.Trace, int) int{"value": value, "plus": plusOne}
	ops := []operation{{"a", value}, {"b", plusOne}, {"c", func(t *task.T, tr *cases.Trace, k int) int {
		wait(t, tr, "c")
		return k * n
	}}}
	sum := table["plus"](t, tr, table["value"](t, tr, 2))
	for _, op := range ops {
		sum = sum*10 + op.do(t, tr, len(op.name))
		table[op.name] = op.do
	}
	return sum + table["c"](t, tr, 2), nil
}

func nilFunction(t *task.T, tr *cases.Trace, n int) (int, error) {
	var f func(*task.T, int) int
	wait(t, tr, "before")
	return f(t, value(t, tr, 1)), nil
}

func addsOne(t *task.T, n int) int { return n + 1 }

// literalsWithoutWaits has literals that use their t, and never wait.
func literalsWithoutWaits(t *task.T, tr *cases.Trace, n int) (int, error) {
	add := func(t *task.T, k int) int {
		if t.Err() != nil {
			return -1
		}
		switch k := addsOne(t, k); k {
		case addsOne(t, n):
			return addsOne(t, k*10)
		}
		return addsOne(t, k)
	}
	sum := add(t, value(t, tr, n)) + add(t, value(t, tr, n+1))
	err := task.Timeout(t, time.Hour, func(t *task.T) error { return t.Err() })
	return sum, errors.Join(err, wait(t, tr, "end"))
}
