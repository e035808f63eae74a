package loops

import (
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func bodyVariable(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := 0; i < 2; i++ {
		var j int
		tr.Print(j)
		j = 3
		if err := wait(t, tr, "wait"); err != nil {
			return j, err
		}
		tr.Print(j)
		j = 4
	}
	return n, nil
}

type point struct {
	x, y int
	name string
}

func bodyVariables(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := 0; i < n; i++ {
		var (
			s    string
			p    point
			q    *point
			list []int
			a    [3]int
			e    any
			err  error
			m    map[string]int
		)
		tr.Print(s, p, q == nil, len(list), a, e, err, m == nil)
		s, p, q, list, a, e = "s", point{1, 2, "p"}, &point{x: i}, []int{1}, [3]int{i, i, i}, i
		m = map[string]int{"m": i}
		err = wait(t, tr, i)
		tr.Print(s, p, q.x, list, a, e, err, m)
	}
	return n, nil
}

func innerBodyVariable(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := 0; i < n; i++ {
		var outer int
		for j := 0; j < 2; j++ {
			var inner int
			tr.Print(outer, inner)
			inner += value(t, tr, 1)
			outer += inner
			tr.Print(outer, inner)
		}
		sum += outer
	}
	return sum, nil
}

func redeclared(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := n
	for i := 0; i < 2; i++ {
		x := x + i
		tr.Print(x)
		value(t, tr, x)
		x *= 2
		{
			x := "inner " + fmt.Sprint(x)
			value(t, tr, len(x))
			tr.Print(x)
		}
		tr.Print(x)
	}
	return x, nil
}

func nested(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
	for i := 0; i < n; i++ {
		for j := 0; j < n; j++ {
			if err := wait(t, tr, i, j); err != nil {
				return count, fmt.Errorf("at %d, %d: %w", i, j, err)
			}
			count++
		}
	}
	return count, nil
}

func threeDeep(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
	for i := 0; i < 2; i++ {
		for j := i; j < 2; j++ {
			for k := 0; k <= j; k++ {
				count += value(t, tr, i*100+j*10+k)
			}
			value(t, tr, -j)
		}
		value(t, tr, -10*i)
	}
	return count, nil
}

func nestedRanges(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
	for i := range n {
		for j := range i + 1 {
			for _, c := range "ab" {
				tr.Print(i, j, c)
				count += value(t, tr, j)
			}
		}
	}
	return count, nil
}

func shadows(t *task.T, tr *cases.Trace, n int) (int, error) {
	err := fmt.Errorf("outer")
	for n := 0; n < 2; n++ {
		err := wait(t, tr, n)
		if err := wait(t, tr, "if"); err != nil {
			tr.Print("inner", err)
		} else if n := value(t, tr, n+10); n > 10 {
			tr.Print("n", n, err)
		} else {
			n := fmt.Sprint("text ", n, err)
			value(t, tr, len(n))
			tr.Print(n)
		}
		tr.Print(n, err)
	}
	len := func(s string) int { return 42 }
	value(t, tr, len(""))
	true := false
	value(t, tr, 1)
	tr.Print(true, len("x"))
	return n, err
}

func declarations(t *task.T, tr *cases.Trace, n int) (int, error) {
	var a, b, c = 1, value(t, tr, 2), "c"
	var x, y int = value(t, tr, 3), 4
	var (
		d       = value(t, tr, 5)
		e, f    = d + 1, value(t, tr, d+2)
		g       float64
		_       = value(t, tr, 6)
		h, _, i = 1, value(t, tr, 7), 8
	)
	tr.Print(a, b, c, x, y, d, e, f, g, h, i)
	return a + b + x + y + d + e + f, nil
}
