package groups

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

const hour = time.Hour

var errChild = errors.New("child")

func limited(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.SetLimit(n)
	var now, ended atomic.Int64
	for i := range 6 {
		g.Go(t, func(t *task.T) error {
			defer tr.Enter()()
			if k := now.Add(1); k > int64(n) {
				tr.Print("too many", k)
			}
			wait(t, tr, "one", i)
			wait(t, tr, "two", i)
			now.Add(-1)
			ended.Add(1)
			return nil
		})
	}
	err := g.Wait(t)
	return int(ended.Load()), err
}

func oneAtATime(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.SetLimit(1)
	var order []int
	for i := range n {
		g.Go(t, func(t *task.T) error {
			wait(t, tr, "first", i)
			order = append(order, i)
			wait(t, tr, "second", i)
			order = append(order, i*10)
			return nil
		})
	}
	err := g.Wait(t)
	tr.Print(order)
	return len(order), err
}

func fails(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	for i := range n {
		g.Go(t, func(t *task.T) error {
			if err := wait(t, tr, "child", i); err != nil {
				return err
			}
			if i == 1 {
				return fmt.Errorf("number %d: %w", i, errChild)
			}
			return wait(t, tr, "still", i)
		})
	}
	err := g.Wait(t)
	tr.Print(errors.Is(err, errChild))
	return n, err
}

// waitsForever waits until its context ends.
func waitsForever(t *task.T, tr *cases.Trace) error {
	defer tr.Enter()()
	var never task.Event
	err := never.Wait(t)
	tr.Print("ended", errors.Is(err, task.ErrGroupDecided))
	return err
}

func firstError(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.SetPolicy(task.FirstError)
	for i := range n {
		g.Go(t, func(t *task.T) error {
			if i == 1 {
				wait(t, tr, "fails")
				return errChild
			}
			return waitsForever(t, tr)
		})
	}
	err := g.Wait(t)
	return n, err
}

func firstSuccess(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.SetPolicy(task.FirstSuccess)
	g.Go(t, func(t *task.T) error { return waitsForever(t, tr) })
	g.Go(t, func(t *task.T) error { wait(t, tr, "fails"); return errChild })
	g.Go(t, func(t *task.T) error { wait(t, tr, "succeeds"); return nil })
	g.Go(t, func(t *task.T) error { return waitsForever(t, tr) })
	return n, g.Wait(t)
}

func noSuccess(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.SetPolicy(task.FirstSuccess)
	g.SetLimit(1)
	for i := range n {
		g.Go(t, func(t *task.T) error {
			wait(t, tr, "fails", i)
			return fmt.Errorf("%w %d", errChild, i)
		})
	}
	err := g.Wait(t)
	return n, err
}

func firstEnd(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range 2 {
		var g task.Group
		g.SetPolicy(task.FirstEnd)
		g.Go(t, func(t *task.T) error { return waitsForever(t, tr) })
		g.Go(t, func(t *task.T) error {
			wait(t, tr, "ends", i)
			if i == 1 {
				return errChild
			}
			return nil
		})
		tr.Print(i, g.Wait(t))
	}
	return n, t.Err()
}

func policyAndLimit(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.SetPolicy(task.FirstError)
	g.SetLimit(2)
	var started atomic.Int64
	for i := range 5 {
		g.Go(t, func(t *task.T) error {
			started.Add(1)
			if i == 1 {
				return errChild
			}
			return waitsForever(t, tr)
		})
	}
	err := g.Wait(t)
	return int(started.Load()), err
}

func nestedPolicies(t *task.T, tr *cases.Trace, n int) (int, error) {
	var outer task.Group
	outer.SetPolicy(task.FirstError)
	outer.Go(t, func(t *task.T) error {
		var inner task.Group
		inner.SetPolicy(task.FirstEnd)
		inner.Go(t, func(t *task.T) error { return waitsForever(t, tr) })
		inner.Go(t, func(t *task.T) error { return wait(t, tr, "inner ends") })
		tr.Print("inner", inner.Wait(t))
		return errChild
	})
	outer.Go(t, func(t *task.T) error {
		var inner task.Group
		for range 2 {
			inner.Go(t, func(t *task.T) error { return waitsForever(t, tr) })
		}
		err := inner.Wait(t)
		tr.Print("cancelled from outside", errors.Is(err, task.ErrGroupDecided))
		return err
	})
	return n, outer.Wait(t)
}

func cancels(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	g.SetPolicy(task.FirstError)
	for range n {
		g.Go(t, func(t *task.T) error {
			err := waitsForever(t, tr)
			tr.Print("cause", errors.Is(err, errChild))
			return nil
		})
	}
	wait(t, tr, "before")
	g.Cancel(t, errChild)
	return n, g.Wait(t)
}

func misuse(t *task.T, tr *cases.Trace, n int) (int, error) {
	var g task.Group
	try := func(what string, f func()) {
		defer func() { tr.Print(what, recover()) }()
		f()
	}
	try("no limit", func() { g.SetLimit(0) })
	cancelInVain(t, tr, &g)
	var goOn task.Event
	g.Go(t, func(t *task.T) error { return goOn.Wait(t) })
	try("limit after Go", func() { g.SetLimit(1) })
	try("policy after Go", func() { g.SetPolicy(task.FirstError) })
	goOn.Set()
	return n, g.Wait(t)
}

func cancelInVain(t *task.T, tr *cases.Trace, g *task.Group) {
	defer func() { tr.Print("no policy", recover()) }()
	wait(t, tr, "in vain")
	g.Cancel(t, nil)
}
