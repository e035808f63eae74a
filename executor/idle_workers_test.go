package executor_test

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// A task posted to an idle pool runs, from whatever goroutine it comes.
func TestPoolWakesForOneTask(t *testing.T) {
	withDelays(t)
	for _, workers := range []int{1, 2, 4} {
		ex := executor.NewPool(executor.WithWorkers(workers))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for i := range scaled(10000) {
					got, err := coro.Run(context.Background(), ex, echo.With(i))
					if got != i || err != nil {
						t.Errorf("got %d, %v", got, err)
					}
					if i%16 == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, ex.Close())
	}
}

// Posting, running and going idle allocate nothing.
func TestPoolAllocatesNothing(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(2))
	ctx := context.Background()
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := coro.Run(ctx, ex, echo.With(1)); err != nil {
			t.Error(err)
		}
	})
	if !race.Enabled { // under it, sync.Pool drops what it is given at random
		require.Zero(t, allocs)
	}
	require.NoError(t, ex.Close())
}
