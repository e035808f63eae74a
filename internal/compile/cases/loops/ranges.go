package loops

import (
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func rangeInt(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range n {
		if err := wait(t, tr, i); err != nil {
			return sum, err
		}
		sum += i
	}
	for range 2 {
		var j int
		tr.Print(j)
		j = 3
		wait(t, tr, "again")
		tr.Print(j)
	}
	return sum, nil
}

type small uint8

func rangeTypedInt(t *task.T, tr *cases.Trace, n int) (int, error) {
	var sum small
	for i := range small(n) {
		value(t, tr, int(i))
		sum += i
	}
	for i := range int64(-2) {
		value(t, tr, int(i))
	}
	var k int32
	for k = range 3 {
		value(t, tr, int(k))
	}
	return int(sum) + int(k), nil
}

func rangeIntOnce(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range tr.Int(n) {
		n = 100
		tr.Print(value(t, tr, i))
	}
	for i := range value(t, tr, 2) {
		i += value(t, tr, 10)
		tr.Print(i)
	}
	return n, nil
}

func rangeNoVariables(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{1, 2, 3}
	count := 0
	for range list {
		list = nil
		count += value(t, tr, 1)
	}
	for range "äb" {
		count += value(t, tr, 10)
	}
	for range [2]string{} {
		count += value(t, tr, 100)
	}
	return count, nil
}

func rangeSlice(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i, p := range []point{{1, 2, "a"}, {3, 4, "b"}} {
		value(t, tr, p.x)
		tr.Print(i, p)
		sum += p.y
	}
	for i := range []string{"x", "y"} {
		sum += value(t, tr, i)
	}
	for _, s := range []string{"x", "y"} {
		value(t, tr, len(s))
		tr.Print(s)
	}
	return sum, nil
}

func rangeGrowing(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{1, 2}
	for _, v := range list {
		list = append(list, value(t, tr, v*10))
	}
	tr.Print(list)
	for i := range list {
		list = list[:1]
		value(t, tr, i)
	}
	return len(list), nil
}

func rangeChanging(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := []int{1, 2, 3}
	for i, v := range list {
		value(t, tr, v)
		if i+1 < len(list) {
			list[i+1] += 10
		}
		tr.Print(i, v)
		list[i] = -v
	}
	tr.Print(list)
	other := list
	for i, v := range list {
		list = []int{7, 7, 7}
		value(t, tr, v)
		other[2] = 99
		tr.Print(i, v)
	}
	return list[0], nil
}

func rangeArrayCopy(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := [3]int{1, 2, 3}
	for i, v := range a {
		value(t, tr, v)
		a[2] = 10
		tr.Print(i, v)
	}
	return a[2], nil
}

func rangeArrayPointer(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := [3]int{1, 2, 3}
	p := &a
	for i, v := range p {
		value(t, tr, v)
		a[2] = 10
		p = nil
		tr.Print(i, v)
	}
	for i, v := range &a {
		value(t, tr, v)
		a[i] = 0
	}
	return a[2], nil
}

func rangeArrayLength(t *task.T, tr *cases.Trace, n int) (int, error) {
	var p *[3]int
	sum := 0
	for i := range p {
		sum += value(t, tr, i)
	}
	a := [2]int{}
	for i := range a {
		sum += value(t, tr, i)
		a[0] = 5
	}
	return sum, nil
}

type name string

func rangeString(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	s := "aä€\xff𝄞z"
	for i, r := range s {
		s = "changed"
		value(t, tr, i)
		tr.Print(i, r, string(r))
		sum += int(r)
	}
	for i, r := range name("xy") {
		tr.Print(value(t, tr, i), r)
	}
	return sum, nil
}

func rangeStringIndex(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range "aä€z" {
		sum += value(t, tr, i)
	}
	var r rune
	for _, r = range "äö" {
		value(t, tr, int(r))
	}
	return sum + int(r), nil
}

func rangeChannel(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, 4)
	c <- 1
	c <- 2
	sum := 0
	for v := range c {
		sum += value(t, tr, v)
		if v == 2 {
			c <- 3
			close(c)
		}
	}
	for range c {
		value(t, tr, -1)
	}
	return sum, nil
}

func rangeAssigns(t *task.T, tr *cases.Trace, n int) (int, error) {
	var i, v int
	for i, v = range []int{5, 6} {
		value(t, tr, v)
	}
	tr.Print(i, v)
	for i = range 4 {
		value(t, tr, i)
		i *= 2
		tr.Print(i)
	}
	for i = range 0 {
		value(t, tr, i)
	}
	tr.Print(i)
	return i + v, nil
}

func rangeAssignsElements(t *task.T, tr *cases.Trace, n int) (int, error) {
	var p point
	list := make([]int, 3)
	k := 0
	for p.x, list[k] = range []int{5, 6, 7} {
		k = value(t, tr, p.x)
		tr.Print(p, list)
	}
	for list[tr.Int(0)] = range 2 {
		value(t, tr, list[0])
	}
	tr.Print(p, list)
	return k, nil
}

func rangeVariableChanged(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range 3 {
		i *= 10
		value(t, tr, i)
		i++
		tr.Print(i)
	}
	for i, v := range []int{1, 2, 3} {
		v += 100
		i = 7
		value(t, tr, v)
		tr.Print(i, v)
	}
	for i := 0; i < 6; i++ {
		i += value(t, tr, 1)
		tr.Print(i)
	}
	return n, nil
}

func list(t *task.T, tr *cases.Trace, n int) ([]int, error) {
	err := wait(t, tr, "list", n)
	return make([]int, n), err
}

func numbers(t *task.T, tr *cases.Trace, n int) []int {
	wait(t, tr, "numbers")
	all := []int{}
	for i := range n {
		all = append(all, value(t, tr, i))
	}
	return all
}

func rangeExpressionWaits(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for _, v := range numbers(t, tr, n) {
		sum += v
	}
	for i, v := range numbers(t, tr, 2) {
		sum += value(t, tr, i*v)
	}
	l, err := list(t, tr, 2)
	if err != nil {
		return sum, err
	}
	for i := range append(l, value(t, tr, 4)) {
		sum += i
	}
	return sum, nil
}

func rangeNil(t *task.T, tr *cases.Trace, n int) (int, error) {
	var l []point
	for _, p := range l {
		value(t, tr, p.x)
	}
	value(t, tr, 1)
	var p *[2]int
	for _, v := range p {
		value(t, tr, v)
	}
	return n, nil
}

// parameterNeverRead has a literal whose parameter is assigned by a range that does not wait, and never read.
func parameterNeverRead(t *task.T, tr *cases.Trace, n int) (int, error) {
	f := func(t *task.T, k int) int {
		for k = range 2 {
			tr.Print("assigned")
		}
		return n
	}
	return f(t, value(t, tr, 1)), wait(t, tr, "end")
}

type (
	yieldNone func() bool
	yieldOne  func(int) bool
	yieldTwo  func(int, string) bool
)

func namedYield(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for range func(yield yieldNone) { _ = yield() && yield() } {
		sum += value(t, tr, 1)
	}
	for k := range func(yield yieldOne) { _ = yield(1) && yield(2) } {
		sum += value(t, tr, k)
	}
	for k, s := range func(yield yieldTwo) { _ = yield(1, "a") && yield(2, "b") } {
		sum += value(t, tr, k+len(s))
	}
	return sum, nil
}
