package forms

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/framearena/framearena/task"
)

// pause is a call that may suspend: it does if the test says so, and says what it was called for.
func pause(t *task.T, s *script, note string) error {
	s.log = append(s.log, note)
	if s.suspends() {
		return t.Yield()
	}
	return nil
}

// script says which calls of pause suspend, and keeps what has happened.
type script struct {
	suspends func() bool
	log      []string
}

func (s *script) logf(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// value suspends and returns n.
func value(t *task.T, s *script, n int) (int, error) {
	if err := pause(t, s, fmt.Sprint("value ", n)); err != nil {
		return 0, err
	}
	return n, nil
}

func plainValue(s *script, n int) int {
	s.logf("plain %d", n)
	return n
}

func must(t *task.T, s *script, n int) int {
	_ = pause(t, s, fmt.Sprint("must ", n))
	return n
}

func text(t *task.T, s *script, v string) (string, error) {
	err := pause(t, s, "text "+v)
	return v + "!", err
}

func pair(t *task.T, s *script, a int, b string) (int, string) {
	pause(t, s, "pair")
	return a + 1, b + "+"
}

func straight(t *task.T, s *script, n int) (string, error) {
	a, err := value(t, s, n)
	if err != nil {
		return "", err
	}
	b, err := value(t, s, a+1)
	if err != nil {
		return "", err
	}
	w, err := text(t, s, "w")
	return fmt.Sprint(a, b, w), err
}

func loops(t *task.T, s *script, n int) (string, error) {
	var b strings.Builder
outer:
	for i := 0; i < n; i++ {
		for j := 0; ; j++ {
			if j == i {
				continue outer
			}
			if must(t, s, j) == 3 {
				break outer
			}
			if j == 2 {
				break
			}
			fmt.Fprint(&b, i, j, " ")
		}
		fmt.Fprint(&b, "| ")
	}
	for i := 0; i < must(t, s, n); i += must(t, s, 1) {
		if i == 1 {
			continue
		}
		fmt.Fprint(&b, i)
	}
	return b.String(), nil
}

func zeroed(t *task.T, s *script, n int) (string, error) {
	all := ""
	for i := 0; i < n; i++ {
		var j int
		all += fmt.Sprint(j)
		j = i + 1
		must(t, s, j)
		all += fmt.Sprint(j)
	}
	return all, nil
}

func order(t *task.T, s *script, n int) (string, error) {
	v := plainValue(s, 1) * must(t, s, n)
	v += must(t, s, 2) + plainValue(s, 3) - must(t, s, 4)
	list := []int{plainValue(s, 0), must(t, s, 1), plainValue(s, 2)}
	list[must(t, s, 1)], list[plainValue(s, 0)] = must(t, s, 7), must(t, s, 8)
	m := map[string]int{fmt.Sprint(must(t, s, 5)): must(t, s, 6)}
	ok := plainValue(s, 1) == 2 && must(t, s, 1) == 1 || must(t, s, 9) == 9
	return fmt.Sprint(v, list, m, ok, len(list) > must(t, s, 2)), nil
}

func multi(t *task.T, s *script, n int) (string, error) {
	a, b := pair(t, s, n, "b")
	var c, d = pair(t, s, a, b)
	var x struct {
		n int
		s string
	}
	x.n, x.s = pair(t, s, c, d)
	return fmt.Sprint(pair(t, s, x.n, x.s)), nil
}

func recursive(t *task.T, s *script, n int) (int, error) {
	if n < 2 {
		return value(t, s, n)
	}
	a, err := recursive(t, s, n-1)
	if err != nil {
		return 0, err
	}
	b, err := recursive(t, s, n-2)
	return a + b, err
}

type counter struct {
	n    int
	note string
}

func (c *counter) add(t *task.T, s *script, n int) int {
	c.n += must(t, s, n)
	return c.n
}

func (c counter) get(t *task.T, s *script) (int, error) {
	n, err := value(t, s, c.n)
	return n + c.n, err
}

type outer struct {
	name string
	*counter
}

func methods(t *task.T, s *script, n int) (string, error) {
	c := counter{n: n, note: "c"}
	c.add(t, s, 2)
	p := &c
	p.add(t, s, 3)
	o := outer{"o", p}
	a := o.add(t, s, plainValue(s, 4))
	g, err := o.get(t, s)
	h, _ := c.get(t, s)
	return fmt.Sprint(c, a, g, h), err
}

var errEven = errors.New("even")

func named(t *task.T, s *script, n int) (k int, err error) {
	for {
		k++
		if must(t, s, k) == n {
			err = errEven
			break
		} else if must(t, s, k) > 100 {
			return
		} else {
			must(t, s, -k)
		}
	}
	if n%2 == 0 {
		return
	}
	return k * 2, nil
}

func addresses(t *task.T, s *script, n int) (string, error) {
	x := n
	p := &x
	must(t, s, 1)
	*p++
	must(t, s, x)
	x++
	add := func(k int) { x += k }
	must(t, s, x)
	add(10)
	var list []func() int
	for i := 0; i < 3; i++ {
		list = append(list, func() int { i += 10; return i })
		must(t, s, i)
	}
	for i := 0; i < 3; i++ {
		double := 2 * i
		list = append(list, func() int { return double })
		must(t, s, i)
	}
	sum := []int{}
	for i := 0; i < len(list); i++ {
		sum = append(sum, list[i](), must(t, s, list[i]()))
	}
	return fmt.Sprint(x, *p, sum), nil
}

func parameter(t *task.T, s *script, n int) (r string, err error) {
	p := &n
	must(t, s, n)
	*p++
	set := func(v string) { r += v }
	set("a")
	must(t, s, n)
	set("b")
	return r + fmt.Sprint(n, *p), nil
}

func slept(t *task.T, s *script, n int) (int, error) {
	if err := t.Sleep(time.Duration(n)); err != nil {
		return 0, err
	}
	if n > 3 {
		return n, t.Yield()
	}
	return n, t.SleepUntil(time.Time{})
}

func jumps(t *task.T, s *script, n int) (string, error) {
	i := 0
	all := ""
again:
	i++
	must(t, s, i)
	if i < n {
		all += fmt.Sprint(i, must(t, s, i))
		if i == 2 {
			goto end
		}
		goto again
	}
end:
	return all, nil
}

func silent(t *task.T, s *script, n int) (int, error) { return n, nil }

// everything calls each function of the package that a test calls.
func everything(t *task.T, s *script, n int) (string, error) {
	all := ""
	for i := 0; i < n; i++ {
		a, err := straight(t, s, i)
		if err != nil {
			return all, fmt.Errorf("straight: %w", err)
		}
		b, err := order(t, s, i)
		if err != nil {
			return all, err
		}
		all += a + b
	}
	return all, nil
}
