package functions

import (
	"fmt"
	"iter"
	"runtime"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func assigns(t *task.T, tr *cases.Trace, n int) (int, error) {
	var i int
	var s string
	for i, s = range upTo(tr, n) {
		value(t, tr, i)
		i += 10
	}
	tr.Print(i, s)
	list := []int{0, 0}
	for list[1] = range upTo(tr, 2) {
		value(t, tr, list[1])
	}
	tr.Print(list)
	return i, nil
}

func captured(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() int
	sum := 0
	for i, s := range upTo(tr, n) {
		p := &i
		all = append(all, func() int { i++; return *p + len(s) })
		value(t, tr, i)
		*p += 10
	}
	for _, f := range all {
		sum = sum*100 + f() + f()
	}
	return sum, wait(t, tr, "end")
}

// defers has calls that are deferred to the end of the function, not of the loop.
func defers(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() { k++ }()
	for i := range upTo(tr, 4) {
		defer tr.Print("deferred", i)
		defer func() { k += i * 10 }()
		if err := wait(t, tr, "body", i); err != nil {
			return i, err
		}
		if i == n {
			return value(t, tr, 100), nil
		}
	}
	tr.Print("after the loop")
	return k, wait(t, tr, "end")
}

func each[E any](tr *cases.Trace, list ...E) iter.Seq[E] {
	return func(yield func(E) bool) {
		defer tr.Print("each ends")
		for _, v := range list {
			if !yield(v) {
				return
			}
		}
	}
}

func generic[E any](t *task.T, tr *cases.Trace, n int, list ...E) (last E, err error) {
	for v := range each(tr, list...) {
		defer tr.Print("deferred", v)
		defer func() { tr.Print("literal", v) }()
		last = v
		if err := wait(t, tr, v); err != nil {
			return last, err
		}
		if n--; n == 0 {
			break
		}
	}
	return last, wait(t, tr, "end of generic")
}

func defersGeneric(t *task.T, tr *cases.Trace, n int) (int, error) {
	s, err := generic(t, tr, n, "a", "b")
	if err != nil {
		return 0, err
	}
	tr.Print(s)
	return generic(t, tr, n, 1, 2, 3)
}

type file struct{ name string }

func (f *file) Close(t *task.T, tr *cases.Trace) error {
	defer tr.Print("closed", f.name)
	return wait(t, tr, "closing", f.name)
}

func defersThatWait(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	for i := range upTo(tr, n) {
		f := &file{fmt.Sprint("f", i)}
		defer f.Close(t, tr)
		defer func() { k += value(t, tr, i) }()
		if err := wait(t, tr, "body", i); err != nil {
			return i, err
		}
	}
	return 100, nil
}

func defersNested(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range upTo(tr, 2) {
		defer tr.Print("outer", i)
		for j := range each(tr, 7, 8) {
			defer tr.Print("inner", i, j)
			func() {
				defer tr.Print("of the literal", i, j)
				for range each(tr, 1) {
					defer tr.Print("in the literal's loop")
				}
			}()
			value(t, tr, i*j)
		}
	}
	return n, wait(t, tr, "end")
}

func returns(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	for i := range upTo(tr, 3) {
		for j, s := range upTo(tr, 3) {
			k += value(t, tr, j)
			switch {
			case n == 0 && i == 1:
				return
			case n == 1 && j == 2:
				return value(t, tr, 50), fmt.Errorf("at %d %s", i, s)
			case n == 2 && i == 2:
				k, err = 7, nil
				return k, wait(t, tr, "returns")
			}
		}
	}
	return k, nil
}

func jumps(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
outer:
	for i := range 4 {
	middle:
		for j := range upTo(tr, 4) {
			for k := 0; ; k++ {
				for v := range each(tr, 10, 20) {
					count++
					switch value(t, tr, i*j*k) + v {
					case 10:
						if j == 2 {
							continue outer
						}
						continue middle
					case 20:
						continue
					case 12:
						break middle
					case 23, 16:
						break outer
					}
					if v == 20 {
						break
					}
				}
				if k == 2 {
					break
				}
			}
		}
		tr.Print("after", i)
	}
	return count, nil
}

func panicsInBody(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() {
		if v := recover(); v != nil {
			tr.Print("recovered", v)
			k = value(t, tr, 5)
		}
	}()
	for i := range upTo(tr, 3) {
		defer tr.Print("deferred", i)
		if i == n {
			panic(fmt.Sprint("in the body ", value(t, tr, i)))
		}
	}
	return 1, nil
}

// failing yields, and panics.
func failing(tr *cases.Trace, n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer tr.Print("failing ends")
		for i := range n {
			if !yield(i) {
				return
			}
		}
		panic("in the function")
	}
}

func panicsInFunction(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() {
		tr.Print("recovered", recover())
		err = wait(t, tr, "after")
	}()
	for i := range failing(tr, n) {
		defer tr.Print("deferred", i)
		k += value(t, tr, i+1)
	}
	tr.Print("never")
	return -1, nil
}

func iteratorDefers(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for v := range each(tr, 1, 2, 3) {
		if sum += value(t, tr, v); v == n {
			break
		}
	}
	tr.Print("after")
	for v := range each(tr, "x", "y") {
		wait(t, tr, v)
		if n == 5 {
			return sum, nil
		}
	}
	return sum, nil
}

func evaluatedOnce(t *task.T, tr *cases.Trace, n int) (int, error) {
	choose := func(k int) iter.Seq2[int, string] {
		tr.Print("choose", k)
		return upTo(tr, k)
	}
	sum := 0
	for i := range choose(value(t, tr, n)) {
		choose = nil
		sum += value(t, tr, i)
	}
	return sum, nil
}

type node[E any] struct {
	left, right *node[E]
	v           E
}

func (n *node[E]) all() iter.Seq[E] {
	return func(yield func(E) bool) { n.walk(yield) }
}

func (n *node[E]) walk(yield func(E) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.v) && n.right.walk(yield)
}

func treeOf(low, high int) *node[int] {
	if low == high {
		return nil
	}
	m := (low + high) / 2
	return &node[int]{treeOf(low, m), treeOf(m+1, high), m}
}

func tree(t *task.T, tr *cases.Trace, n int) (int, error) {
	root := treeOf(0, 7)
	sum := 0
	for v := range root.all() {
		if v == 1 {
			continue
		}
		if sum = sum*10 + value(t, tr, v); v == n+1 {
			break
		}
	}
	return sum, nil
}

type span struct{ from, to int }

func (s span) all(yield func(int) bool) {
	for i := s.from; i < s.to && yield(i); i++ {
	}
}

func methods(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	s := span{1, n}
	for i := range s.all {
		s = span{}
		sum += value(t, tr, i)
	}
	for v := range (&node[string]{v: "leaf"}).all() {
		wait(t, tr, v)
		sum += len(v)
	}
	return sum, nil
}

func inLiteral(t *task.T, tr *cases.Trace, n int) (int, error) {
	add := func(t *task.T, k int) (sum int) {
		for i := range upTo(tr, k) {
			sum += value(t, tr, i)
			n++
		}
		return sum
	}
	return add(t, 2) + add(t, n), wait(t, tr, "end")
}

func inChild(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	sums := make([]int, n)
	for i := range sums {
		g.Go(t, func(t *task.T) error {
			for v := range each(tr, 1, 2, 3) {
				defer tr.Enter()()
				sums[i] += value(t, tr, v*i)
				if v == 2 {
					return nil
				}
			}
			return nil
		})
	}
	err := g.Wait(t)
	tr.Print(sums)
	return n, err
}

func pull(t *task.T, tr *cases.Trace, n int) (int, error) {
	next, stop := iter.Pull2(upTo(tr, n))
	defer stop()
	sum := 0
	for {
		i, s, ok := next()
		if !ok {
			return sum, nil
		}
		if sum += value(t, tr, i) + len(s); i == 1 {
			return sum, nil
		}
	}
}

func neverWaits(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := value(t, tr, 1)
	for i := range upTo(tr, 3) {
		if i == 1 {
			continue
		}
		sum += i
	}
	k := func() int {
		for i := range upTo(tr, 3) {
			if i == 1 {
				return i
			}
		}
		return 0
	}()
	return sum + k + value(t, tr, 2), nil
}

// caught calls f, and prints its panic.
func caught(t *task.T, tr *cases.Trace, f func(*task.T)) {
	defer func() { tr.Print("caught", recover()) }()
	f(t)
}

// recovering recovers what the loop's body panics with.
func recovering(tr *cases.Trace) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer func() { tr.Print("recovered", recover()) }()
		yield(1)
	}
}

func recoversBody(t *task.T, tr *cases.Trace, n int) (int, error) {
	caught(t, tr, func(t *task.T) {
		for i := range recovering(tr) {
			for range recovering(tr) {
				panic(fmt.Sprint("body ", value(t, tr, i)))
			}
		}
		tr.Print("never")
	})
	return n, wait(t, tr, "end")
}

func goesOn(t *task.T, tr *cases.Trace, n int) (int, error) {
	caught(t, tr, func(t *task.T) {
		for i := range func(yield func(int) bool) {
			defer tr.Print("ends")
			for i := range 3 {
				tr.Print(i, yield(i))
			}
		} {
			if value(t, tr, i) == 1 {
				break
			}
		}
		tr.Print("never")
	})
	return n, wait(t, tr, "end")
}

func raisesAnother(t *task.T, tr *cases.Trace, n int) (int, error) {
	caught(t, tr, func(t *task.T) {
		for i := range func(yield func(int) bool) {
			defer func() { panic(fmt.Sprint("another after ", recover())) }()
			yield(n)
		} {
			for range each(tr, 1) {
				panic(value(t, tr, i))
			}
		}
	})
	return n, wait(t, tr, "end")
}

func exitsInBody(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range upTo(tr, n) {
		defer tr.Print("deferred", i)
		for v := range each(tr, "a", "b") {
			wait(t, tr, v)
			if i == 1 && v == "b" {
				runtime.Goexit()
			}
		}
	}
	return n, nil
}
