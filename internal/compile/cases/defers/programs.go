// Package defers has programs with deferred calls, panics and recover.
package defers

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var programs = []cases.Program{
	{Name: "deferred call at each way out", Run: simple, Sizes: []int{0, 1, 2, 3}},
	{Name: "arguments are evaluated at once", Run: arguments},
	{Name: "order of deferred calls", Run: order},
	{Name: "deferred call in a condition", Run: conditional, Sizes: []int{0, 1}},
	{Name: "deferred calls in a loop", Run: inLoop},
	{Name: "defer, break and two awaits", Run: breakAndAwaits},
	{Name: "deferred literal changes the results", Run: changesResults, Sizes: []int{0, 1}},
	{Name: "deferred call that waits", Run: closes, Sizes: []int{0, 1}},
	{Name: "return inside a loop, deferred call waits", Run: returnInLoop},
	{Name: "recover", Run: recovers, Sizes: []int{0, 1, 2}},
	{Name: "recover in a nested call that waits", Run: recoverWaits},
	{Name: "recover in a callee's caller", Run: recoverOuter},
	{Name: "panic in a deferred call", Run: panicsAgain},
	{Name: "deferred method values and function values", Run: values},
	{Name: "Goexit", Run: goexit},
	{Name: "runtime error with deferred calls", Run: runtimeError},
	{Name: "recover that is deferred", Run: deferredRecover},
	{Name: "recover that is deferred, in a function that panics", Run: deferredRecoverPanics},
}

func simple(t *task.T, tr *cases.Trace, n int) (int, error) {
	defer tr.Print("deferred")
	if err := wait(t, tr, "first"); err != nil {
		return 1, err
	}
	switch n {
	case 0:
		return 2, nil
	case 1:
		return value(t, tr, 3), errors.New("one")
	case 2:
		panic(fmt.Sprint("two", value(t, tr, 2)))
	}
	wait(t, tr, "last")
	return 4, nil
}

func arguments(t *task.T, tr *cases.Trace, n int) (int, error) {
	x := n
	defer tr.Print("x was", x)
	x = value(t, tr, 10)
	p := &x
	defer tr.Print("x was", *p, tr.Int(x))
	defer func(k int) { tr.Print(k, x) }(value(t, tr, 5))
	x++
	wait(t, tr, x)
	x++
	return x, nil
}

func order(t *task.T, tr *cases.Trace, n int) (int, error) {
	defer tr.Print(1)
	wait(t, tr, "a")
	defer func() {
		defer tr.Print("inner")
		tr.Print(2)
	}()
	wait(t, tr, "b")
	defer tr.Print(3)
	return n, wait(t, tr, "c")
}

func conditional(t *task.T, tr *cases.Trace, n int) (int, error) {
	if n == 1 {
		defer tr.Print("conditional", value(t, tr, 1))
	}
	wait(t, tr, "a")
	if value(t, tr, n) == 0 {
		defer tr.Print("zero")
		wait(t, tr, "b")
	}
	return n, nil
}

func inLoop(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range n {
		defer tr.Print("deferred", i)
		defer func() { tr.Print("literal", i) }()
		if err := wait(t, tr, i); err != nil {
			return i, err
		}
	}
	wait(t, tr, "end")
	return n, nil
}

func once(t *task.T, tr *cases.Trace, count *int) error {
	for {
		defer func() { *count++ }()
		if err := wait(t, tr, "a"); err != nil {
			return err
		}
		break
	}
	return wait(t, tr, "b")
}

func breakAndAwaits(t *task.T, tr *cases.Trace, n int) (int, error) {
	count := 0
	for range n {
		if err := once(t, tr, &count); err != nil {
			return count, err
		}
	}
	tr.Print(count)
	return count, nil
}

func changesResults(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() {
		k *= 10
		if err != nil {
			err = fmt.Errorf("wrapped: %w", err)
		}
	}()
	k = value(t, tr, 3)
	if n == 1 {
		return value(t, tr, 4), errors.New("bad")
	}
	err = wait(t, tr, "end")
	return
}

type conn struct {
	name   string
	closed int
}

func (c *conn) Close(t *task.T, tr *cases.Trace) error {
	wait(t, tr, "closing", c.name)
	c.closed++
	tr.Print("closed", c.name, c.closed)
	return t.Yield()
}

func closes(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := &conn{name: "c"}
	defer c.Close(t, tr)
	wait(t, tr, "log")
	if n == 1 {
		d := &conn{name: "d"}
		defer d.Close(t, tr)
		return 7, errors.New("kept")
	}
	return value(t, tr, 5), nil
}

func returnInLoop(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := &conn{name: "loop"}
	defer c.Close(t, tr)
	for i := 0; ; i++ {
		if err := wait(t, tr, i); err != nil {
			return -1, err
		}
		if i == n {
			return i, nil
		}
	}
}

func fails(t *task.T, tr *cases.Trace, n int) int {
	defer tr.Print("fails ends")
	value(t, tr, n)
	if n == 1 {
		panic("one")
	}
	if n == 2 {
		panic(errors.New("two"))
	}
	return value(t, tr, n+100)
}

func recovers(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() {
		if v := recover(); v != nil {
			tr.Print("recovered", v)
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	k = 1
	k = fails(t, tr, n)
	tr.Print("after")
	return k, wait(t, tr, "end")
}

func rescue(t *task.T, tr *cases.Trace) {
	defer func() { tr.Print("recovered", recover()) }()
	wait(t, tr, "rescue")
	panic("inner")
}

func recoverWaits(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer rescue(t, tr)
	defer func() {
		v := recover()
		tr.Print("first", v)
		rescue(t, tr)
		tr.Print("rescued")
	}()
	wait(t, tr, "before")
	if n > 0 {
		panic("outer")
	}
	tr.Print("never")
	return 1, nil
}

func protected(t *task.T, tr *cases.Trace, n int) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("protected: %v", v)
		}
	}()
	fails(t, tr, n)
	return nil
}

func recoverOuter(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range 3 {
		err := protected(t, tr, i)
		tr.Print(i, err)
		wait(t, tr, "next")
	}
	return n, nil
}

func panicsAgain(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() { tr.Print("last", recover()); k++ }()
	defer func() { panic("second") }()
	defer tr.Print("between")
	wait(t, tr, "a")
	panic(fmt.Sprint("first", value(t, tr, 1)))
}

type logger struct{ n int }

func (l logger) log(tr *cases.Trace)  { tr.Print("log", l.n) }
func (l *logger) add(tr *cases.Trace) { l.n++; tr.Print("add", l.n) }

func values(t *task.T, tr *cases.Trace, n int) (int, error) {
	l := logger{1}
	defer l.log(tr)
	defer l.add(tr)
	l.n = value(t, tr, 5)
	f := func() { tr.Print("f1") }
	defer f()
	f = func() { tr.Print("f2") }
	wait(t, tr, "end")
	defer f()
	return l.n, nil
}

func goexit(t *task.T, tr *cases.Trace, n int) (int, error) {
	defer tr.Print("deferred", recover())
	wait(t, tr, "before")
	if n > 0 {
		runtime.Goexit()
	}
	return n, nil
}

func runtimeError(t *task.T, tr *cases.Trace, n int) (int, error) {
	defer tr.Print("deferred")
	list := make([]int, n)
	return list[value(t, tr, 5)], nil
}

func deferredRecover(t *task.T, tr *cases.Trace, n int) (int, error) {
	defer func() { tr.Print("none", recover()) }()
	defer func(t *task.T) {
		value(t, tr, 1)
		defer recover()
		value(t, tr, 2)
	}(t)
	value(t, tr, 3)
	panic("is recovered")
}

func deferredRecoverPanics(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() { tr.Print("first", recover()) }()
	defer func(t *task.T) {
		value(t, tr, 1)
		defer func() { tr.Print("second", recover()) }()
		defer recover()
		value(t, tr, 2)
		panic(2)
	}(t)
	value(t, tr, 3)
	panic(1)
}
