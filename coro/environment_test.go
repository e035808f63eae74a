package coro_test

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

func TestEnvironmentClose(t *testing.T) {
	errClosed := errors.New("closed")
	ex := newStepwise(t, nil)
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	require.NoError(t, coro.Go(ex, k, 1))
	ex.env.Close(errClosed)
	for range 3 {
		require.True(t, coro.Go(ex, k, 1) == errClosed)
		require.True(t, coro.RunAsync(ex)(k.With(1)) == errClosed)
		require.True(t, coro.RunAsync(ex, coro.Context(context.Background()))(k.With(1)) == errClosed)
		_, err := coro.Run(context.Background(), ex, k.With(1))
		require.True(t, err == errClosed)
	}
	require.Equal(t, 1, ex.queue.Len(), "what was posted before is still the executor's")
	ex.runAll()
	ex.env.Close(errors.New("closed again"))
	require.True(t, coro.Go(ex, k, 1) == errClosed)
}

// slow is an executor that takes its time over the first post, and refuses all.
type slow struct {
	*stepwise
	posts           atomic.Int64
	inside, release chan none
}

func (e *slow) Post(coro.Runnable) error {
	if e.posts.Add(1) == 1 {
		e.inside <- none{}
		<-e.release
	}
	return errCause
}

// Close returns after the last launch that it has let in.
func TestEnvironmentCloseWaits(t *testing.T) {
	errClosed := errors.New("closed")
	ex := &slow{stepwise: newStepwise(t, nil), inside: make(chan none), release: make(chan none)}
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	launched := make(chan error, 1)
	go func() { launched <- coro.Go(ex, k, none{}) }()
	<-ex.inside
	var released atomic.Bool
	closed := make(chan bool)
	go func() {
		ex.env.Close(errClosed)
		closed <- released.Load()
	}()
	for err := errCause; err != errClosed; runtime.Gosched() {
		err = coro.Go(ex, k, none{})
		require.Contains(t, []error{errCause, errClosed}, err)
	}
	// Close has begun, and waits.
	released.Store(true)
	ex.release <- none{}
	require.True(t, <-closed)
	require.True(t, <-launched == errCause)
	require.Zero(t, liveIn(ex.arena))
}

// Without a handler, errors of roots that no caller waits for are printed.
func TestErrorsArePrinted(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = stderr }()

	ex := newStepwise(t, nil)
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Fail(errLeaf) })
	err = coro.Go(ex, k, none{})
	ex.runAll()
	os.Stderr = stderr
	require.NoError(t, err)
	require.NoError(t, w.Close())
	printed, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "coro: a task failed: leaf failed [task (environment_test.go:86)]\n", string(printed))
}
