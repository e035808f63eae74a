package groups

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

// panicOf returns what the panic was raised with that err is.
func panicOf(err error) any {
	var p *coro.PanicError
	if errors.As(err, &p) {
		return p.Value
	}
	return fmt.Sprint("no panic: ", err)
}

func panics(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	if n == 1 {
		g.SetPolicy(task.FirstError)
	}
	for i := range 3 {
		g.Go(t, func(t *task.T) error {
			defer tr.Print("deferred", i)
			wait(t, tr, "child", i)
			if i == 1 {
				panic(fmt.Sprint("child ", i))
			}
			return nil
		})
	}
	err := g.Wait(t)
	tr.Print(panicOf(err))
	wait(t, tr, "after")
	return n, nil
}

func panicsAtOnce(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.Go(t, func(t *task.T) error { panic("at once") })
	g.Go(t, func(t *task.T) error { return wait(t, tr, "other") })
	tr.Print(panicOf(g.Wait(t)))
	g.Go(t, func(t *task.T) error { return deepPanic(t, tr, n) })
	tr.Print(panicOf(g.Wait(t)))
	return n, nil
}

func deepPanic(t *task.T, tr *cases.Trace, n int) error {
	if n == 0 {
		panic(errChild)
	}
	err := deepPanic(t, tr, n-1)
	wait(t, tr, "never")
	return err
}

// goexits has children that wait before they call Goexit: in place, that would end the parent too.
func goexits(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	var begun task.Event
	for i := range 2 {
		g.Go(t, func(t *task.T) error {
			defer tr.Print("deferred", i)
			if err := begun.Wait(t); err != nil {
				return err
			}
			wait(t, tr, "child", i)
			if i == n {
				exits(t, tr)
			}
			return nil
		})
	}
	begun.Set()
	tr.Print(panicOf(g.Wait(t)) == any(coro.ErrGoexit))
	return n, wait(t, tr, "after")
}

func exits(t *task.T, tr *cases.Trace) {
	defer tr.Print("deferred in exits")
	wait(t, tr, "exits")
	runtime.Goexit()
}

func panicsBelow(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.Go(t, func(t *task.T) error {
		var inner task.Group
		inner.Go(t, func(t *task.T) error {
			wait(t, tr, "below")
			panic("below")
		})
		inner.Go(t, func(t *task.T) error { return wait(t, tr, "beside") })
		if v := panicOf(inner.Wait(t)); v != nil {
			panic(fmt.Sprint("again: ", v))
		}
		return nil
	})
	tr.Print(panicOf(g.Wait(t)))
	return n, wait(t, tr, "after")
}

// leave begins children and panics.
func leave(t *task.T, tr *cases.Trace, goOn *task.Event, left *task.WaitGroup) (err error) {
	defer func() { err = fmt.Errorf("recovered: %v", recover()) }()
	var g task.Group
	for i := range 2 {
		left.Add(1)
		g.Go(t, func(t *task.T) error { //framearena:ignore it panics, and the children are left
			defer left.Done()
			defer tr.Enter()()
			err := goOn.Wait(t)
			wait(t, tr, "left behind", i, err)
			return err
		})
	}
	wait(t, tr, "before the panic")
	panic("leaves")
}

func left(t *task.T, tr *cases.Trace, n int) (int, error) {
	var goOn task.Event
	var left task.WaitGroup
	err := leave(t, tr, &goOn, &left)
	wait(t, tr, err)
	goOn.Set()
	return n, left.Wait(t)
}

func leftInTimeout(t *task.T, tr *cases.Trace, n int) (int, error) {
	var goOn task.Event
	var left task.WaitGroup
	defer goOn.Set() // also if it panics: what is shielded waits for nothing else
	err := task.Timeout(t, hour, func(t *task.T) error {
		return task.Shield(t, func(t *task.T) error { return leave(t, tr, &goOn, &left) })
	})
	wait(t, tr, err)
	goOn.Set()
	return n, left.Wait(t)
}
