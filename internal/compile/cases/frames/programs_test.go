package frames

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func TestPrograms(t *testing.T) { cases.Check(t, programs) }

// A frame has room for what lives at one time, once. What it calls is not in it.
func TestFrameSizes(t *testing.T) {
	ex := executor.NewInline(executor.WithKindStats())
	defer ex.Close()
	for _, run := range []func(*task.T, *cases.Trace, int) (int, error){blocks, passesOn, children} {
		_, err := task.Run(context.Background(), ex, task.Call2(run, new(cases.Trace), 3))
		if err != nil {
			require.ErrorIs(t, err, errChild)
		}
	}
	const header, one = 48, 8 * 32
	sizes := map[string]uintptr{}
	for s := range coro.Stats() {
		sizes[s.Name] = s.FrameSize
	}
	for _, name := range []string{"blocks", "passesOn", "takes", "wraps", "child", "children"} {
		require.Contains(t, sizes, name)
		require.Less(t, sizes[name], uintptr(header+one+one/2), name)
	}
}

// No stack and no memory is used up by calls that do not wait.
func TestCallsThatDoNotWait(t *testing.T) {
	ex := executor.NewInline()
	defer ex.Close()
	tr := new(cases.Trace)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := task.Run(context.Background(), ex, task.Call2(calls, tr, 10_000_000))
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Less(t, after.Mallocs-before.Mallocs, uint64(1000))
	require.Zero(t, ex.Arena().Stats().Total.Live)
}

// A million functions wait for each other.
func TestManyFramesDeep(t *testing.T) {
	ex := executor.NewInline()
	defer ex.Close()
	const depth = 1_000_000
	k, err := task.Run(context.Background(), ex, task.Call1(descend, depth))
	require.NoError(t, err)
	require.Equal(t, depth, k)
	require.Zero(t, ex.Arena().Stats().Total.Live)
}
