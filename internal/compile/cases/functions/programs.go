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
	{Name: "range over a function assigns to variables outside", Run: assigns},
	{Name: "variables of a range over a function are captured", Run: captured},
	{Name: "deferred calls in a range over a function", Run: defers, Sizes: []int{1, 3, 7}},
	{Name: "deferred calls in a range over a generic function", Run: defersGeneric, Sizes: []int{1, 3}},
	{Name: "deferred calls that wait in a range over a function", Run: defersThatWait},
	{Name: "deferred calls in nested ranges over functions", Run: defersNested},
	{Name: "return from nested ranges over functions", Run: returns, Sizes: []int{0, 1, 2, 3}},
	{Name: "jumps between ranges over functions and loops", Run: jumps},
	{Name: "panic in the body of a range over a function", Run: panicsInBody, Sizes: []int{0, 1}},
	{Name: "panic in the function of a range", Run: panicsInFunction, Sizes: []int{0, 2}},
	{Name: "function of a range recovers a panic of the body", Run: recoversBody},
	{Name: "function of a range goes on when the loop was left", Run: goesOn},
	{Name: "function of a range raises another panic", Run: raisesAnother, Beside: true},
	{Name: "Goexit in the body of a range over a function", Run: exitsInBody},
	{Name: "function that has deferred calls", Run: iteratorDefers, Sizes: []int{1, 5}},
	{Name: "function of a range is evaluated once", Run: evaluatedOnce},
	{Name: "range over a tree", Run: tree},
	{Name: "range over a method and a generic method", Run: methods},
	{Name: "range over a function in a literal", Run: inLiteral},
	{Name: "range over a function in a group's child", Run: inChild, Beside: true},
	{Name: "iter.Pull beside waits", Run: pull},
	{Name: "range over a function that never waits in its body", Run: neverWaits},
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
