package executor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// leaving ends the goroutine that runs it.
var leaving = coro.Define("leaving", func(f *coro.Frame[none, int]) coro.Step {
	runtime.Goexit()
	return f.Return(1)
})

// A pool that is closed while tasks, and handlers, end its workers' goroutines
// closes all the same, and each task that it took ends.
func TestPoolGoexitDuringClose(t *testing.T) {
	for range scaled(100) {
		a := newArena(t)
		var taken, ended atomic.Int64
		ex := executor.NewPool(executor.WithArena(a), executor.WithWorkers(3), executor.WithErrorHandler(func(err error) {
			n := ended.Add(1)
			switch {
			case err == executor.ErrClosed:
			case !errors.Is(err, coro.ErrGoexit):
				t.Error(err)
			case n%4 == 0:
				runtime.Goexit()
			}
		}))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for coro.Go(ex, leaving, none{}) == nil {
					if taken.Add(1) == 100 {
						if err := ex.Close(); err != nil {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, ex.Close())
		require.Equal(t, taken.Load(), ended.Load())
		require.Zero(t, a.Stats().Total.Live)
	}
}

// While one goroutine runs an Inline's tasks and is ended by one of them, what
// others wait for still runs.
func TestInlineGoexitWithOthersWaiting(t *testing.T) {
	ex := executor.NewInline(executor.WithErrorHandler(func(error) {}))
	began, goOn := make(chan none), make(chan none)
	holds := coro.Define("holds", func(f *coro.Frame[none, none]) coro.Step {
		close(began)
		<-goOn
		runtime.Goexit()
		return f.Return(none{})
	})
	returned := false
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = coro.Go(ex, holds, none{})
		returned = true
	})
	<-began
	posted := make(chan error)
	for i := range 10 {
		wg.Go(func() {
			ended := false
			defer func() {
				if !ended {
					posted <- errTask
				}
			}()
			call := leaving.With(none{})
			if i%2 == 0 {
				call = echo.With(1)
			}
			_, err := coro.Run(context.Background(), ex, call)
			ended = true
			posted <- err
		})
	}
	// They wait for the goroutine that runs tasks, or find that it has ended.
	runtime.Gosched()
	close(goOn)
	for range 10 {
		if err := <-posted; err != errTask && err != nil {
			require.ErrorIs(t, err, coro.ErrGoexit)
		}
	}
	wg.Wait()
	require.False(t, returned)
	require.NoError(t, ex.Close())
}
