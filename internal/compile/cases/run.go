package cases

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

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
	watch := time.AfterFunc(time.Minute, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("%s does not end: n = %d; %s; %v", p.Name, n, pl.name, e))
	})
	defer watch.Stop()
	c := &conductor{plan: pl, event: e, cancel: cancel, task: compiled, beside: p.Beside}
	forcing.Reached = c.next
	forcing.Moves, forcing.GivesWay = pl.moves && compiled, pl.givesWay
	defer func() { forcing.Reached, forcing.Moves, forcing.GivesWay = nil, false, false }()
	var tr Trace
	var o Outcome
	switch {
	case !compiled:
		plain := func(t *task.T, tr *Trace, n int) (int, error) { return p.Run(t, tr, n) } //framearena:ignore it is to run there
		o = launch(ctx, executor.NewInline(), task.Call2(plain, &tr, n))
	case e.kind == ends:
		o = p.toTheEnd(ctx, c, &tr, n)
	case p.Beside: // a part that calls Goexit must not end the goroutine that waits for all
		o = launch(ctx, executor.NewPool(executor.WithWorkers(max(1, pl.workers))), task.Call2(p.Run, &tr, n))
	default:
		o = launch(ctx, executor.NewInline(), task.Call2(p.Run, &tr, n))
	}
	o.Lines, o.Open = tr.Lines(), tr.Open()
	if p.Beside {
		slices.Sort(o.Lines)
	}
	return o, c.reached
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
	ex := executor.NewInline()
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
