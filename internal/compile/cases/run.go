package cases

import (
	"context"
	"slices"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/forcing"
	"github.com/framearena/framearena/task"
)

// closable is an executor.
type closable interface {
	coro.Executor
	Close() error
}

// run runs the program once. It returns what can be seen, and how many operations were reached.
func (p Program) run(n int, compiled bool, pl plan, e event) (Outcome, int) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	c := &conductor{plan: pl, event: e, cancel: cancel, task: compiled}
	forcing.Reached = c.next
	forcing.Moves = pl.moves && compiled
	defer func() { forcing.Reached, forcing.Moves = nil, false }()
	var tr Trace
	var o Outcome
	switch {
	case !compiled:
		o = p.onGoroutine(ctx, &tr, n)
	case e.kind == ends:
		o = p.toTheEnd(ctx, c, &tr, n)
	default:
		ex := executor.NewInline()
		o = p.inTask(ctx, ex, &tr, n)
		ex.Close()
	}
	o.Lines = tr.Lines()
	if p.Beside {
		slices.Sort(o.Lines)
	}
	return o, c.reached
}

// onGoroutine runs the program as the source has it.
func (p Program) onGoroutine(ctx context.Context, tr *Trace, n int) (o Outcome) {
	ex := executor.NewPool()
	defer ex.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Exits = true // unless the function returns or panics
		defer func() {
			if v := recover(); v != nil {
				o.Exits, o.Panic = false, text(v)
			}
		}()
		plain := func(t *task.T, tr *Trace, n int) (int, error) { return p.Run(t, tr, n) }
		r, err := task.Run(ctx, ex, task.Call2(plain, tr, n))
		o.Exits, o.Result = false, r
		o.setErr(err)
	}()
	<-done
	return o
}

func (p Program) inTask(ctx context.Context, ex closable, tr *Trace, n int) (o Outcome) {
	var err error
	o.Result, err = task.Run(ctx, ex, task.Call2(p.Run, tr, n))
	o.setErr(err)
	return o
}

// toTheEnd runs the program on an executor that ends when the program has reached an operation.
func (p Program) toTheEnd(ctx context.Context, c *conductor, tr *Trace, n int) (o Outcome) {
	ex := executor.NewPool(executor.WithWorkers(1))
	c.ending = make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		o = p.inTask(ctx, ex, tr, n)
	}()
	select {
	case <-c.ending:
	case <-done:
	}
	ex.Close()
	<-done
	return o
}
