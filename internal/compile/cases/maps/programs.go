// Package maps has programs that range over maps while they wait.
package maps

import (
	"fmt"
	"math"
	"slices"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var programs = []cases.Program{
	{Name: "range over a map", Run: rangeMap},
	{Name: "entries deleted while it waits", Run: deletes},
	{Name: "entries inserted while it waits", Run: inserts},
	{Name: "keys that are NaN", Run: nans},
	{Name: "map cleared and replaced", Run: cleared},
	{Name: "nil map", Run: nilMap},
	{Name: "key alone, and none", Run: keys},
	{Name: "values change", Run: changes},
	{Name: "break, continue and return", Run: jumps},
}

func sorted(tr *cases.Trace, list []string) int {
	slices.Sort(list)
	tr.Print(list)
	return len(list)
}

// The order of a map is random, so these programs print nothing that depends on it.

func rangeMap(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[string]int{"a": 1, "b": 2, "c": 3}
	var seen []string
	for k, v := range m {
		if err := wait(t, tr, "map"); err != nil {
			return 0, err
		}
		seen = append(seen, fmt.Sprint(k, v))
	}
	return sorted(tr, seen), nil
}

func deletes(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[int]bool{}
	for i := range 10 {
		m[i] = true
	}
	count := 0
	for k := range m {
		wait(t, tr, "visit")
		if !m[k] {
			tr.Print("deleted entry seen")
		}
		delete(m, k)
		for other := range m {
			delete(m, other)
			break
		}
		count++
	}
	return count*10 + len(m), nil
}

func inserts(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[int]int{0: 0, 1: 0}
	seen := map[int]int{}
	for k := range m {
		seen[k]++
		if k >= 100 {
			continue // whether a new entry is visited is not known
		}
		wait(t, tr, "visit")
		for i := range 50 {
			m[100+50*k+i] = 1
		}
	}
	for k, count := range seen {
		if count != 1 {
			tr.Print("twice", k)
		}
	}
	return len(m), nil
}

func nans(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[float64]int{math.NaN(): 1, math.NaN(): 2, 3: 4}
	sum := 0
	for k, v := range m {
		wait(t, tr, "visit")
		if k != k {
			sum += 100
		}
		sum += v
	}
	return sum, nil
}

func cleared(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[int]int{1: 1, 2: 2, 3: 3}
	count := 0
	for range m {
		wait(t, tr, "visit")
		clear(m)
		count++
	}
	m = map[int]int{1: 1, 2: 2}
	for k := range m {
		m = map[int]int{7: 7, 8: 8, 9: 9}
		value(t, tr, k-k)
		count += 10
	}
	return count, nil
}

func nilMap(t *task.T, tr *cases.Trace, n int) (int, error) {
	var m map[int]int
	for k, v := range m {
		value(t, tr, k+v)
	}
	return n, nil
}

func keys(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[string]int{"x": 1, "y": 2}
	sum := 0
	for range m {
		sum += value(t, tr, 1)
	}
	for k := range m {
		sum += len(k) * value(t, tr, 10)
	}
	var k string
	var v int
	for k, v = range map[string]int{"z": 5} {
		value(t, tr, v)
	}
	return sum + len(k) + v, nil
}

func changes(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[int]int{1: 0, 2: 0, 3: 0}
	zeros := 0
	for k, v := range m {
		wait(t, tr, "visit")
		if v == 0 {
			zeros++
		}
		for other := range m {
			m[other]++
		}
		_ = k
	}
	return zeros, nil
}

func jumps(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := map[int]int{1: 1, 2: 2, 3: 3}
	count := 0
outer:
	for i := range 3 {
		for range m {
			count++
			if value(t, tr, i) == 1 {
				continue outer
			}
			if i == 2 {
				break
			}
		}
		count += 100
	}
	for k := range m {
		wait(t, tr, "return")
		return count + k - k, nil
	}
	return 0, nil
}
