// Package functions has programs that range over functions while they wait.
package functions

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var programs = []cases.Program{
	{Name: "range over a function", Run: rangeFunc},
	{Name: "range over a function that ends early", Run: rangeFuncBreak},
	{Name: "range over iterators of the library", Run: rangeLibrary},
	{Name: "range over a function without values", Run: rangeFuncNone},
}

func upTo(tr *cases.Trace, n int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i := range n {
			tr.Print("yield", i)
			if !yield(i, fmt.Sprint("s", i)) {
				tr.Print("stopped")
				return
			}
		}
		tr.Print("finished")
	}
}

func rangeFunc(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i, s := range upTo(tr, n) {
		sum += value(t, tr, i)
		tr.Print(s)
	}
	for i := range upTo(tr, 2) {
		for j := range upTo(tr, 2) {
			sum += value(t, tr, i*10+j)
		}
	}
	return sum, nil
}

func rangeFuncBreak(t *task.T, tr *cases.Trace, n int) (int, error) {
outer:
	for i := range upTo(tr, 5) {
		for j := range upTo(tr, 5) {
			if value(t, tr, j) == 1 {
				if i == 1 {
					break outer
				}
				continue outer
			}
		}
	}
	for i := range upTo(tr, 5) {
		if err := wait(t, tr, "second", i); err != nil {
			return i, err
		}
		if i == 2 {
			return 42, nil
		}
	}
	return 0, nil
}

func rangeLibrary(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i, v := range slices.Backward([]int{1, 2, 3}) {
		sum = sum*10 + value(t, tr, i*v)
	}
	for _, k := range slices.Sorted(maps.Keys(map[string]int{"b": 1, "a": 2})) {
		value(t, tr, len(k))
		tr.Print(k)
	}
	for v := range slices.Values([]string{"p", "q"}) {
		wait(t, tr, v)
	}
	return sum, nil
}

func rangeFuncNone(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
	for range func(yield func() bool) {
		for yield() {
		}
	} {
		if count += value(t, tr, 1); count == n {
			break
		}
	}
	return count, nil
}
