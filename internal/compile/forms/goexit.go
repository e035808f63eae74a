package forms

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// calledGoexit ends by a Goexit of a function that it calls, after deferred calls of all sorts have run.
func calledGoexit(t *task.T, p *plan, n int) (r string, err error) {
	defer stop(t, p, "first")
	defer p.logf("plain")
	defer func() {
		p.logf("recovers %v", recover())
		stop(t, p, "literal")
	}()
	r, err = throughGoexit(t, p, n)
	return r + " end", err
}

func throughGoexit(t *task.T, p *plan, n int) (string, error) {
	defer func() { p.logf("native recovers %v", recover()) }()
	if n == 3 {
		defer func() {
			defer func() { p.logf("inner recovers %v", recover()) }()
			panic("in Goexit")
		}()
	}
	stop(t, p, "before")
	exits(t, p, n)
	return "returned", nil
}

// exits has a Goexit in the middle, or as a deferred call.
func exits(t *task.T, p *plan, n int) {
	if n == 2 {
		defer runtime.Goexit()
	}
	defer stop(t, p, "deferred")
	if n == 1 || n == 3 {
		runtime.Goexit()
		p.logf("not reached")
	}
}

// groupGoexit has a child that ends by a Goexit, and goes on.
func groupGoexit(t *task.T, p *plan, n int) (string, error) {
	var g task.Group
	g.Go(t, func(t *task.T) error {
		defer func() { p.logf("child ends") }()
		exits(t, p, n)
		return nil
	})
	err := g.Wait(t)
	var ended *coro.PanicError
	if errors.As(err, &ended) {
		return fmt.Sprint("child: ", ended.Value), stop(t, p, "after")
	}
	return "returned", err
}
