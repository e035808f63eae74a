package loops

import (
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func conditionOnce(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := 0
	if x == 0 {
		x = 1
		wait(t, tr, "if")
		tr.Print("in")
	} else {
		tr.Print("else")
	}
	for x < 2 {
		x = 5
		wait(t, tr, "for")
		tr.Print("in the loop")
	}
	if tr.Int(x) == 5 && value(t, tr, x) == 5 {
		x = 0
		wait(t, tr, "and")
		tr.Print("both")
	}
	return x, nil
}

func loopCondition(t *task.T, tr *cases.Trace, n int) (int, error) {
	i := 0
	for value(t, tr, i) < n {
		i += value(t, tr, 1)
		tr.Print("i", i)
	}
	for i > 0 && value(t, tr, i) != 1 {
		i--
	}
	for value(t, tr, i) == 7 || tr.Int(i) == 1 {
		i = 9
		wait(t, tr, "body")
	}
	for !(value(t, tr, i) < 8) {
		i--
	}
	return i, nil
}

func clauses(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := value(t, tr, 0); i < value(t, tr, n); i += value(t, tr, 1) {
		if i == 1 {
			continue
		}
		sum += i
	}
	for i, j := value(t, tr, 0), value(t, tr, 5); i < j; i, j = value(t, tr, i+1), value(t, tr, j-1) {
		sum += i * j
	}
	var k int
	for k = value(t, tr, 2); ; k = value(t, tr, k-1) {
		if k == 0 {
			break
		}
	}
	for ; k < 2; value(t, tr, k) {
		k++
	}
	return sum, nil
}

func ifInit(t *task.T, tr *cases.Trace, n int) (int, error) {
	if x := value(t, tr, n); x > 2 {
		tr.Print("large", x)
		if y := x * 2; value(t, tr, y) == 6 {
			tr.Print(x, y)
		} else if z := value(t, tr, y+1); z > 0 {
			tr.Print(x, y, z)
		}
	} else {
		tr.Print("small", x)
	}
	if err := wait(t, tr, "init"); err != nil {
		return 1, err
	} else if err := wait(t, tr, "second"); err != nil {
		return 2, err
	}
	return n, nil
}

func elseIfs(t *task.T, tr *cases.Trace, n int) (int, error) {
	if value(t, tr, n) == 0 {
		tr.Print("zero")
	} else if value(t, tr, n) == 1 {
		value(t, tr, 100)
		tr.Print("one")
	} else if n == 2 {
		tr.Print("two")
	} else {
		tr.Print("more", value(t, tr, 200))
	}
	return value(t, tr, n+1), nil
}

func earlyEnds(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := 0; i < n; i++ {
		if i == 7 {
			return -sum, nil
		}
		if i%2 == 0 {
			continue
		}
		if err := wait(t, tr, i); err != nil {
			return sum, err
		}
		if sum += i; sum > 8 {
			break
		}
	}
	tr.Print("end", sum)
	return sum, nil
}

func lastStatement(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := 0; i < n; i++ {
		tr.Print("i", i)
		value(t, tr, i)
	}
	for i := 0; i < n; i++ {
		value(t, tr, i)
		tr.Print("i", i)
	}
	return n, nil
}

func plainLoopBetween(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := value(t, tr, 1)
	for i := 0; i < n; i++ {
		if i == 1 {
			continue
		}
		for j := range i {
			sum += i*j + 1
			if j > 3 {
				break
			}
		}
		switch i {
		case 2:
			sum++
		default:
			sum += 2
		}
	}
	sum += value(t, tr, sum)
	func() {
		for i := range 3 {
			sum += i
		}
	}()
	return sum + value(t, tr, 2), nil
}
