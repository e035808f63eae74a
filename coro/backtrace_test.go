package coro_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// lineAbove returns the position of the line above the call.
func lineAbove() (file string, line int) {
	_, file, line, _ = runtime.Caller(1)
	return file, line - 1
}

func TestBacktrace(t *testing.T) {
	type state = [80]byte
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step { explode("boom"); return f.Return(none{}) })
	file, leafLine := lineAbove()
	require.Equal(t, "backtrace_test.go", filepath.Base(file))
	passes := func(f *coro.Frame[state, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, none{}, nil)
		}
		return f.Fail(f.Err())
	}
	middle := coro.Define("middle", passes)
	_, middleLine := lineAbove()
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, middle, state{}, nil)
		}
		return f.Fail(f.Err())
	})
	rootLine := 0
	for k := range coro.Kinds() {
		if k.Name == "root" && k.File == file {
			rootLine = k.Line
		}
	}
	require.Greater(t, rootLine, middleLine)

	ex := newInline(t)
	pool := newPool(t)
	for _, tt := range []struct {
		name string
		ex   coro.Executor
		opts []coro.LaunchOption
	}{
		{"cache", ex, nil},
		{"custom allocator", ex, []coro.LaunchOption{coro.Allocator(new(arena.Heap))}},
		{"pool", pool, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errs := make(chan error, 1)
			opts := append(slices.Clone(tt.opts), coro.OnError(func(err error) { errs <- err }))
			require.NoError(t, coro.RunAsync(tt.ex, opts...)(root.With(none{})))
			err := <-errs
			requirePanic(t, err, "boom")
			var p *coro.PanicError
			require.ErrorAs(t, err, &p)
			require.Zero(t, p.Backtrace.Omitted)
			require.Equal(t, []coro.KindInfo{
				{Name: "leaf", File: file, Line: leafLine, FrameSize: leaf.FrameSize()},
				{Name: "middle", File: file, Line: middleLine, FrameSize: middle.FrameSize()},
				{Name: "root", File: file, Line: rootLine, FrameSize: root.FrameSize()},
			}, p.Backtrace.Tasks)
			text := fmt.Sprintf("leaf\n\t%s:%d\nmiddle\n\t%s:%d\nroot\n\t%s:%d\n", file, leafLine, file, middleLine, file, rootLine)
			require.Equal(t, text, p.Backtrace.String())
			require.True(t, strings.HasPrefix(err.Error(), "coro: panic in a step: boom\n\ntasks, the innermost first:\n"+text+"\n"), err.Error())
		})
	}
}

// A child that was made and never begins is not in the chain.
func TestBacktraceLeavesOutAChildThatDoesNotBegin(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		coro.Await(f, 1, leaf, none{}, nil) //framearena:ignore on purpose
		panic("boom")
	})
	_, err := coro.Run(context.Background(), newInline(t), root.With(none{}))
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Equal(t, []coro.KindInfo{root.Info()}, p.Backtrace.Tasks)
}

// However deep a chain is, its backtrace is short.
func TestBacktraceOfADeepChain(t *testing.T) {
	type state struct{ deeper, boom int }
	step := func(f *coro.Frame[state, none]) coro.Step {
		s := f.State
		switch {
		case f.At() == 1:
			return f.Fail(f.Err())
		case s.deeper == s.boom:
			panic("boom")
		}
		return coro.Await(f, 1, f.Kind(), state{s.deeper + 1, s.boom}, nil)
	}
	var kinds [2]*coro.Kind[state, none]
	alternating := func(f *coro.Frame[state, none]) coro.Step {
		s := f.State
		switch {
		case f.At() == 1:
			return f.Fail(f.Err())
		case s.deeper == s.boom:
			panic("boom")
		}
		return coro.Await(f, 1, kinds[(s.deeper+1)%2], state{s.deeper + 1, s.boom}, nil)
	}
	kinds[0], kinds[1] = coro.Define("even", alternating), coro.Define("odd", alternating)
	same := coro.Define("same", step)
	ex := newInline(t)
	deepest := 1_000_000
	if testing.Short() {
		deepest = 30_000
	}
	for _, depth := range []int{1, 2, 31, 32, 33, 39, 40, 41, 42, 47, 48, 49, 1000, deepest} {
		for _, root := range []*coro.Kind[state, none]{same, kinds[0]} {
			if depth == deepest && root != same {
				continue
			}
			_, err := coro.Run(context.Background(), ex, root.With(state{0, depth - 1}))
			var p *coro.PanicError
			require.ErrorAs(t, err, &p)
			b := p.Backtrace
			require.Equal(t, depth, len(b.Tasks)+b.Omitted)
			require.Len(t, b.Tasks, min(depth, 40))
			lines := 2 * len(b.Tasks)
			if depth > 40 {
				lines++
				require.Contains(t, b.String(), fmt.Sprintf("\n... %d more tasks ...\n", depth-40))
				before, _, _ := strings.Cut(b.String(), "...")
				require.Equal(t, 2*32, strings.Count(before, "\n"))
			} else {
				require.NotContains(t, b.String(), "more tasks")
			}
			require.Equal(t, lines, strings.Count(b.String(), "\n"))
			for i, k := range b.Tasks {
				nth := depth - 1 - i // from the root
				if i >= 32 {
					nth = len(b.Tasks) - 1 - i
				}
				want := same.Info()
				if root != same {
					want = kinds[nth%2].Info()
				}
				require.Equal(t, want, k, "task %d from the root", nth)
			}
		}
	}
	require.Zero(t, liveIn(ex.Arena()))
}

func TestKinds(t *testing.T) {
	before := len(slices.Collect(coro.Kinds()))
	small := coro.Define("small", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	file, line := lineAbove()
	big := coro.Define("small", func(f *coro.Frame[[1000]byte, none]) coro.Step { return f.Return(none{}) })
	all := slices.Collect(coro.Kinds())
	require.Len(t, all, before+2)
	require.Equal(t, []coro.KindInfo{
		{Name: "small", File: file, Line: line, FrameSize: small.FrameSize()},
		{Name: "small", File: file, Line: line + 2, FrameSize: big.FrameSize()},
	}, all[before:])
	require.Equal(t, fmt.Sprintf("small (backtrace_test.go:%d)", line), small.Info().String())

	names := map[string]bool{}
	for k := range coro.Kinds() {
		names[k.Name] = true
		if k.Name == "exploding" {
			require.Equal(t, "panics_test.go", filepath.Base(k.File))
			break
		}
	}
	require.True(t, names["chain loop"], "package-level kinds are there, in order")
	require.False(t, names["small"], "the loop ended early")
}

func defineTwice[T any](state T) *coro.Kind[T, none] {
	return coro.Define("of two types", func(f *coro.Frame[T, none]) coro.Step { return f.Return(none{}) })
}

// Instances of a generic function share a name and a position, and so do kinds
// made by calling a function again, also from package-level variables.
var _, _ = defineTwice(int32(0)), defineTwice([4]int32{})

func TestKindsOfOneName(t *testing.T) {
	var sizes []uintptr
	for k := range coro.Kinds() {
		if k.Name == "of two types" {
			sizes = append(sizes, k.FrameSize)
			require.Equal(t, "backtrace_test.go", filepath.Base(k.File))
		}
	}
	require.GreaterOrEqual(t, len(sizes), 2)
	require.NotPanics(t, func() { defineTwice(int64(0)) })
	require.NotPanics(t, func() {
		coro.Define("exploding", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	})
}

func ExampleBacktrace() {
	type state struct{ byte int }
	parse := coro.Define("parse", func(f *coro.Frame[state, int]) coro.Step {
		return f.Return(10 / f.State.byte)
	})
	session := coro.Define("session", func(f *coro.Frame[state, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, parse, state{0}, nil)
		}
		return f.Fail(f.Err())
	})
	ex := executor.NewInline()
	defer ex.Close()
	_, err := coro.Run(context.Background(), ex, session.With(state{}))
	if p, ok := err.(*coro.PanicError); ok {
		fmt.Println(p.Value)
		for _, k := range p.Backtrace.Tasks {
			fmt.Println("in", k.Name)
		}
	}

	// Output:
	// runtime error: integer divide by zero
	// in parse
	// in session
}

func ExampleKinds() {
	for k := range coro.Kinds() {
		if k.Name == "chain loop" {
			fmt.Println(k.Name, "defined in", filepath.Base(k.File))
		}
	}

	// Output:
	// chain loop defined in chain.go
}
