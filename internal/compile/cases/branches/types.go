package branches

import (
	"errors"
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

type shape interface{ area() int }

type square int
type rectangle struct{ a, b int }

func (s square) area() int     { return int(s * s) }
func (r *rectangle) area() int { return r.a * r.b }

func something(n int) any {
	return []any{5, "s", square(3), &rectangle{2, 3}, []int{1, 2}, nil, 2.5}[n%7]
}

func typeSwitch(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch v := something(n).(type) {
	case int:
		wait(t, tr, "int")
		v += value(t, tr, v)
		return v, nil
	case string, square:
		wait(t, tr, "string or square")
		tr.Print(fmt.Sprintf("%T %v", v, v))
	case shape:
		k := v.area()
		value(t, tr, k)
		return v.area(), nil
	case []int:
		v[0] = value(t, tr, v[1])
		return v[0], nil
	case nil:
		tr.Print(v == nil, value(t, tr, 0))
	default:
		wait(t, tr, "default")
		tr.Print(v)
	}
	return n, nil
}

func make1(t *task.T, tr *cases.Trace, n int) any {
	wait(t, tr, "make", n)
	if n == 0 {
		return 0
	}
	return "text"
}

func typeSwitchOnce(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch v := make1(t, tr, n).(type) {
	case float64, bool:
		wait(t, tr, "no", v)
	case int, uint:
		wait(t, tr, "first")
		wait(t, tr, "second", v)
	case string:
		wait(t, tr, "third", len(v))
	}
	var x any = n
	switch y := x.(type) {
	case int:
		x = "other"
		wait(t, tr, "int")
		tr.Print(y, x)
	case string:
		tr.Print("never")
	}
	return n, nil
}

func typeSwitchBare(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch something(n).(type) {
	case int, string:
		value(t, tr, 1)
	case square:
		value(t, tr, 2)
	}
	switch make1(t, tr, n).(type) {
	default:
		tr.Print("default")
	case int:
		tr.Print("int", value(t, tr, 3))
	}
	return n, nil
}

func typeSwitchInit(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch x := value(t, tr, n); y := make1(t, tr, x).(type) {
	case int:
		x += y + value(t, tr, 1)
		return x, nil
	case string:
		return x + len(y), wait(t, tr, y)
	}
	return 0, nil
}

func typeSwitchCaptured(t *task.T, tr *cases.Trace, n int) (int, error) {
	var all []func() string
	for i := range 4 {
		switch v := something(i).(type) {
		case int:
			all = append(all, func() string { v++; return fmt.Sprint("int ", v) })
			value(t, tr, v)
			v += 10
		case string:
			p := &v
			value(t, tr, len(v))
			*p += "!"
			all = append(all, func() string { return v })
		default:
			all = append(all, func() string { return fmt.Sprint(v.(shape).area()) })
			value(t, tr, i)
		}
	}
	for _, f := range all {
		value(t, tr, 0)
		tr.Print(f(), f())
	}
	return len(all), nil
}

func problem(n int) error {
	switch n {
	case 0:
		return nil
	case 1:
		return errors.New("plain")
	case 2:
		return fmt.Errorf("wrapped: %w", errors.ErrUnsupported)
	}
	return (*special)(nil)
}

type special struct{}

func (*special) Error() string { return "special" }

func typeSwitchInterfaces(t *task.T, tr *cases.Trace, n int) (int, error) {
	switch err := problem(n).(type) {
	case nil:
		tr.Print("nil", value(t, tr, 1), err == nil)
	case interface{ Unwrap() error }:
		tr.Print("wraps", value(t, tr, 2), err.Unwrap())
	case *special:
		tr.Print("special", value(t, tr, 3), err == nil)
	case error:
		tr.Print("error", value(t, tr, 4), err)
	}
	return n, nil
}

func typeSwitchJumps(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
loop:
	for i := 0; ; i++ {
		switch v := something(i).(type) {
		case int:
			if value(t, tr, v) > 0 {
				break
			}
			count += 100
		case string:
			wait(t, tr, v)
			continue loop
		case []int:
			wait(t, tr, v)
			break loop
		}
		count++
	}
	return count, nil
}
