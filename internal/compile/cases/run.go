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
	Drain(context.Context) error
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
		o = launch(ctx, executor.NewInline(), task.Call2(p.Run, &tr, n))
	}
	o.Lines = tr.Lines()
	if p.Beside {
		slices.Sort(o.Lines)
	}
	return o, c.reached
}

// onGoroutine runs the program as the source has it.
func (p Program) onGoroutine(ctx context.Context, tr *Trace, n int) Outcome {
	ex := executor.NewPool()
	plain := func(t *task.T, tr *Trace, n int) (int, error) { return p.Run(t, tr, n) }
	return launch(ctx, ex, task.Call2(plain, tr, n))
}

// launch runs a call, on a goroutine that it may end, and closes the executor.
func launch(ctx context.Context, ex closable, call task.Call[int]) (o Outcome) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Exits = true // unless the call returns
		r, err := task.Run(ctx, ex, call)
		o.Exits, o.Result = false, r
		o.setErr(err)
	}()
	<-done
	o.close(ex)
	return o
}

// toTheEnd runs the program on an executor that ends when the program has reached an operation.
func (p Program) toTheEnd(ctx context.Context, c *conductor, tr *Trace, n int) (o Outcome) {
	ex := executor.NewPool(executor.WithWorkers(1))
	c.ending = make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		o = launch(ctx, ex, task.Call2(p.Run, tr, n))
	}()
	select {
	case <-c.ending:
		ex.Close()
	case <-done:
	}
	<-done
	return o
}
