package loops

import (
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func endless(t *task.T, tr *cases.Trace, n int) (int, error) {
	i := 0
	for {
		i++
		if value(t, tr, i) == n {
			break
		}
		tr.Print("again")
	}
	for {
		if err := wait(t, tr, "second"); err != nil {
			return i, err
		}
		i--
		if i <= 0 {
			return i, nil
		}
	}
}

func continues(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := 0; i < 5; i, sum = i+1, sum+10 {
		if i%2 == 0 {
			continue
		}
		if value(t, tr, i) == 3 {
			continue
		}
		sum++
	}
	return sum, nil
}

func labels(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
outer:
	for i := 0; i < 4; i++ {
	middle:
		for j := 0; ; j++ {
			for k := 0; k < 3; k++ {
				count++
				switch v := value(t, tr, i*100+j*10+k); {
				case v == n*100+1:
					continue outer
				case j == 2:
					continue outer
				case k == 1 && i == 1:
					continue middle
				case k == 2:
					break middle
				case i == 3:
					break outer
				}
			}
		}
		tr.Print("after", i)
	}
	return count, nil
}

func switchLabel(t *task.T, tr *cases.Trace, n int) (int, error) {
block:
	switch {
	default:
		tr.Print("in the block")
		if value(t, tr, n) == 1 {
			break block
		}
		tr.Print("still in the block")
	cond:
		switch n {
		case 2:
			value(t, tr, 5)
			if value(t, tr, 6) == 6 {
				break cond
			}
			if value(t, tr, 6) == 7 {
				break block
			}
			tr.Print("never")
		}
		tr.Print("end of the block")
	}
	return value(t, tr, n), nil
}

func gotoBack(t *task.T, tr *cases.Trace, n int) (int, error) {
	i := 0
again:
	var x int
	tr.Print(i, x)
	x = value(t, tr, i)
	i++
	if i < n {
		goto again
	}
	tr.Print(x)
	return i, nil
}

func gotoOut(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := 0; i < 3; i++ {
		for {
			if value(t, tr, i) == n {
				goto found
			}
			if i == 2 {
				goto missing
			}
			break
		}
		tr.Print("next")
	}
missing:
	tr.Print("missing", value(t, tr, -1))
	if n == 2 {
		goto found
	}
	return -1, nil
found:
	tr.Print("found", value(t, tr, n))
	return n, nil
}

func gotoMiddle(t *task.T, tr *cases.Trace, n int) (int, error) {
	k := 0
	if n == 1 {
		goto second
	}
first:
	k += value(t, tr, 1)
	tr.Print("first", k)
second:
	k += value(t, tr, 10)
	tr.Print("second", k)
	if k < 15 {
		wait(t, tr, "back")
		goto first
	}
	{
		if k > 100 {
			goto end
		}
		if value(t, tr, k) < 25 {
			goto second
		}
	}
end:
	return k, nil
}

func gotoTwoLoops(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, b := 0, 0
left:
	a++
	value(t, tr, a)
	if a < 3 {
		goto left
	}
right:
	b++
	if value(t, tr, b*10) < 20 {
		goto right
	}
	if a < 4 {
		b = 0
		goto left
	}
	return a + b, nil
}

func returnInside(t *task.T, tr *cases.Trace, n int) (sum int, err error) {
	for i := 0; ; i++ {
		for j := 0; j < 2; j++ {
			if err = wait(t, tr, i, j); err != nil {
				return
			}
			if i == n {
				return sum, nil
			}
			sum += j
		}
	}
}
