package executor_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// endless awaits again and again, without a wait.
var endless = coro.Define("endless", func(f *coro.Frame[int, int]) coro.Step {
	return coro.Await(f, 1, endlessChild, 0, &f.State)
})

var endlessChild = coro.Define("endless child", func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })

// The end of its context ends a Drain and a Run, also while a chain of awaits runs.
func TestLoopEndsDuringAChainOfAwaits(t *testing.T) {
	for name, drive := range map[string]func(*executor.Loop, context.Context) error{
		"Drain": (*executor.Loop).Drain,
		"Run":   (*executor.Loop).Run,
	} {
		t.Run(name, func(t *testing.T) {
			l := executor.NewLoop(executor.WithErrorHandler(func(error) {}))
			require.NoError(t, coro.Go(l, endless, 0))
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			require.Equal(t, context.DeadlineExceeded, drive(l, ctx))
			require.NoError(t, l.Close())
		})
	}
}
