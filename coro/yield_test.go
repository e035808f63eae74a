package coro_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Tasks that yield take turns, in the order in which they began.
func TestYieldTakesTurns(t *testing.T) {
	type turn struct {
		name byte
		left int
	}
	var order strings.Builder
	leaf := coro.Define("leaf", func(f *coro.Frame[turn, none]) coro.Step {
		order.WriteByte(f.State.name)
		if f.State.left--; f.State.left < 0 {
			return f.Return(none{})
		}
		return coro.Yield(f, 0)
	})
	// Whether the root or a child of it yields makes no difference.
	nested := coro.Define("nested", func(f *coro.Frame[turn, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, f.State, nil)
		}
		return f.Return(none{})
	})
	ex := newInline(t)
	launcher := coro.Define("launcher", func(f *coro.Frame[none, none]) coro.Step {
		err := errors.Join(
			coro.Go(ex, leaf, turn{'a', 3}),
			coro.RunAsync(ex)(nested.With(turn{'b', 1})),
			coro.RunAsync(ex, coro.Context(context.Background()))(nested.With(turn{'c', 2})),
		)
		if err != nil {
			return f.Fail(err)
		}
		return f.Return(none{})
	})
	_, err := coro.Run(context.Background(), ex, launcher.With(none{}))
	require.NoError(t, err)
	require.Equal(t, "abcabcaca", order.String())
}

// Tasks that yield for ever keep no other from running.
func TestYieldIsFair(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		ex := newPool(t, executor.WithWorkers(workers))
		var stop atomic.Bool
		var stopped atomic.Int64
		spin := coro.Define("spin", func(f *coro.Frame[none, none]) coro.Step {
			if stop.Load() {
				stopped.Add(1)
				return f.Return(none{})
			}
			runtime.Gosched() // the test's goroutine needs a P too
			return coro.Yield(f, 0)
		})
		for range 3 * workers {
			require.NoError(t, coro.Go(ex, spin, none{}))
		}
		for range 100 {
			got, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{deeper: 3}))
			require.NoError(t, err)
			require.Equal(t, 4, got)
		}
		require.Zero(t, stopped.Load())
		stop.Store(true)
		// As many turns as this takes, the others have too.
		for stopped.Load() < int64(3*workers) {
			_, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{}))
			require.NoError(t, err)
		}
	}
}

type contextKey struct{}

var errCause = errors.New("the cause")

func TestTheContextEndsWhileATaskIsYielded(t *testing.T) {
	var seen []error
	var values []any
	ex := newStepwise(t, nil)
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step {
		seen = append(seen, f.Err())
		values = append(values, f.Context().Value(contextKey{}))
		if f.At() == 3 {
			return f.Fail(f.Err())
		}
		return coro.Yield(f, f.At()+1)
	})
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, none{}, nil)
		}
		return f.Fail(f.Err())
	})
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), contextKey{}, 7))
	defer cancel(nil)
	var end error
	onError := coro.OnError(func(err error) { end = err })
	require.NoError(t, coro.RunAsync(ex, coro.Context(ctx), onError)(root.With(none{})))

	require.True(t, ex.runOne())
	require.True(t, ex.runOne())
	cancel(errCause)
	require.True(t, ex.runOne())
	require.True(t, ex.runOne(), "a task may go on regardless")
	require.False(t, ex.runOne())
	require.Equal(t, []error{nil, nil, errCause, errCause}, seen)
	require.Equal(t, []any{7, 7, 7, 7}, values)
	require.True(t, end == errCause)
}

func TestTheContextHasEndedBeforeTheLaunch(t *testing.T) {
	k := coro.Define("task", func(f *coro.Frame[none, int]) coro.Step {
		if f.At() != 0 {
			return f.Fail(errors.New("not at the beginning"))
		}
		return f.Fail(f.Err())
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := coro.Run(ctx, newInline(t), k.With(none{}))
	require.True(t, err == context.Canceled)
}

// Only a yield lets a task learn that the context has ended.
func TestTheContextEndsDuringAnAwait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step {
		cancel()
		return f.Return(none{})
	})
	root := coro.Define("root", func(f *coro.Frame[none, bool]) coro.Step {
		switch f.At() {
		case 0:
			return coro.Await(f, 1, leaf, none{}, nil)
		case 1:
			if f.Err() != nil {
				return f.Fail(errors.New("Err is not what the child failed with"))
			}
			return coro.Yield(f, 2)
		default:
			return f.Return(f.Err() == context.Canceled && f.Context().Err() != nil)
		}
	})
	got, err := coro.Run(ctx, newInline(t), root.With(none{}))
	require.NoError(t, err)
	require.True(t, got)
}

func TestTheContextWithoutOne(t *testing.T) {
	ex := newInline(t)
	var seen []context.Context
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		seen = append(seen, f.Context())
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(ex, k, none{}))
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(ex.Arena()))(k.With(none{})))
	require.Equal(t, []context.Context{context.Background(), context.Background()}, seen)
}

// A task that cannot be queued again ends as if it had been cancelled there.
func TestYieldIsRefused(t *testing.T) {
	var handled []error
	ex := newStepwise(t, func(err error) { handled = append(handled, err) })
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step { return coro.Yield(f, 0) })
	resumed := 0
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, none{}, nil)
		}
		resumed++
		return f.Return(none{})
	})
	r := newRecorder(ex.arena)
	require.NoError(t, coro.Go(ex, root, none{}))
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(r))(root.With(none{})))
	ended := make(chan error)
	posted := make(chan none)
	go func() {
		_, err := coro.Run(context.Background(), posting{ex, posted}, root.With(none{}))
		ended <- err
	}()
	<-posted
	ex.refuse = errCause
	ex.runAll()
	require.True(t, <-ended == errCause)
	require.Equal(t, []error{errCause, errCause}, handled)
	require.Zero(t, resumed)
	require.Zero(t, liveIn(ex.arena))
	r.requireDone(t, root.FrameSize(), leaf.FrameSize())
}

// posting says when something has been posted.
type posting struct {
	*stepwise
	posted chan<- none
}

func (e posting) Post(t coro.Runnable) error {
	err := e.stepwise.Post(t)
	e.posted <- none{}
	return err
}

// A launch that the executor does not take leaves nothing behind.
func TestALaunchIsRefused(t *testing.T) {
	ex := newStepwise(t, func(error) { t.Error("the handler was called") })
	ex.refuse = errCause
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	r := newRecorder(ex.arena)
	for range 3 {
		require.True(t, coro.Go(ex, k, 1) == errCause)
		require.True(t, coro.RunAsync(ex)(k.With(1)) == errCause)
		require.True(t, coro.RunAsync(ex, coro.Context(context.Background()))(k.With(1)) == errCause)
		require.True(t, coro.RunAsync(ex, coro.Allocator(r))(k.With(1)) == errCause)
		got, err := coro.Run(context.Background(), ex, k.With(1))
		require.True(t, err == errCause)
		require.Zero(t, got)
		require.Zero(t, liveIn(ex.arena))
	}
	r.requireDone(t, k.FrameSize(), k.FrameSize(), k.FrameSize())
}

// yielding yields as often as its state says.
var yielding = coro.Define("yielding", func(f *coro.Frame[int, none]) coro.Step {
	if f.State == 0 {
		return f.Return(none{})
	}
	f.State--
	return coro.Yield(f, 0)
})

// A task goes through the queue once an iteration.
func BenchmarkYield(b *testing.B) {
	ex := newInline(b)
	b.ReportAllocs()
	if err := coro.Go(ex, yielding, b.N); err != nil {
		b.Fatal(err)
	}
}
