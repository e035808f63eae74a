package coro_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// explode is a function to look for in stacks.
//
//go:noinline
func explode(v any) { panic(v) }

var exploding = coro.Define("exploding", func(f *coro.Frame[none, int]) coro.Step {
	explode("boom")
	return f.Return(1)
})

func TestPanicAtTheParent(t *testing.T) {
	var seen error
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, exploding, none{}, &f.State)
		}
		seen = f.Err()
		return f.Return(f.State)
	})
	ex := newInline(t)
	got, err := coro.Run(context.Background(), ex, root.With(42))
	require.NoError(t, err)
	require.Equal(t, 42, got, "the parent goes on")
	requirePanic(t, seen, "boom")
	require.Zero(t, liveIn(ex.Arena()))
}

func requirePanic(t *testing.T, err error, value any) {
	t.Helper()
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Equal(t, value, p.Value)
	require.Contains(t, string(p.Stack), "coro_test.explode", "the stack of the panic")
	require.True(t, strings.HasPrefix(p.Error(), "coro: panic in a step: boom\n"), p.Error())
	require.Contains(t, p.Error(), string(p.Stack))
}

func TestPanicAtTheRoot(t *testing.T) {
	var handled []error
	ex := newInline(t, executor.WithErrorHandler(func(err error) { handled = append(handled, err) }))
	_, err := coro.Run(context.Background(), ex, exploding.With(none{}))
	requirePanic(t, err, "boom")
	require.Empty(t, handled)

	require.NoError(t, coro.Go(ex, exploding, none{}))
	require.NoError(t, coro.RunAsync(ex)(exploding.With(none{})))
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(ex.Arena()))(exploding.With(none{})))
	require.Len(t, handled, 3)
	for _, err := range handled {
		requirePanic(t, err, "boom")
	}
	require.Zero(t, liveIn(ex.Arena()))
}

func TestPanicUnwraps(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  error
	}{
		{"an error", errLeaf, errLeaf},
		{"a string", "boom", nil},
		{"a number", 3, nil},
	}
	ex := newInline(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := coro.Define("panics", func(f *coro.Frame[none, none]) coro.Step {
				explode(tt.value)
				return f.Return(none{})
			})
			_, err := coro.Run(context.Background(), ex, k.With(none{}))
			var p *coro.PanicError
			require.ErrorAs(t, err, &p)
			require.Equal(t, tt.value, p.Value)
			require.True(t, errors.Unwrap(err) == tt.want)
		})
	}
	t.Run("a run-time error", func(t *testing.T) {
		k := coro.Define("out of range", func(f *coro.Frame[int, none]) coro.Step {
			_ = make([]int, 1)[f.State]
			return f.Return(none{})
		})
		_, err := coro.Run(context.Background(), ex, k.With(5))
		var re runtime.Error
		require.ErrorAs(t, err, &re)
	})
}

func TestTheWorkerSurvivesPanics(t *testing.T) {
	ex := newPool(t, executor.WithWorkers(1))
	for range 50 {
		_, err := coro.Run(context.Background(), ex, exploding.With(none{}))
		requirePanic(t, err, "boom")
		got, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{deeper: 3}))
		require.NoError(t, err)
		require.Equal(t, 4, got)
	}
}

// A step that panics between making a child and returning its Step leaves a child
// that never begins.
func TestPanicAfterAwaitFreesTheChild(t *testing.T) {
	began := false
	leaf := coro.Define("leaf", func(f *coro.Frame[[200]byte, none]) coro.Step {
		began = true
		return f.Return(none{})
	})
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		step := coro.Await(f, 1, leaf, [200]byte{}, nil)
		if f.At() == 1 { // always
			explode("boom")
		}
		return step
	})
	t.Run("own cache", func(t *testing.T) {
		ex := newInline(t)
		_, err := coro.Run(context.Background(), ex, root.With(none{}))
		requirePanic(t, err, "boom")
		require.Zero(t, liveIn(ex.Arena()))
	})
	t.Run("custom allocator", func(t *testing.T) {
		var err error
		ex := newInline(t)
		r := newRecorder(ex.Arena())
		onError := coro.OnError(func(e error) { err = e })
		require.NoError(t, coro.RunAsync(ex, coro.Allocator(r), onError)(root.With(none{})))
		requirePanic(t, err, "boom")
		r.requireDone(t, root.FrameSize(), leaf.FrameSize())
	})
	t.Run("refused child", func(t *testing.T) {
		var err error
		ex := newInline(t)
		onError := coro.OnError(func(e error) { err = e })
		require.NoError(t, coro.RunAsync(ex, coro.Allocator(newLimited(ex.Arena(), 1)), onError)(root.With(none{})))
		requirePanic(t, err, "boom")
		require.Zero(t, liveIn(ex.Arena()))
	})
	require.False(t, began)
}

// A panic in a handler is not a task's: it is the program's.
func TestPanicInAHandlerIsNotCaught(t *testing.T) {
	fail := coro.Define("fail", func(f *coro.Frame[none, none]) coro.Step { return f.Fail(errLeaf) })
	ex := newInline(t, executor.WithErrorHandler(func(err error) { panic(err) }))
	require.PanicsWithValue(t, errLeaf, func() { _ = coro.Go(ex, fail, none{}) })
	require.Zero(t, liveIn(ex.Arena()))

	got, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{deeper: 3}))
	require.NoError(t, err)
	require.Equal(t, 4, got)
}
