package task

import (
	"context"

	"github.com/framearena/framearena/coro"
)

// Run launches c on ex, waits until it has ended, and returns its result.
func Run[R any](ctx context.Context, ex coro.Executor, c Call[R]) (R, error) {
	if c.plain == nil {
		return coro.Run(ctx, ex, c.call)
	}
	t := new(T)
	t.s.Context, t.s.Executor = ctx, ex
	return c.plain(t)
}
