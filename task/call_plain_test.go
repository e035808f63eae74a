package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// calling is a compiled function that calls one that is not.
func calling(got *[]int, fn func(t *task.T, r *int) error) task.Call[int] {
	return task.Call1(playInts, collect(got, func(t *task.T) (int, error) { return task.CallPlain(t, fn) }))
}

func TestCallPlain(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		var got []int
		run := func(fn func(t *task.T, r *int) error) error {
			_, err := task.Run(context.Background(), ex, calling(&got, fn), opts...)
			return err
		}
		require.NoError(t, run(func(tt *task.T, r *int) error {
			*r = 7
			return tt.Yield()
		}))
		require.Equal(t, []int{7}, got)
		require.ErrorIs(t, run(func(*task.T, *int) error { return errTest }), errTest)
		require.ErrorContains(t, run(func(*task.T, *int) error { panic("message") }), "message")

		// The end of the context does not end the call, but what the function waits for.
		ended := false
		h, err := task.Start(ex, calling(&got, func(tt *task.T, _ *int) error {
			err := tt.Sleep(time.Hour)
			time.Sleep(time.Millisecond) //framearena:ignore the task is to be late
			ended = true
			return err
		}), opts...)
		require.NoError(t, err)
		h.Cancel(errTest)
		_, err = h.WaitContext(context.Background())
		require.ErrorIs(t, err, errTest)
		require.True(t, ended)
	})
}

// RequireCompiled is in force for the whole tree.
func TestCallPlainRefused(t *testing.T) {
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	var got []int
	_, err := task.Run(context.Background(), ex, calling(&got, func(*task.T, *int) error {
		panic("it runs")
	}), task.RequireCompiled())
	require.ErrorIs(t, err, task.ErrNotCompiled)
	require.ErrorContains(t, err, "call_plain_test.go:")
}

// When Close returns, the function has ended, though its caller's frame ended before. Its panic goes
// to the executor's handler then.
func TestCloseDuringCallPlain(t *testing.T) {
	failed := make(chan error, 1)
	ex := executor.NewPool(executor.WithErrorHandler(func(err error) { failed <- err }))
	var got []int
	ended := 0
	fn := func(tt *task.T, _ *int) error {
		defer func() {
			ended++
			panic("late")
		}()
		return tt.Sleep(time.Hour)
	}
	h, err := task.Start(ex, calling(&got, fn))
	require.NoError(t, err)
	untilWaiting(ex, nil, 2)
	require.NoError(t, ex.Close())
	require.Equal(t, 1, ended)
	_, err = h.WaitContext(context.Background())
	require.ErrorIs(t, err, task.ErrClosed)
	var p *coro.PanicError
	require.ErrorAs(t, <-failed, &p)
	require.Equal(t, "late", p.Value)
}
