package coro_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

var errLeaf = errors.New("leaf failed")

// generations is a task that awaits its own kind as many times deeper as its
// state says, and adds one to the result each time.
var generations = coro.Define("generations", func(f *coro.Frame[struct{ deeper, result int }, int]) coro.Step {
	s := &f.State
	if f.At() == 1 || s.deeper == 0 {
		return f.Return(s.result + 1)
	}
	return coro.Await(f, 1, f.Kind(), struct{ deeper, result int }{deeper: s.deeper - 1}, &s.result)
})

func TestResultsGoUpTheChain(t *testing.T) {
	ex := newInline(t)
	for _, deeper := range []int{0, 1, 2, 3, 100} {
		got, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{deeper: deeper}))
		require.NoError(t, err)
		require.Equal(t, deeper+1, got)
	}
	require.Zero(t, liveIn(ex.Arena()))
}

func TestResultsOfAllSizes(t *testing.T) {
	type wide struct {
		a [3]uint64
		b bool
		c float32
		d [40]int16
	}
	want := wide{a: [3]uint64{1, 2, 1 << 63}, b: true, c: 1.5, d: [40]int16{39: -7}}
	leaf := coro.Define("leaf", func(f *coro.Frame[wide, wide]) coro.Step { return f.Return(f.State) })
	type both struct {
		before byte
		wide   wide
		after  byte
		tiny   bool
	}
	tiny := coro.Define("tiny", func(f *coro.Frame[none, bool]) coro.Step { return f.Return(true) })
	root := coro.Define("root", func(f *coro.Frame[both, wide]) coro.Step {
		switch s := &f.State; f.At() {
		case 0:
			return coro.Await(f, 1, leaf, want, &s.wide)
		case 1:
			return coro.Await(f, 2, tiny, none{}, &s.tiny)
		default:
			if s.before != 11 || s.after != 22 || !s.tiny {
				return f.Fail(fmt.Errorf("a result went over its neighbours: %+v", *s))
			}
			return f.Return(s.wide)
		}
	})
	got, err := coro.Run(context.Background(), newInline(t), root.With(both{before: 11, after: 22}))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestAResultNobodyWantsIsDropped(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[none, int]) coro.Step { return f.Return(1) })
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, none{}, nil)
		}
		return f.Return(f.State)
	})
	ex := newInline(t)
	got, err := coro.Run(context.Background(), ex, root.With(42))
	require.NoError(t, err)
	require.Equal(t, 42, got)
	require.NoError(t, coro.Go(ex, root, 42))
	require.NoError(t, coro.RunAsync(ex)(root.With(42)))
}

// Run must not show what an earlier call with the same memory returned.
func TestAFailedRunHasTheZeroResult(t *testing.T) {
	k := coro.Define("now and then", func(f *coro.Frame[bool, int]) coro.Step {
		if f.State {
			return f.Return(5)
		}
		return f.Fail(errLeaf)
	})
	ex := newInline(t)
	for range 10 {
		got, err := coro.Run(context.Background(), ex, k.With(true))
		require.NoError(t, err)
		require.Equal(t, 5, got)
		got, err = coro.Run(context.Background(), ex, k.With(false))
		require.ErrorIs(t, err, errLeaf)
		require.Zero(t, got)
	}
}

func TestAFailedChildWritesNoResult(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[none, int]) coro.Step { return f.Fail(errLeaf) })
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, none{}, &f.State)
		}
		return f.Return(f.State)
	})
	got, err := coro.Run(context.Background(), newInline(t), root.With(42))
	require.NoError(t, err)
	require.Equal(t, 42, got)
}

func TestErrorsGoUpAsTheyAre(t *testing.T) {
	type depth struct{ left, wrapAt int }
	chain := coro.Define("chain", func(f *coro.Frame[depth, none]) coro.Step {
		s := f.State
		switch {
		case s.left == 0:
			return f.Fail(errLeaf)
		case f.At() == 0:
			return coro.Await(f, 1, f.Kind(), depth{s.left - 1, s.wrapAt}, nil)
		case s.left == s.wrapAt:
			return f.Fail(fmt.Errorf("at %d: %w", s.left, f.Err()))
		default:
			return f.Fail(f.Err())
		}
	})
	ex := newInline(t)
	for _, left := range []int{0, 1, 2, 5} {
		_, err := coro.Run(context.Background(), ex, chain.With(depth{left: left, wrapAt: -1}))
		require.True(t, err == errLeaf, "%d generations: %v", left, err)
	}
	_, err := coro.Run(context.Background(), ex, chain.With(depth{left: 5, wrapAt: 3}))
	require.ErrorIs(t, err, errLeaf)
	require.EqualError(t, err, "at 3: leaf failed")
	require.Zero(t, liveIn(ex.Arena()))
}

// Err belongs to what the task waited for last.
func TestErrIsOfTheLastAwait(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[bool, none]) coro.Step {
		if f.State {
			return f.Fail(errLeaf)
		}
		return f.Return(none{})
	})
	// bystander fails in between, on the same worker.
	bystander := coro.Define("bystander", func(f *coro.Frame[none, none]) coro.Step {
		return f.Fail(errors.New("somebody else's error"))
	})
	ex := newStepwise(t, func(error) {})
	var seen []error
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		seen = append(seen, f.Err(), f.Err())
		switch f.At() {
		case 0:
			return coro.Await(f, 1, leaf, true, nil) // fails
		case 1:
			return coro.Await(f, 2, leaf, false, nil) // does not
		case 2:
			return coro.Await(f, 3, leaf, true, nil)
		case 3:
			return coro.Yield(f, 4)
		case 4:
			return coro.Await(f, 5, leaf, true, nil)
		default:
			return f.Return(none{}) // although the last child failed
		}
	})
	require.NoError(t, coro.Go(ex, root, none{}))
	require.NoError(t, coro.Go(ex, bystander, none{}))
	ex.runAll()
	require.Equal(t, []error{nil, nil, errLeaf, errLeaf, nil, nil, errLeaf, errLeaf, nil, nil, errLeaf, errLeaf}, seen)
}

func TestResumePointAndState(t *testing.T) {
	const last = 1<<31 - 1
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step { return f.Fail(errLeaf) })
	var points []int
	root := coro.Define("root", func(f *coro.Frame[[3]int, [3]int]) coro.Step {
		points = append(points, f.At())
		switch s := &f.State; f.At() {
		case 0:
			s[0]++
			return coro.Yield(f, last)
		case last:
			s[1]++
			return coro.Await(f, 7, leaf, none{}, nil)
		case 7:
			s[2]++
			return coro.Yield(f, 8)
		default:
			return f.Return(*s)
		}
	})
	got, err := coro.Run(context.Background(), newInline(t), root.With([3]int{10, 20, 30}))
	require.NoError(t, err)
	require.Equal(t, [3]int{11, 21, 31}, got)
	require.Equal(t, []int{0, last, 7, 8}, points)
}

func TestKind(t *testing.T) {
	k := coro.Define("named", func(f *coro.Frame[int, bool]) coro.Step {
		return f.Return(f.Kind().Name() == "named")
	})
	require.Equal(t, "named", k.Name())
	same, err := coro.Run(context.Background(), newInline(t), k.With(0))
	require.NoError(t, err)
	require.True(t, same)
}

// The error of a root goes to one place only: the caller of Run, OnError, or the handler.
func TestWhoGetsTheRootsError(t *testing.T) {
	var handler, option []error
	ex := newStepwise(t, func(err error) { handler = append(handler, err) })
	k := coro.Define("now and then", func(f *coro.Frame[bool, none]) coro.Step {
		if f.State {
			return f.Return(none{})
		}
		return f.Fail(errLeaf)
	})
	onError := coro.OnError(func(err error) { option = append(option, err) })
	a := coro.Allocator(ex.arena)
	tests := []struct {
		name            string
		launch          func(state bool) error
		handler, option []error
	}{
		{"Go", func(s bool) error { return coro.Go(ex, k, s) }, []error{errLeaf}, nil},
		{"RunAsync", func(s bool) error { return coro.RunAsync(ex)(k.With(s)) }, []error{errLeaf}, nil},
		{"RunAsync with an allocator", func(s bool) error { return coro.RunAsync(ex, a)(k.With(s)) }, []error{errLeaf}, nil},
		{"RunAsync with OnError", func(s bool) error { return coro.RunAsync(ex, onError)(k.With(s)) }, nil, []error{errLeaf}},
		{"RunAsync with both", func(s bool) error { return coro.RunAsync(ex, a, onError)(k.With(s)) }, nil, []error{errLeaf}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler, option = nil, nil
			require.NoError(t, tt.launch(true))
			ex.runAll()
			require.Empty(t, handler)
			require.Empty(t, option)
			require.NoError(t, tt.launch(false))
			ex.runAll()
			require.Equal(t, tt.handler, handler)
			require.Equal(t, tt.option, option)
		})
	}
}
