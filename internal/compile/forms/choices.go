package forms

import (
	"fmt"

	"github.com/framearena/framearena/task"
)

func switches(t *task.T, s *script, n int) (string, error) {
	all := ""
	for i := 0; i < 6; i++ {
		switch k := must(t, s, i); k {
		case 0, 1:
			all += fmt.Sprint("low", must(t, s, k))
			if k == 1 {
				break
			}
			all += "zero"
		case 2:
			k++
			must(t, s, k)
			fallthrough
		case 3:
			all += fmt.Sprint("three", must(t, s, k))
		default:
			if i == 5 {
				continue
			}
			all += fmt.Sprint("more", must(t, s, k))
		case 4:
			all += "four"
		}
		all += ";"
	}
	switch {
	case must(t, s, n) > 3:
		all += "big"
	case n > 1, must(t, s, 1) == n:
		all += fmt.Sprint("small", must(t, s, 7))
	default:
		all += "none"
	}
	switch must(t, s, n) {
	case must(t, s, 1), must(t, s, 2):
		return all + "early", nil
	}
	switch s := fmt.Sprint(n); s {
	case "5":
		return all + s, nil
	default:
		return all, nil
	}
}

func typeSwitches(t *task.T, s *script, n int) (string, error) {
	list := []any{1, "two", 3.0, nil, []int{4}, errEven, &n}
	all := ""
	for i := range list {
		switch v := list[i].(type) {
		case int:
			all += fmt.Sprint("int", v+must(t, s, v))
		case string, float64:
			all += fmt.Sprint("either", must(t, s, 2), v)
		case nil:
			all += fmt.Sprint("nil", v, must(t, s, 3))
		case error:
			defined := func() string { return v.Error() }
			must(t, s, 4)
			all += defined()
		case *int:
			*v = 9
			must(t, s, *v)
			p := &v
			must(t, s, 9)
			all += fmt.Sprint(**p)
		default:
			must(t, s, 5)
		}
		switch list[i].(type) {
		case int:
			must(t, s, 6)
		}
	}
	return all, nil
}

func selects(t *task.T, s *script, n int) (string, error) {
	a, b := make(chan int, 10), make(chan string, 10)
	all := ""
	x := 0
	list := make([]int, 3)
	for i := 0; i < 8; i++ {
		if i%2 == 0 {
			a <- i
		} else if i%3 == 0 {
			b <- fmt.Sprint(i)
		}
		select {
		case v := <-a:
			must(t, s, v)
			all += fmt.Sprint("a", v)
			if v == 4 {
				break
			}
			all += "+"
		case w, ok := <-b:
			p := &w
			must(t, s, 1)
			*p += "w"
			all += fmt.Sprint("b", w, ok)
		default:
			all += fmt.Sprint("none", must(t, s, i))
		}
	}
	a <- 3
	select {
	case x = <-a:
		must(t, s, x)
	}
	a <- 4
	select {
	case list[must(t, s, 1)] = <-a:
		must(t, s, x)
	}
	var none chan int
	select {
	case none <- must(t, s, 1):
	case a <- must(t, s, 2):
		must(t, s, 3)
	}
	return all + fmt.Sprint(x, list, <-a), nil
}

func ranges(t *task.T, s *script, n int) (string, error) {
	all := ""
	for i := range n {
		all += fmt.Sprint(must(t, s, i))
	}
	for range 2 {
		must(t, s, 0)
	}
	var k int8
	for k = range 3 {
		must(t, s, int(k))
	}
	for u := range uint8(3) {
		all += fmt.Sprintf("%T%d", u, must(t, s, int(u)))
		u++
	}
	list := []string{"a", "b", "c"}
	for i, v := range list {
		list = append(list, v)
		list[2] = "changed"
		all += fmt.Sprint(i, v, must(t, s, i))
	}
	array := [3]int{1, 2, 3}
	for i, v := range array {
		array[2] = 10
		all += fmt.Sprint(i, v, must(t, s, v))
	}
	for i, v := range &array {
		array[2] = 11
		all += fmt.Sprint(i, v, must(t, s, v))
	}
	for i := range array {
		must(t, s, i)
	}
	for i, c := range "a\xffäz" {
		all += fmt.Sprint(i, string(c), must(t, s, i))
	}
	for i := range "xä" {
		must(t, s, i)
	}
	ch := make(chan int, 3)
	ch <- 1
	ch <- 2
	close(ch)
	for v := range ch {
		all += fmt.Sprint(v, must(t, s, v))
	}
	var fns []func() int
	for i, v := range list[:must(t, s, 2)] {
		fns = append(fns, func() int { return i }, func() int { v += "x"; return len(v) })
		must(t, s, i)
	}
	for i := range fns {
		all += fmt.Sprint(fns[i](), fns[i]())
	}
	var x struct{ i, v int }
	for x.i, x.v = range []int{7, 8} {
		must(t, s, x.v)
	}
	return all + fmt.Sprint(x, k), nil
}

func labelled(t *task.T, s *script, n int) (string, error) {
	all := ""
outer:
	for i := range 5 {
		switch i {
		case 1:
			must(t, s, 1)
			continue outer
		case 3:
			for j := range 3 {
				if must(t, s, j) == 1 {
					break outer
				}
				if j == 0 {
					continue
				}
			}
		}
		all += fmt.Sprint(i)
	}
inner:
	switch {
	default:
		for {
			must(t, s, n)
			break inner
		}
	}
	return all, nil
}

func maps(t *task.T, s *script, n int) (string, error) {
	m := map[int]string{1: "a", 2: "b", 3: "c", 4: "d"}
	seen := map[int]bool{}
	for k, v := range m {
		delete(m, 5-k)
		if seen[k] || v == "" {
			s.logf("twice")
		}
		seen[k] = true
		if err := t.Yield(); err != nil {
			return "", err
		}
	}
	count := 0
	for range map[string]int{"x": 1, "y": 2} {
		count += must(t, s, 1)
	}
	for k := range map[string]int{"x": 1} {
		count += must(t, s, len(k))
	}
	return fmt.Sprint(len(seen), len(m), count), nil
}
