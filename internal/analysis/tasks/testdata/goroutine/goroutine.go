// Package goroutine launches functions that run on goroutines.
package goroutine

import (
	"context"
	"iter"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

type waiter interface {
	wait(t *task.T) (int, error)
}

type value struct{ n int }

func (v value) wait(t *task.T) (int, error) { return v.n, t.Yield() }

type list[E any] struct{ all []E }

func (l *list[E]) wait(t *task.T) (int, error) { return len(l.all), t.Yield() }

type pointer struct{ n int }

func (p *pointer) wait(t *task.T) (int, error) { return p.n, t.Yield() }

func add(t *task.T, a, b int) (int, error) { return a + b, t.Yield() }

func launches(ctx context.Context, pool *executor.Pool, n int) {
	task.Run(ctx, pool, task.Call0(func(t *task.T) (int, error) { // want `launches.func1 runs on a goroutine: it uses what the function around it declares: n; launch a function with a name instead, with what it needs as arguments`
		return add(t, n, 1)
	}))
	task.Go(pool, task.Do0(func(t *task.T) error { return t.Yield() }))
	task.Run(ctx, pool, task.Call1(func(t *task.T, n int) (int, error) { return add(t, n, 1) }, n))
	task.Run(ctx, pool, task.Call2(add, n, 1))
	f := func(t *task.T) error { // want `launches.func4 runs on a goroutine: it uses what the function around it declares: n`
		_, err := add(t, n, 1)
		return err
	}
	task.Go(pool, task.Do0(f))
}

func methods(ctx context.Context, pool *executor.Pool, w waiter, v value, l *list[int], p *pointer) {
	task.Run(ctx, pool, task.Call0(w.wait)) // want `the method value wait in methods runs on a goroutine: it is a method of an interface; launch a function that calls the method instead`
	task.Run(ctx, pool, task.Call0(v.wait)) // want `the method value wait in methods runs on a goroutine: its receiver is no pointer`
	task.Run(ctx, pool, task.Call0(l.wait)) // want `the method value wait in methods runs on a goroutine: its receiver is generic`
	task.Run(ctx, pool, task.Call0(p.wait))
}

func generic[E any](pool *executor.Pool) {
	task.Go(pool, task.Do0(func(t *task.T) error { return t.Yield() })) // want `generic.func1 runs on a goroutine: it is in a generic function`
}

// inTask makes a literal in a task function, which is compiled with it.
func inTask(t *task.T, pool *executor.Pool, n int) error {
	return task.Go(pool, task.Do0(func(t *task.T) error {
		_, err := add(t, n, 1)
		return err
	}))
}

func numbers(n int) iter.Seq2[int, error] {
	return task.Seq(func(t *task.T, yield func(*task.T, int) error) error { return yield(t, n) })
}

func onPurpose(pool *executor.Pool, n int) {
	//framearena:ignore there is one of it
	task.Go(pool, task.Do0(func(t *task.T) error {
		_, err := add(t, n, 1)
		return err
	}))
}
