package coro_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// An option that a call cannot take does not compile: its type is not assignable to that of
// the call's options.
func TestWhatTakesWhichOption(t *testing.T) {
	last := func(f any) reflect.Type {
		typ := reflect.TypeOf(f)
		return typ.In(typ.NumIn() - 1).Elem()
	}
	calls := map[string]reflect.Type{
		"RunAsync":  last(coro.RunAsync),
		"Start":     last(coro.Start[int]),
		"Seq":       last((*coro.SeqKind[int, int]).Seq),
		"Seq2":      last((*coro.SeqKind[int, int]).Seq2),
		"AwaitCall": last(coro.AwaitCall[int]),
		"SpawnCall": last(coro.SpawnCall[int, int, int]),
		"All":       last(coro.All[int, int, int, int]),
		"Any":       last(coro.Any[int, int, int, int]),
		"Race":      last(coro.Race[int, int, int, int]),
	}
	launches, loops := []string{"RunAsync", "Start"}, []string{"Seq", "Seq2"}
	children, joins := []string{"AwaitCall", "SpawnCall"}, []string{"All", "Any", "Race"}
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, tt := range []struct {
		name   string
		option any
		takes  []string
	}{
		{"Allocator", coro.Allocator, join(launches, loops, children, joins)},
		{"Context", coro.Context, join(launches, loops, children, joins)},
		{"Timeout", coro.Timeout, join(children, joins)},
		{"Deadline", coro.Deadline, join(children, joins)},
		{"Shield", coro.Shield, join(children, joins)},
		{"Limit", coro.Limit, joins},
		{"OnError", coro.OnError, join([]string{"RunAsync"}, loops)},
		{"OnResult", coro.OnResult[int], []string{"RunAsync"}},
		{"RootFrameSize", coro.RootFrameSize, join(launches, loops)},
		{"Counted", coro.Counted, join(launches, loops)},
		{"Profiled", coro.Profiled, join(launches, loops)},
	} {
		var takes []string
		for name, want := range calls {
			if reflect.TypeOf(tt.option).Out(0).AssignableTo(want) {
				takes = append(takes, name)
			}
		}
		require.ElementsMatch(t, tt.takes, takes, tt.name)
	}
}

func TestNilOption(t *testing.T) {
	const want = "coro: an option is nil: leave it out, or make it with one of this package's functions"
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })
	ex := newInline(t)
	require.PanicsWithValue(t, want, func() { _ = coro.RunAsync(ex, nil)(k.With(1)) })
	require.PanicsWithValue(t, want, func() { _, _ = coro.Start(ex, k.With(1), nil) })
	parent := coro.Define("parent", func(f *coro.Frame[int, int]) coro.Step {
		return coro.AwaitCall(f, 1, k.With(1), nil, coro.Shield(), nil)
	})
	_, err := coro.Run(context.Background(), ex, parent.With(1))
	requireMisuse(t, err, want)
}

// Options that say nothing are none, and of two that say something the last one holds.
func TestOptionsTogether(t *testing.T) {
	var first, second, third []error
	var noContext context.Context
	fails := coro.Define("fails", func(f *coro.Frame[int, int]) coro.Step { return f.Fail(errLeaf) })
	ex := newInline(t)
	require.NoError(t, coro.RunAsync(ex,
		coro.OnError(func(err error) { first = append(first, err) }),
		coro.OnError(func(err error) { second = append(second, err) }),
		coro.OnError(nil), coro.Context(noContext), coro.Allocator(nil), coro.OnResult[int](nil), coro.RootFrameSize(0),
	)(fails.With(1)))
	require.Empty(t, first)
	require.Equal(t, []error{errLeaf}, second)

	waits := coro.Define("waits", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return new(coro.Event).Wait(f, 1)
		}
		third = append(third, f.Err())
		return f.Fail(f.Err())
	})
	parent := coro.Define("parent", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, waits.With(1), nil, coro.Timeout(time.Hour), coro.Timeout(0), coro.Deadline(time.Time{}))
		}
		return f.Return(1)
	})
	_, err := coro.Run(context.Background(), ex, parent.With(1))
	require.NoError(t, err)
	require.Equal(t, []error{context.DeadlineExceeded}, third)
}
