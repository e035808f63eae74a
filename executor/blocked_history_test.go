package executor_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// stuckKind returns a kind whose step blocks until release is closed, and a channel that gets a
// value when it does.
func stuckKind(name string, release <-chan none) (k *coro.Kind[none, none], inside <-chan none) {
	in := make(chan none, 100)
	return coro.Define(name, func(f *coro.Frame[none, none]) coro.Step {
		in <- none{}
		<-release
		return f.Return(none{})
	}), in
}

// Without a handler too, a pool remembers which task has blocked a worker, where, when and for how
// long, after the step has ended and the worker has run other tasks.
func TestPoolRemembersBlockedSteps(t *testing.T) {
	for _, limit := range []time.Duration{2 * time.Millisecond, -1} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			ex := executor.NewPool(executor.WithWorkers(1), executor.WithBlockedLimit(limit))
			require.Empty(t, ex.Stats().BlockedKinds)
			release := make(chan none)
			stuck, inside := stuckKind("stuck", release)
			began := time.Now()
			require.NoError(t, coro.Go(ex, stuck, none{}))
			<-inside
			var b executor.BlockedKind
			require.Eventually(t, func() bool {
				kinds := ex.Stats().BlockedKinds
				if len(kinds) == 1 {
					b = kinds[0]
				}
				return b.Stack != ""
			}, time.Minute, time.Millisecond)
			require.Equal(t, "stuck", b.Kind.Name)
			require.Equal(t, 1, b.Now)
			require.Contains(t, b.Stack, "stuckKind.func1")
			close(release)
			_, err := coro.Run(t.Context(), ex, echo.With(1))
			require.NoError(t, err)
			require.Eventually(t, func() bool { return ex.Stats().BlockedKinds[0].Now == 0 }, time.Minute, time.Millisecond)
			after := ex.Stats().BlockedKinds[0]
			require.EqualValues(t, 1, after.Times)
			require.GreaterOrEqual(t, after.Longest, b.Longest)
			require.GreaterOrEqual(t, after.Longest, 2*time.Millisecond)
			require.Equal(t, b.Stack, after.Stack)
			for _, when := range []time.Time{after.Last, after.LongestBegan, after.StackTaken} {
				require.WithinRange(t, when, began.Round(0), time.Now())
			}
			var read executor.PoolStats
			require.NoError(t, json.Unmarshal([]byte(ex.String()), &read))
			require.True(t, after.Last.Equal(read.BlockedKinds[0].Last))
			require.Equal(t, after.Stack, read.BlockedKinds[0].Stack)
			require.NoError(t, ex.Close())
			require.Len(t, ex.Stats().BlockedKinds, 1, "also after Close")
		})
	}
}

// A pool remembers a bounded number of kinds: the latest.
func TestPoolForgetsOldBlockedSteps(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(1), executor.WithBlockedLimit(time.Millisecond))
	for n := range 20 {
		release := make(chan none)
		name := fmt.Sprint("stuck ", n)
		stuck, _ := stuckKind(name, release)
		require.NoError(t, coro.Go(ex, stuck, none{}))
		require.Eventually(t, func() bool {
			kinds := ex.Stats().BlockedKinds
			return len(kinds) > 0 && kinds[0].Kind.Name == name
		}, time.Minute, time.Millisecond)
		close(release)
	}
	kinds := ex.Stats().BlockedKinds
	require.Len(t, kinds, 16)
	for i, k := range kinds {
		require.Equal(t, fmt.Sprint("stuck ", 19-i), k.Kind.Name)
	}
	require.NoError(t, ex.Close())
}

// The monitor samples what workers are busy with.
func TestPoolBusyKinds(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(2))
	require.Empty(t, ex.Stats().Busy)
	release := make(chan none)
	stuck, inside := stuckKind("busy", release)
	require.NoError(t, coro.Go(ex, stuck, none{}))
	<-inside
	var busy []executor.BusyKind
	require.Eventually(t, func() bool {
		busy = ex.Stats().Busy
		return len(busy) == 1 && busy[0].For > 20*time.Millisecond
	}, time.Minute, time.Millisecond)
	require.Equal(t, "busy", busy[0].Kind.Name)
	close(release)
	require.NoError(t, ex.Close())
}
