package gate

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGate(t *testing.T) {
	drains, closes := errors.New("drains"), errors.New("closed")
	g := New()
	g.SkipLaunches(1<<LaunchBits - 1)
	require.NoError(t, g.Launch(false))
	require.Zero(t, g.Launches(), "the count wraps")
	require.NoError(t, g.Launch(false))
	g.TakeBack()
	require.Zero(t, g.Launches())
	g.Leave()

	g.Drain(drains)
	g.Drain(errors.New("a later one"))
	require.Equal(t, drains, g.Launch(false))
	require.Equal(t, drains, g.Admits(false))
	require.NoError(t, g.Admits(true))
	require.NoError(t, g.Launch(true))
	g.Leave()
	require.EqualValues(t, 1, g.Launches())
	require.NoError(t, g.Enter(), "only launches are refused")
	g.Leave()

	g.Close(closes)
	g.Close(errors.New("a later one"))
	require.Equal(t, closes, g.Enter())
	require.Equal(t, closes, g.Launch(true))
	require.Equal(t, closes, g.Admits(true))
	require.EqualValues(t, 1, g.Launches())
}

func TestCloseWaits(t *testing.T) {
	closes := errors.New("closed")
	for range 100 {
		g := New()
		var inside, refused atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for g.Enter() == nil {
					inside.Add(1)
					inside.Add(-1)
					g.Leave()
				}
				refused.Add(1)
			})
		}
		g.Close(closes)
		require.Zero(t, inside.Load())
		wg.Wait()
		require.EqualValues(t, 8, refused.Load())
	}
}
