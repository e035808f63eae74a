package forms

import (
	"cmp"
	"fmt"

	"github.com/framearena/framearena/task"
)

type number interface{ ~int | ~float64 }

// sumOf waits at each element.
func sumOf[N number](t *task.T, s *script, list ...N) (sum N, err error) {
	for i, v := range list {
		if err := pause(t, s, fmt.Sprint(i, v)); err != nil {
			return sum, err
		}
		sum += v
	}
	return sum, nil
}

type stack[E any] struct{ list []E }

func (st *stack[E]) push(t *task.T, s *script, e E) int {
	must(t, s, len(st.list))
	st.list = append(st.list, e)
	return len(st.list)
}

func (st stack[_]) size(t *task.T, s *script) int { return must(t, s, len(st.list)) }

func mapped[A, B any](t *task.T, s *script, list []A, fn func(*task.T, A) (B, error)) ([]B, error) {
	var out []B
	for _, a := range list {
		b, err := fn(t, a)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

type pusher[E any] interface {
	push(t *task.T, s *script, e E) int
	size(t *task.T, s *script) int
}

func pushAll[E cmp.Ordered, P pusher[E]](t *task.T, s *script, p P, list []E) (biggest E, n int) {
	for _, e := range list {
		biggest = max(biggest, e)
		n += p.push(t, s, e)
		n += func(t *task.T) int { return p.size(t, s) + len(fmt.Sprint(e)) }(t)
	}
	return biggest, n
}

func generics(t *task.T, s *script, n int) (string, error) {
	a, err := sumOf(t, s, 1, 2, n)
	if err != nil {
		return "", err
	}
	b, _ := sumOf(t, s, []float64{1.5, 2}...)
	st := &stack[string]{}
	st.push(t, s, "a")
	var p pusher[string] = st
	p.push(t, s, "b")
	words, err := mapped(t, s, []int{1, 2}, func(t *task.T, n int) (string, error) { return text(t, s, fmt.Sprint(n)) })
	if err != nil {
		return "", err
	}
	big, count := pushAll(t, s, &stack[float64]{}, []float64{3, 9, 4})
	word, count2 := pushAll[string](t, s, p, words)
	f := sumOf[int]
	c, err := f(t, s, 4, 5)
	return fmt.Sprint(a, b, st.list, st.size(t, s), p.size(t, s), words, big, count, word, count2, c), err
}

func declarations(t *task.T, s *script, n int) (string, error) {
	const limit = 3
	const (
		a = iota + limit
		b
	)
	type point struct{ x, y int }
	type points []point
	var list points
	for i := range limit {
		const step = 2
		type spot struct {
			point
			name string
		}
		p := spot{point{i * step, b}, "p"}
		must(t, s, p.x)
		list = append(list, p.point)
		var v any = p
		must(t, s, i)
		if p, ok := v.(spot); ok {
			s.logf("%T %v", p, p)
		}
	}
	if n > limit {
		const limit = "shadowed"
		s.logf(limit)
		must(t, s, a)
	}
	return fmt.Sprintf("%T %v", list, list), nil
}
