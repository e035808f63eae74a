package plain_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// Random trees end as they should: each function that has begun runs its deferred call, and no frame
// is left.
func TestTree(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			ex := executor.NewPool(executor.WithWorkers(workers))
			var tree plain.Tree
			for seed := range uint64(40) {
				task.Run(context.Background(), ex, task.Call3(plain.Grow, &tree, seed, 4), task.RequireCompiled())
			}
			require.NoError(t, ex.Drain(context.Background()))
			require.Positive(t, tree.Failed.Load())
			require.Positive(t, tree.Cancelled.Load())
			require.Equal(t, tree.Begun.Load(), tree.Deferred.Load())
			require.NoError(t, ex.Close()) // an arena.ErrLeak if a frame were live
		})
	}
}

// An executor that is closed ends trees where they wait.
func TestTreeIsCutDown(t *testing.T) {
	for i := range 30 {
		ex := executor.NewPool(executor.WithWorkers(1+i%3), executor.WithErrorHandler(func(error) {}))
		tree := new(plain.Tree)
		for seed := range uint64(8) {
			require.NoError(t, task.Go(ex, task.Call3(plain.Grow, tree, seed, 5)))
		}
		time.Sleep(time.Duration(i) * 50 * time.Microsecond)
		require.NoError(t, ex.Close())
		require.Equal(t, tree.Begun.Load(), tree.Deferred.Load())
	}
}
