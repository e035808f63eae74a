package checker

import (
	"context"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// Plain is Tasks in plain Go, which is compiled.
func (c *Checker) Plain(ctx context.Context, ex coro.Executor, targets []string) error {
	permits := task.NewSemaphore(c.Parallel)
	for _, target := range targets {
		if err := task.Go(ex, task.Do3(guard, c, permits, target), task.Context(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// guard checks a target again and again.
func guard(t *task.T, c *Checker, permits *task.Semaphore, target string) error {
	for {
		if permits.Acquire(t, 1) != nil {
			return nil
		}
		err := inquire(t, c, target)
		permits.Release(1)
		if t.Err() != nil {
			return nil
		}
		c.Board.Set(target, err)
		if t.Sleep(c.Interval) != nil {
			return nil
		}
	}
}

// inquire is one check.
func inquire(t *task.T, c *Checker, target string) error {
	return task.Timeout(t, c.Timeout, func(t *task.T) error {
		ctx := t.Context()
		_, err := task.Block(t, func() (task.None, error) { return task.None{}, c.get(ctx, target) })
		return err
	})
}
