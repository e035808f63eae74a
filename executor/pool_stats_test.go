package executor_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// An idle pool has no timer that runs, and counts what it did.
func TestPoolStats(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(3))
	for range 10 {
		_, err := coro.Run(context.Background(), ex, countTo(4))
		require.NoError(t, err)
	}
	for !executor.Asleep(ex) {
		time.Sleep(time.Millisecond)
	}
	s := ex.Stats()
	require.Len(t, s.Workers, 3)
	require.Equal(t, 3, s.Idle)
	require.Equal(t, uint64(50), s.Tasks)
	require.GreaterOrEqual(t, s.Parks, uint64(3))
	require.Zero(t, s.Queued)
	require.Zero(t, s.Blocks)
	sum := uint64(0)
	for _, w := range s.Workers {
		sum += w.Tasks
	}
	require.Equal(t, s.Tasks, sum)

	var read executor.PoolStats
	require.NoError(t, json.Unmarshal([]byte(ex.String()), &read))
	require.Equal(t, s, read)

	// It wakes up again, with its monitor.
	got, err := coro.Run(context.Background(), ex, echo.With(1))
	require.NoError(t, err)
	require.Equal(t, 1, got)
	require.NoError(t, ex.Close())
	require.Len(t, ex.Stats().Workers, 3, "also after Close")
}
