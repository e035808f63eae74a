package forms

import (
	"fmt"
	"strings"

	"github.com/framearena/framearena/internal/compile/forms/other"
	"github.com/framearena/framearena/task"
)

type handler func(t *task.T, s *script, n int) (int, error)

type doer interface {
	do(t *task.T, s *script, n int) (int, string, error)
	note(t *task.T, s *script)
}

type byValue struct{ k int }

func (b byValue) do(t *task.T, s *script, n int) (int, string, error) {
	k, err := value(t, s, n+b.k)
	return k, "byValue", err
}

func (b byValue) note(t *task.T, s *script) { must(t, s, b.k) }

type byPointer struct{ k int }

func (b *byPointer) do(t *task.T, s *script, n int) (int, string, error) {
	b.k += must(t, s, n)
	return b.k, "byPointer", nil
}

func (b *byPointer) note(t *task.T, s *script) { must(t, s, b.k) }

type embeds struct {
	name string
	doer
}

func interfaces(t *task.T, s *script, n int) (string, error) {
	p := &byPointer{k: 1}
	all := ""
	list := []doer{byValue{n}, p, &byValue{3}, embeds{"e", p}}
	for i := 0; i < len(list); i++ {
		k, name, err := list[i].do(t, s, must(t, s, i))
		if err != nil {
			return all, err
		}
		list[i].note(t, s)
		all += fmt.Sprint(k, name)
	}
	e := embeds{"e", p}
	k, name, err := e.do(t, s, 1)
	e.note(t, s)
	return all + fmt.Sprint(k, name), err
}

func values(t *task.T, s *script, n int) (string, error) {
	fns := []handler{value, recursive, slept}
	if n > 3 {
		n = 3
	}
	sum := 0
	for i := 0; i < len(fns); i++ {
		k, err := fns[i](t, s, n)
		if err != nil {
			return "", err
		}
		sum += k
	}
	choose := func(i int) func(*task.T, *script, int) int {
		s.logf("choose %d", i)
		return must
	}
	sum += choose(1)(t, s, must(t, s, 5))
	bound := (&counter{n: 3}).add
	sum += bound(t, s, 2)
	m, err := counter.get(counter{n: 1}, t, s)
	c := &counter{n: 10}
	sum += (*counter).add(c, t, s, 4)
	m2, err2 := (*counter).get(c, t, s)
	return fmt.Sprint(sum, m, err, c.n, m2, err2), nil
}

func imported(t *task.T, s *script, n int) (string, error) {
	a, b, err := other.Both(t, n, "x")
	if err != nil {
		return "", err
	}
	w := other.Worker{Name: b}
	l := w.Log(t, "y")
	u := other.Unbound(t, n)
	total := other.Sum(t, 1, 2, 3) + other.Sum(t) + other.Sum(t, []int{4, 5}...)
	return fmt.Sprint(a, b, l, w, u, total, variadic(t, s, "a", "b"), variadic(t, s)), nil
}

func variadic(t *task.T, s *script, words ...string) string {
	must(t, s, len(words))
	return strings.Join(words, " ")
}

func literals(t *task.T, s *script, n int) (string, error) {
	sum := 0
	add := func(t *task.T, k int) error {
		k2, err := value(t, s, k)
		sum += k2
		return err
	}
	for i := 0; i < n; i++ {
		if err := add(t, i); err != nil {
			return "", err
		}
		double := func(t *task.T) (int, error) {
			inner := func(t *task.T) int { return must(t, s, i) + must(t, s, sum) }
			return i + inner(t), nil
		}
		d, err := double(t)
		if err != nil {
			return "", err
		}
		sum += d
		k, err := func(t *task.T, by int) (int, error) {
			sum++
			return value(t, s, by*i)
		}(t, 3)
		if err != nil {
			return "", err
		}
		sum += k
	}
	return fmt.Sprint(sum), nil
}

func group(t *task.T, s *script, n int) (string, error) {
	var g task.Group
	results := make([]int, n)
	for i := 0; i < n; i++ {
		g.Go(t, func(t *task.T) error {
			if err := t.Yield(); err != nil {
				return err
			}
			results[i] = i * i
			return nil
		})
	}
	err := g.Wait(t)
	return fmt.Sprint(results), err
}
