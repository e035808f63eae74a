package plain_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// A function whose children run in place lets other tasks have their turn, though it never waits.
func TestChildrenInPlaceGiveWay(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(1), executor.WithBlockedLimit(-1))
	var other atomic.Bool
	until := time.Now().Add(20 * time.Second)
	begun := make(chan struct{}, 1)
	busy, err := task.Start(ex, task.Do1(plain.Busy, func() bool {
		select {
		case begun <- struct{}{}:
		default:
		}
		return other.Load() || time.Now().After(until)
	}))
	require.NoError(t, err)
	<-begun
	require.NoError(t, task.Go(ex, task.Do1(plain.Busy, func() bool { other.Store(true); return true })))
	_, err = busy.WaitContext(context.Background())
	require.NoError(t, err)
	require.True(t, other.Load(), "it has run beside the first one")
	require.NoError(t, ex.Close())
}
