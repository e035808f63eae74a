package forms

import (
	"fmt"
	"iter"

	"github.com/framearena/framearena/task"
)

func count(s *script, n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer s.logf("count ends")
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func indexed(s *script, words ...string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		defer s.logf("indexed ends")
		for i, w := range words {
			if !yield(i, w) {
				return
			}
		}
	}
}

func thrice(yield func() bool) {
	for range 3 {
		if !yield() {
			return
		}
	}
}

func iterators(t *task.T, s *script, n int) (r string, err error) {
	all := ""
	for v := range count(s, 5) {
		if must(t, s, v) == n {
			break
		}
		if v%2 == 0 {
			continue
		}
		all += fmt.Sprint(v)
	}
outer:
	for range thrice {
		for i, w := range indexed(s, "a", "b", "c") {
			must(t, s, i)
			switch w {
			case "b":
				continue outer
			case "c":
				break outer
			}
			if n > 4 {
				for j := range 3 {
					if j == 1 {
						break outer
					}
				}
			}
			if n == 2 {
				return pairText(i, w)
			}
		}
	}
	for v := range count(s, 3) {
		fn := func() int { return v * n }
		must(t, s, v)
		all += fmt.Sprint(fn())
		if v == 2 && n == 1 {
			return all, errEven
		}
		if v == 1 && n == 0 {
			goto end
		}
	}
end:
	return all, nil
}

func pairText(i int, w string) (string, error) { return fmt.Sprint(i, w), nil }

func channels(t *task.T, s *script, n int) (string, error) {
	c := task.NewChan[int](10)
	for i := range n {
		if err := c.Send(t, i); err != nil {
			return "", err
		}
	}
	c.Close()
	sum := 0
	for v := range c.All(t) {
		sum += must(t, s, v)
	}
	for range c.All(t) {
		sum += 100
	}
	return fmt.Sprint(sum), nil
}
