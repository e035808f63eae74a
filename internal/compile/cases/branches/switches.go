package branches

import (
	"errors"
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func tagOnce(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := n
	switch x {
	case 0:
		x = 1
		wait(t, tr, "zero")
		tr.Print("after zero", x)
	case 1, 5:
		x = 2
		wait(t, tr, "one")
		x++
	default:
		x = 0
		wait(t, tr, "default")
	}
	switch value(t, tr, x) {
	case 1:
		value(t, tr, 10)
	case 3:
		value(t, tr, 30)
	}
	switch tr.Int(x) {
	case 0, 1, 2:
		tr.Print("small", value(t, tr, x))
	}
	return x, nil
}

func casesWait(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch n {
	case value(t, tr, 0):
		return value(t, tr, 100), nil
	case tr.Int(1), value(t, tr, 2):
		tr.Print("one or two")
	case tr.Int(3):
		tr.Print("three", value(t, tr, 300))
	default:
		tr.Print("none")
	}
	switch value(t, tr, n) {
	case value(t, tr, 2) + tr.Int(1), n - 1:
		tr.Print("hit")
	case n:
		tr.Print("itself")
	}
	return n, nil
}

func noTag(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch {
	case n == 0:
		value(t, tr, 1)
		n = 10
	case value(t, tr, n) < 3 && tr.Int(n) > 0:
		n = 100
		value(t, tr, 2)
	case n == 5, value(t, tr, n) == 50:
		n++
		value(t, tr, 3)
	}
	switch x := value(t, tr, n); true {
	case x > 50:
		return x, nil
	case x > 5:
		return -x, nil
	}
	return 0, errors.New("small")
}

func falls(t *task.T, tr *cases.Trace, n int) (int, error) {
	k := 0
	switch n {
	case 0:
		k += value(t, tr, 1)
		fallthrough
	case 1:
		x := k
		k += value(t, tr, 10)
		tr.Print(x)
		fallthrough
	default:
		k += 100
		fallthrough
	case 2:
		k += value(t, tr, 1000)
	case 3:
		k = -1
		fallthrough
	case 7:
	}
	return k, nil
}

func defaultMiddle(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch n {
	case value(t, tr, 1):
		return 1, nil
	default:
		tr.Print("default", value(t, tr, 0))
		return 0, nil
	case value(t, tr, 2):
		return 2, nil
	}
}

func defaultFalls(t *task.T, tr *cases.Trace, n int) (int, error) {
	k := 0
	switch n {
	default:
		k += value(t, tr, 5)
		fallthrough
	case 1:
		k += value(t, tr, 1)
		if k > 1 {
			break
		}
		k += 50
	case 2:
		value(t, tr, 2)
	}
	return k, nil
}

func breaks(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
loop:
	for i := 0; ; i++ {
		switch i {
		case 1:
			if value(t, tr, i) == 1 {
				break
			}
			tr.Print("never")
		case 2:
			wait(t, tr, "continue")
			continue
		case 4:
			wait(t, tr, "break")
			break loop
		default:
			for {
				switch {
				case count > 100:
					break loop
				}
				if value(t, tr, i) >= 0 {
					break
				}
			}
		}
		count++
	}
	return count, nil
}

func initStatement(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch n := value(t, tr, n+1); n {
	case 1:
		n := n * 7
		value(t, tr, n)
		return n, nil
	case 4:
		n += value(t, tr, 6)
		tr.Print(n)
	}
	switch x, y := n, value(t, tr, 8); {
	case x < y:
		x, y = y, x
		tr.Print(x, y, value(t, tr, 9))
	}
	switch wait(t, tr, "init"); n {
	case 3:
		tr.Print("three")
	}
	return n, nil
}

func kinds(n int) any {
	return []any{"text", 5, nil, errors.New("bad")}[n%4]
}

func switchInterface(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch kinds(n) {
	case nil:
		tr.Print("nil", value(t, tr, 1))
	case 5:
		tr.Print("five", value(t, tr, 2))
	case "text":
		tr.Print("text", value(t, tr, 3))
	default:
		tr.Print("default", value(t, tr, 4))
	}
	switch s := fmt.Sprint(value(t, tr, n)); s {
	case "0", "1":
		tr.Print(s, value(t, tr, 5))
	case fmt.Sprint(value(t, tr, 2)):
		tr.Print("two")
	}
	return n, nil
}

func empties(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch value(t, tr, 1) {
	}
	switch {
	}
	switch x := value(t, tr, 2); x {
	case 2:
	default:
		tr.Print("never")
	}
	switch {
	default:
		value(t, tr, 3)
	}
	return n, nil
}

func scopes(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := "outer"
	switch n {
	case 0:
		x := 5
		value(t, tr, x)
		tr.Print(x)
	case 1:
		x := []int{1}
		value(t, tr, len(x))
		tr.Print(x)
	case 2:
		x = "changed"
		value(t, tr, 2)
	}
	tr.Print(x)
	return n, nil
}

func nestedSwitch(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch n / 2 {
	case 0:
		switch value(t, tr, n) {
		case 0:
			tr.Print("00")
			break
		case 1:
			tr.Print("01", value(t, tr, 1))
		}
		tr.Print("0")
	case 1:
		switch {
		case n == 2:
			value(t, tr, 2)
		default:
			value(t, tr, 3)
		}
		fallthrough
	default:
		tr.Print("end", value(t, tr, 9))
	}
	return n, nil
}

func returnsEverywhere(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch value(t, tr, n) {
	case 0:
		return value(t, tr, 10), nil
	case 1:
		for {
			if err := wait(t, tr, "for"); err != nil {
				return 1, err
			}
			if n++; n > 3 {
				return n, nil
			}
		}
	default:
		panic(fmt.Sprint("size ", value(t, tr, n)))
	}
}

func gotoOutOfSwitch(t *task.T, tr *cases.Trace, n int) (int, error) {
	k := 0
again:
	switch k++; value(t, tr, n) {
	case 0:
		if k < 3 {
			goto again
		}
	case 1:
		value(t, tr, 1)
		n = 0
		goto again
	default:
		goto end
	}
	tr.Print("fell out")
end:
	return k, nil
}

// resultNeverRead has a result that is assigned in a switch, and never read.
func resultNeverRead(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	wait(t, tr, "before")
	switch n {
	case 3:
		err = errors.New("not returned")
	}
	return value(t, tr, n), wait(t, tr, "end")
}
