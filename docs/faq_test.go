package docs_test

import (
	"context"
	"os"
	"os/exec"
	"runtime/metrics"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/slab"
)

// The statements of faq.md that no other test checks.

var large = coro.Define("large", func(f *coro.Frame[[3 << 20]byte, byte]) coro.Step {
	last := &f.State[len(f.State)-1]
	if f.At() == 0 {
		*last = 7
		return coro.Yield(f, 1)
	}
	return f.Return(*last)
})

func TestALargeState(t *testing.T) {
	pool := executor.NewPool()
	got, err := coro.Run(context.Background(), pool, large.With([3 << 20]byte{}))
	require.NoError(t, err)
	require.EqualValues(t, 7, got)
	require.NoError(t, pool.Close())
}

type contextKey struct{}

var value = coro.Define("value", func(f *coro.Frame[struct{}, int]) coro.Step {
	return f.Return(f.Context().Value(contextKey{}).(int))
})

var valueOfAChild = coro.Define("value of a child", func(f *coro.Frame[int, int]) coro.Step {
	if f.At() == 0 {
		return coro.Await(f, 1, value, struct{}{}, &f.State)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(f.State)
})

func TestValuesOfAContext(t *testing.T) {
	pool := executor.NewPool()
	ctx := context.WithValue(context.Background(), contextKey{}, 42)
	got, err := coro.Run(ctx, pool, valueOfAChild.With(0))
	require.NoError(t, err)
	require.Equal(t, 42, got)
	require.NoError(t, pool.Close())
}

// The runtime counts frames only where slabs come from the Go heap.
func TestFramesAreNotOfTheRuntime(t *testing.T) {
	known := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	a, err := arena.New()
	require.NoError(t, err)
	const n, size = 1024, 64 << 10
	frames := make([]unsafe.Pointer, n)
	before := known()
	for i := range frames {
		frames[i] = a.AllocateZeroed(size)
		require.NotNil(t, frames[i])
	}
	if slab.FromHeap {
		require.Greater(t, known(), int64(n*size))
	} else {
		require.Less(t, known()-before, int64(n*size/2))
	}
	for _, p := range frames {
		a.Deallocate(p, size)
	}
	require.NoError(t, a.Close())
}

// execStage is the environment variable that marks a process that TestExec has started.
const execStage = "FRAMEARENA_DOCS_EXEC"

var execute = coro.DefineHeld("execute", func(f *coro.Frame[int, string], held *execution) coro.Step {
	if f.At() == 0 {
		path := held.path
		return coro.Blocking(f, 1, func() (string, error) {
			command := exec.Command(path, "-test.run", "^TestExec$")
			command.Env = append(os.Environ(), execStage+"=1")
			out, err := command.Output()
			return string(out), err
		}, &held.output)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(held.output)
})

type execution struct{ path, output string }

func TestExec(t *testing.T) {
	pool := executor.NewPool()
	if os.Getenv(execStage) != "" {
		got, err := coro.Run(context.Background(), pool, large.With([3 << 20]byte{}))
		require.NoError(t, err)
		require.EqualValues(t, 7, got)
		require.NoError(t, pool.Close())
		return
	}
	path, err := os.Executable()
	require.NoError(t, err)
	output, err := coro.Run(context.Background(), pool, execute.With(0, execution{path: path}))
	require.NoError(t, err, output)
	require.Contains(t, output, "PASS")
	require.NoError(t, pool.Close())
}
