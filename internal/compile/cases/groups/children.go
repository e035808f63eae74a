package groups

import (
	"fmt"
	"sync/atomic"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func results(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	squares := make([]int, n)
	for i := range squares {
		g.Go(t, func(t *task.T) error {
			defer tr.Enter()()
			squares[i] = value(t, tr, i) * value(t, tr, i)
			return nil
		})
	}
	err := g.Wait(t)
	tr.Print(squares, err)
	return len(squares), err
}

func inLoop(t *task.T, tr *cases.Trace, n int) (int, error) {
	total := 0
	for i := range n {
		var g task.Group
		a, b := 0, 0
		g.Go(t, func(t *task.T) error { a = value(t, tr, i); return nil })
		g.Go(t, func(t *task.T) error { b = value(t, tr, 10*i); return nil })
		if err := g.Wait(t); err != nil {
			return total, err
		}
		total += a + b
		tr.Print("iteration", i, a, b)
	}
	return total, nil
}

func again(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	sum := 0
	for i := 1; i < 4; i++ {
		counts := make([]int, i)
		for j := range i {
			g.Go(t, func(t *task.T) error { counts[j] = value(t, tr, i*10+j); return nil })
		}
		wait(t, tr, "beside", i)
		if err := g.Wait(t); err != nil {
			return sum, err
		}
		for _, c := range counts {
			sum += c
		}
	}
	return sum, g.Wait(t)
}

func nested(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	sums := make([]int, n)
	for i := range n {
		g.Go(t, func(t *task.T) error {
			defer tr.Enter()()
			var inner task.Group
			parts := [3]int{}
			for j := range parts {
				inner.Go(t, func(t *task.T) error {
					parts[j] = value(t, tr, i*10+j)
					return nil
				})
			}
			err := inner.Wait(t)
			sums[i] = parts[0] + parts[1] + parts[2]
			return err
		})
	}
	err := g.Wait(t)
	tr.Print(sums)
	return len(sums), err
}

func siblings(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	var ended atomic.Int64
	var grow func(t *task.T, depth int) error
	grow = func(t *task.T, depth int) error {
		defer ended.Add(1)
		if err := wait(t, tr, "depth", depth); err != nil {
			return err
		}
		if depth > 0 {
			for range 2 {
				g.Go(t, func(t *task.T) error { return grow(t, depth-1) })
			}
		}
		wait(t, tr, "left", depth)
		return nil
	}
	g.Go(t, func(t *task.T) error { return grow(t, n) })
	err := g.Wait(t)
	return int(ended.Load()), err
}

type crawl struct {
	group task.Group
	pages []int
}

func (c *crawl) begin(t *task.T, tr *cases.Trace, i int) {
	c.group.Go(t, func(t *task.T) error { return c.fetch(t, tr, i) })
}

func (c *crawl) fetch(t *task.T, tr *cases.Trace, i int) error {
	c.pages[i] = value(t, tr, i+100)
	return nil
}

func begin(t *task.T, tr *cases.Trace, g *task.Group, to *int, v int) {
	wait(t, tr, "begin", v)
	g.Go(t, func(t *task.T) error { *to = value(t, tr, v); return nil })
}

func passed(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := &crawl{pages: make([]int, n)}
	for i := range n {
		c.begin(t, tr, i)
	}
	var g task.Group
	var a, b int
	begin(t, tr, &g, &a, 1)
	begin(t, tr, &g, &b, 2)
	if err := c.group.Wait(t); err != nil {
		return 0, err
	}
	err := g.Wait(t)
	tr.Print(c.pages, a, b)
	return a + b, err
}

func deferred(t *task.T, tr *cases.Trace, n int) (sum int, err error) {
	var g task.Group
	parts := make([]int, n)
	defer func() {
		e := g.Wait(t)
		if err == nil {
			err = e
		}
		for _, p := range parts {
			sum += p
		}
	}()
	for i := range n {
		g.Go(t, func(t *task.T) error { parts[i] = value(t, tr, i+1); return nil })
		if err := wait(t, tr, "next"); err != nil {
			return -1, err
		}
	}
	return 100, nil
}

var reached atomic.Int64

func plainChild(t *task.T) error { reached.Add(1); return t.Yield() }

type worker struct {
	tr *cases.Trace
	k  int
}

func (w worker) byValue(t *task.T) error { value(t, w.tr, w.k); reached.Add(10); return nil }
func (w *worker) byPointer(t *task.T) error {
	w.k = value(t, w.tr, w.k+1)
	reached.Add(100)
	return nil
}

func kinds(t *task.T, tr *cases.Trace, n int) (int, error) {
	reached.Store(0)
	var g task.Group
	g.Go(t, plainChild)
	w := worker{tr, 1}
	p := &worker{tr, 5}
	g.Go(t, func(t *task.T) error { return w.byValue(t) })
	g.Go(t, func(t *task.T) error { return p.byPointer(t) })
	f := plainChild
	wait(t, tr, "between")
	g.Go(t, f)
	f = func(t *task.T) error { reached.Add(1000); return t.Yield() }
	g.Go(t, f)
	list := []func(*task.T) error{plainChild, f}
	for _, c := range list {
		g.Go(t, c)
	}
	g.Go(t, chosen(t, tr, 1))
	err := g.Wait(t)
	return int(reached.Load()) + p.k, err
}

func chosen(t *task.T, tr *cases.Trace, k int) func(*task.T) error {
	wait(t, tr, "chosen", k)
	return func(t *task.T) error { reached.Add(10000); return wait(t, tr, "in", k) }
}

func captures(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	var m task.Mutex
	sum := 0
	for i := 0; i < n; i++ {
		k := i * 2
		g.Go(t, func(t *task.T) error {
			before := value(t, tr, k)
			k++
			if err := m.Lock(t); err != nil {
				return err
			}
			defer m.Unlock()
			now := sum
			wait(t, tr, "inside", i)
			sum = now + before + k
			return nil
		})
	}
	for i, s := range []string{"a", "bc"} {
		g.Go(t, func(t *task.T) error {
			s += fmt.Sprint(value(t, tr, i))
			tr.Print(s)
			return nil
		})
	}
	err := g.Wait(t)
	return sum, err
}

func put[E any](t *task.T, tr *cases.Trace, g *task.Group, to *E, v E) {
	g.Go(t, func(t *task.T) error {
		wait(t, tr, "put", v)
		*to = v
		return nil
	})
}

func generics(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	var i int
	var s string
	put(t, tr, &g, &i, n)
	put(t, tr, &g, &s, "text")
	err := g.Wait(t)
	tr.Print(i, s)
	return i, err
}

func withDefers(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	ended := make([]int, n)
	for i := range n {
		g.Go(t, func(t *task.T) (err error) {
			defer tr.Enter()()
			defer func() {
				wait(t, tr, "leaving", i)
				ended[i]++
			}()
			for k := range 2 {
				defer tr.Print("deferred", i, k)
				if err := wait(t, tr, "child", i, k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait(t)
	tr.Print(ended)
	return n, err
}

func recovers(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	for i := range n {
		g.Go(t, func(t *task.T) (err error) {
			defer func() {
				if v := recover(); v != nil && err == nil {
					wait(t, tr, "recovered", v)
				}
			}()
			if value(t, tr, i) == 1 {
				panic(fmt.Sprint("one of ", n))
			}
			return nil
		})
	}
	return n, g.Wait(t)
}

func fibonacci(t *task.T, tr *cases.Trace, n int) (int, error) {
	if n < 2 {
		return value(t, tr, n), nil
	}
	var g task.Group
	var a, b int
	g.Go(t, func(t *task.T) (err error) { a, err = fibonacci(t, tr, n-1); return err })
	g.Go(t, func(t *task.T) (err error) { b, err = fibonacci(t, tr, n-2); return err })
	err := g.Wait(t)
	return a + b, err
}

func immediate(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	var count atomic.Int64
	for range n {
		g.Go(t, func(t *task.T) error { count.Add(1); return nil })
	}
	if err := g.Wait(t); err != nil {
		return 0, err
	}
	wait(t, tr, "waited")
	g.Go(t, func(t *task.T) error { count.Add(1); return fmt.Errorf("at once") })
	err := g.Wait(t)
	return int(count.Load()), err
}

func scopes(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	var a, b int
	g.Go(t, func(t *task.T) error {
		return task.Timeout(t, hour, func(t *task.T) error {
			defer tr.Enter()()
			a = value(t, tr, 1)
			return nil
		})
	})
	err := task.Shield(t, func(t *task.T) error {
		g.Go(t, func(t *task.T) error { b = value(t, tr, 2); return t.Err() })
		wait(t, tr, "in the shield")
		return g.Wait(t)
	})
	return a + b, err
}

func waitInExpression(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	var a int
	g.Go(t, func(t *task.T) error { a = value(t, tr, 3); return nil })
	if g.Wait(t) == nil && value(t, tr, a) == 3 {
		tr.Print("three")
	}
	g.Go(t, func(t *task.T) error { a = value(t, tr, 4); return nil })
	tr.Print(fmt.Sprint(g.Wait(t)), a)
	switch g.Go(t, func(t *task.T) error { a = value(t, tr, 5); return nil }); g.Wait(t) {
	case nil:
		return a, nil
	}
	return 0, g.Wait(t)
}

func jumps(t *task.T, tr *cases.Trace, n int) (int, error) {
	total := 0
outer:
	for i := range 4 {
		var g task.Group
		found := 0
		for j := range 3 {
			if value(t, tr, j) == i {
				g.Go(t, func(t *task.T) error { found = value(t, tr, 10*i+j); return nil })
				break
			}
			g.Go(t, func(t *task.T) error { return wait(t, tr, "no", i, j) })
		}
		if err := g.Wait(t); err != nil {
			return total, err
		}
		switch {
		case i == 1:
			continue outer
		case i == 3:
			break outer
		}
		total += found
	}
	return total, nil
}
