package forms

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// fromVariable is a literal outside of all functions.
var fromVariable = func(t *task.T, n int) (int, error) { return n + 1, t.Yield() }

// Plain functions launch method values, and literals that capture nothing, as tasks.
func TestPlainFunctionsLaunchTasks(t *testing.T) {
	ex := executor.NewInline()
	defer ex.Close()
	ctx, compiled := context.Background(), task.RequireCompiled()

	r := &runner{}
	for range 3 {
		k, err := task.Run(ctx, ex, task.Call1(r.twice, 2), compiled)
		require.NoError(t, err)
		require.Equal(t, 4, k)
	}
	require.Equal(t, 6, r.runs)
	run := r.run
	_, err := task.Run(ctx, ex, task.Do0(run), compiled)
	require.NoError(t, err)
	require.Equal(t, 7, r.runs)
	h := &holdsValue{}
	k, err := task.Run(ctx, ex, task.Call2(h.addTo, &script{suspends: func() bool { return true }}, 5), compiled)
	require.NoError(t, err)
	require.Equal(t, k, h.sum)

	k, err = task.Run(ctx, ex, task.Call2(func(t *task.T, r *runner, n int) (k int, err error) {
		defer func() { k++ }()
		more := func(t *task.T) error { k += n; return t.Yield() }
		if err := more(t); err != nil {
			return 0, err
		}
		_, err = r.twice(t, k)
		return k, err
	}, r, 10), compiled)
	require.NoError(t, err)
	require.Equal(t, 11, k)
	require.Equal(t, 17, r.runs)
	k, err = task.Run(ctx, ex, task.Call1(fromVariable, 1), compiled)
	require.NoError(t, err)
	require.Equal(t, 2, k)
	_, err = task.Run(ctx, ex, task.Do0(func(t *task.T) error { return nil }), compiled)
	require.NoError(t, err)

	// These run on goroutines.
	_, err = task.Run(ctx, ex, task.Do0(func(t *task.T) error { r.runs++; return t.Yield() }), compiled)
	require.ErrorIs(t, err, task.ErrNotCompiled)
	_, err = task.Run(ctx, ex, task.Call1(r.byValue, 1), compiled)
	require.ErrorIs(t, err, task.ErrNotCompiled)
	k, err = task.Run(ctx, ex, task.Call1(r.byValue, 1))
	require.NoError(t, err)
	require.Equal(t, 18, k)
}

// callsValues calls a function that returns no error, and perhaps is not compiled.
func callsValues(t *task.T, fn func(t *task.T) int) (int, error) {
	n := fn(t)
	return n + resultOf(t, fn), t.Yield()
}

// resultOf cannot return an error either, unless R is one.
func resultOf[R any](t *task.T, fn func(t *task.T) R) R { return fn(t) }

// A function that is not compiled, where all must be, is never taken for one that has returned nothing.
func TestNotCompiledWithoutError(t *testing.T) {
	ex := executor.NewInline()
	defer ex.Close()
	ctx, seven := context.Background(), 7
	notCompiled := func(t *task.T) int { return seven }
	k, err := task.Run(ctx, ex, task.Call1(callsValues, notCompiled))
	require.NoError(t, err)
	require.Equal(t, 14, k)
	_, err = task.Run(ctx, ex, task.Call1(callsValues, notCompiled), task.RequireCompiled())
	require.ErrorIs(t, err, task.ErrNotCompiled)
}

// Task functions whose method values, and methods by embedding, are compiled never leave their worker.
func TestMethodsAreCompiled(t *testing.T) {
	ex := executor.NewInline()
	defer ex.Close()
	for name, fn := range map[string]func(*task.T, *script, int) (string, error){"promoted": promoted, "values": methodValues, "group": groupOfMethods} {
		for _, suspends := range []bool{false, true} {
			want, err := onGoroutine(fn, &script{suspends: func() bool { return false }}, 3)
			require.NoError(t, err)
			got, err := task.Run(context.Background(), ex, task.Call2(fn, &script{suspends: func() bool { return suspends }}, 3), task.RequireCompiled())
			require.NoError(t, err, name)
			require.Equal(t, want, got, fmt.Sprint(name, suspends))
		}
	}
}
