package coro_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A function of Blocking that panics after its task has ended is not silent.
func TestBlockingPanicsAfterItsTask(t *testing.T) {
	for name, fail := range map[string]func(){
		"panic":  func() { panic("late") },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan error, 2)
			ex := executor.NewInline(executor.WithErrorHandler(func(err error) { got <- err }))
			began, proceed := make(chan struct{}), make(chan struct{})
			k := coro.Define("blocks", func(f *coro.Frame[int, none]) coro.Step {
				if f.At() == 0 {
					return coro.Blocking(f, 1, func() (int, error) {
						close(began)
						<-proceed
						fail()
						return 0, nil
					}, nil)
				}
				return f.Fail(f.Err())
			})
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() {
				<-began
				cancel(errCause)
			}()
			_, err := coro.Run(ctx, ex, k.With(0))
			require.Equal(t, errCause, err)
			close(proceed)
			var p *coro.PanicError
			require.ErrorAs(t, <-got, &p)
			require.NoError(t, ex.Close())
			require.Empty(t, got)
		})
	}
}
