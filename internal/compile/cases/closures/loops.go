package closures

import (
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

// read waits, and then reads.
func read(t *task.T, tr *cases.Trace, p *int) int {
	wait(t, tr, "read")
	wait(t, tr, "read again")
	tr.Print(*p)
	return *p
}

func loopAddress(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	var all []*int
	for i := 0; i < n; i++ {
		sum += read(t, tr, &i)
		all = append(all, &i)
		wait(t, tr, "end", i)
		i += 0
	}
	for _, p := range all {
		tr.Print(value(t, tr, *p))
		*p = 5
	}
	return sum + *all[0], nil
}

func rangeAddress(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	var all []*int
	for i := range n {
		sum += read(t, tr, &i)
		all = append(all, &i)
	}
	for i, v := range []int{7, 8} {
		p, q := &i, &v
		wait(t, tr, "range", i, v)
		*p += 10
		*q += 100
		all = append(all, p, q)
		tr.Print(i, v)
	}
	for _, p := range all {
		sum += value(t, tr, *p)
	}
	return sum, nil
}

func call(t *task.T, tr *cases.Trace, all []func() int) int {
	sum := 0
	for _, f := range all {
		wait(t, tr, "call")
		sum = sum*10 + f()
		tr.Print(f())
	}
	return sum
}

func loopCaptured(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() int
	for i := 0; i < n; i++ {
		all = append(all, func() int { return i })
		wait(t, tr, "loop", i)
	}
	for i := 0; i < n; i++ {
		wait(t, tr, "loop", i)
		all = append(all, func() int { return i })
	}
	return call(t, tr, all), nil
}

func loopChanged(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() int
	for i := 0; i < 6; i++ {
		all = append(all, func() int { i++; return i })
		if i == 2 {
			all[2]()
			continue
		}
		wait(t, tr, "loop", i)
		i++
		tr.Print(i)
	}
	for i, j := 0, 10; i < j; i, j = i+3, j-1 {
		all = append(all, func() int { j++; return i * j })
		wait(t, tr, i, j)
	}
	return call(t, tr, all), nil
}

func rangeCaptured(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() int
	for i := range n {
		all = append(all, func() int { return i })
		wait(t, tr, "int", i)
	}
	for i, v := range []int{4, 5} {
		wait(t, tr, "slice", i)
		all = append(all, func() int { v++; return i + v })
	}
	for i, c := range "ab" {
		all = append(all, func() int { return i + int(c-'a') })
		wait(t, tr, "string", c)
	}
	for k, v := range map[int]int{1: 2} {
		all = append(all, func() int { return k + v })
		wait(t, tr, "map", k)
	}
	var x int
	for x = range 2 {
		all = append(all, func() int { return x })
		wait(t, tr, "outer variable", x)
	}
	return call(t, tr, all), nil
}

func bodyCaptured(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() int
	for i := range n {
		const factor = 2
		double := i * factor
		var later int
		all = append(all, func() int { return double + later })
		wait(t, tr, "body", i)
		later = 1
		double++
		p := &later
		wait(t, tr, "again")
		*p += double
	}
	return call(t, tr, all), nil
}

func innerCaptured(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() int
	for i := 0; i < 2; i++ {
		base := i * 10
		for j := 0; j < 2; j++ {
			all = append(all, func() int { base++; return base + i + j })
			wait(t, tr, i, j)
			if j == 1 {
				break
			}
		}
		wait(t, tr, "outer", base)
	}
	return call(t, tr, all), nil
}

func declaredBySuspension(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() int
	for i := range 2 {
		x := value(t, tr, i)
		all = append(all, func() int { x++; return x })
		y, err := value(t, tr, x), wait(t, tr, "y")
		all = append(all, func() int { return x + y })
		x = value(t, tr, 10*i)
		if z := value(t, tr, 3); z > 0 {
			all = append(all, func() int { z += y; return z })
			wait(t, tr, "z")
		}
		if err != nil {
			return call(t, tr, all), err
		}
	}
	return call(t, tr, all), nil
}
