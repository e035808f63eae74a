package coro_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// place is where a task's state was, as seen by its step function.
type place struct{ state uintptr }

func placeOf[S any](state *S) place { return place{uintptr(unsafe.Pointer(state))} }

// within reports whether p lies in the n bytes at the frame whose state is at q.
func (p place) within(q place, n uintptr) bool { return p.state-q.state < n }

func TestChildThatFitsIsElided(t *testing.T) {
	// On 64-bit machines: room for more than one child, just for one, for none.
	t.Run("much room", elides[uint64])
	t.Run("just room for one", elides[[2]uint64])
	t.Run("no room", elides[[3]uint64])
	t.Run("a frame that is full", elides[[10]uint64])
	t.Run("a frame of the next class", elides[[11]uint64])
	t.Run("a large frame", elides[[70_000]byte])
}

func inUnits(size uintptr) uintptr { return (size + 15) &^ 15 }

func elides[S any](t *testing.T) {
	var roots, children []place
	child := coro.Define("child", func(f *coro.Frame[uint64, none]) coro.Step {
		children = append(children, placeOf(&f.State))
		return f.Return(none{})
	})
	root := coro.Define("root", func(f *coro.Frame[S, none]) coro.Step {
		if f.At() == 3 {
			return f.Return(none{})
		}
		roots = append(roots, placeOf(&f.State))
		return coro.Await(f, f.At()+1, child, 7, nil)
	})
	elided := false
	if class := bins.ClassOf(root.FrameSize()); class < bins.Classes {
		elided = inUnits(root.FrameSize())+inUnits(child.FrameSize()) <= class.Size()
	}
	a := newArena(t)
	ex := executor.NewInline(executor.WithArena(a))
	defer ex.Close()
	var state S
	_, err := coro.Run(context.Background(), ex, root.With(state))
	require.NoError(t, err)
	require.Len(t, children, 3)
	for i := range children {
		require.Equal(t, elided, children[i].within(roots[i], root.FrameSize()+128))
	}
	want := uint64(0)
	if elided {
		want = 3
	}
	require.Equal(t, want, ex.Elided())
	require.Zero(t, liveIn(a))
}

// level is the state of a chain in which each task awaits the one below, and then
// checks that its state is what it was.
type level struct {
	depth  int
	marks  [3]uint64
	result int
}

func newLevels(deepest int, outcome func() error, opts ...coro.KindOption) *coro.Kind[level, int] {
	return coro.Define("level", func(f *coro.Frame[level, int]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			for i := range s.marks {
				s.marks[i] = uint64(s.depth)<<8 + uint64(i)
			}
			if s.depth == deepest {
				if err := outcome(); err != nil {
					return f.Fail(err)
				}
				return f.Return(1)
			}
			return coro.Await(f, 1, f.Kind(), level{depth: s.depth + 1}, &s.result)
		}
		for i := range s.marks {
			if s.marks[i] != uint64(s.depth)<<8+uint64(i) {
				return f.Fail(fmt.Errorf("the state at depth %d was changed", s.depth))
			}
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(s.result + 1)
	}, opts...)
}

func TestWholeChainInTheRoot(t *testing.T) {
	const deepest = 9
	errDeep := errors.New("deep")
	for name, outcome := range map[string]func() error{
		"returns": func() error { return nil },
		"fails":   func() error { return errDeep },
		"panics":  func() error { panic(errDeep) },
	} {
		for _, custom := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, custom=%t", name, custom), func(t *testing.T) {
				levels := newLevels(deepest, outcome)
				chain := make([]interface{ FrameSize() uintptr }, deepest+1)
				for i := range chain {
					chain[i] = levels
				}
				size := coro.ChainSize(chain...)
				require.Equal(t, 10*inUnits(levels.FrameSize()), size)

				var got error
				a := newArena(t)
				ex := executor.NewInline(executor.WithArena(a), executor.WithErrorHandler(func(err error) { got = err }))
				r := newRecorder(a)
				opts := []coro.LaunchOption{coro.RootFrameSize(size)}
				if custom {
					opts = append(opts, coro.Allocator(r))
				}
				for range 3 { // the second time over what the first left behind
					got = nil
					require.NoError(t, coro.RunAsync(ex, opts...)(levels.With(level{})))
					if name == "returns" {
						require.NoError(t, got)
					} else {
						require.ErrorIs(t, got, errDeep)
					}
				}
				require.EqualValues(t, 3*deepest, ex.Elided())
				if custom {
					r.requireDone(t, size, size, size)
				}
				require.Zero(t, liveIn(a))
				require.NoError(t, ex.Close())
			})
		}
	}
}

func TestNestedElisionUsesWhatIsLeft(t *testing.T) {
	// 128 bytes hold two frames of 56, so every other task of a chain is elided.
	chain := coro.Define("chain", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 1 || f.State == 9 {
			return f.Return(none{})
		}
		return coro.Await(f, 1, f.Kind(), f.State+1, nil)
	})
	ex := newInline(t)
	_, err := coro.Run(context.Background(), ex, chain.With(0))
	require.NoError(t, err)
	if unsafe.Sizeof(uintptr(0)) == 8 {
		require.EqualValues(t, 5, ex.Elided())
	}
}

func TestElidedTaskThatYields(t *testing.T) {
	child := coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
		if f.State--; f.State > 0 {
			return coro.Yield(f, 0)
		}
		return f.Return(42)
	})
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitElided(f, 1, child, 10, &f.State)
		}
		return f.Return(f.State)
	})
	pool := executor.NewPool(executor.WithWorkers(4))
	before := pool.Elided()
	for range 200 {
		got, err := coro.Run(context.Background(), pool, root.With(0))
		require.NoError(t, err)
		require.Equal(t, 42, got)
	}
	require.EqualValues(t, 200, pool.Elided()-before)
	require.NoError(t, pool.Close())
}

func TestCancelElidedTasks(t *testing.T) {
	var errs []error
	ex := newStepwise(t, func(err error) { errs = append(errs, err) })
	child := coro.Define("child", func(f *coro.Frame[int, none]) coro.Step { return coro.Yield(f, 0) })
	root := coro.Define("root", func(f *coro.Frame[int, none]) coro.Step {
		return coro.AwaitElided(f, 1, child, 1, nil)
	})
	for range 3 {
		require.NoError(t, coro.Go(ex, root, 0))
	}
	for range 3 {
		require.True(t, ex.runOne())
	}
	require.Equal(t, 3, liveIn(ex.arena), "one frame each")
	ex.cancelAll(errLeaf)
	require.Equal(t, []error{errLeaf, errLeaf, errLeaf}, errs)
	require.Zero(t, liveIn(ex.arena))
}

func TestAwaitElidedFailsLoudly(t *testing.T) {
	small := coro.Define("small", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	big := coro.Define("big", func(f *coro.Frame[[100]byte, none]) coro.Step { return f.Return(none{}) })
	huge := coro.Define("huge", func(f *coro.Frame[[2 << 20]byte, none]) coro.Step { return f.Return(none{}) })
	alone := coro.Define("alone", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) }, coro.NeverElided())
	awaiting := func(await func(f *coro.Frame[int, none]) coro.Step) error {
		root := coro.Define("root", func(f *coro.Frame[int, none]) coro.Step {
			if f.At() == 1 {
				return f.Return(none{})
			}
			return await(f)
		})
		_, err := coro.Run(context.Background(), newInline(t), root.With(0))
		return err
	}
	require.NoError(t, awaiting(func(f *coro.Frame[int, none]) coro.Step {
		return coro.AwaitElided(f, 1, small, none{}, nil)
	}))
	for _, c := range []struct {
		await func(f *coro.Frame[int, none]) coro.Step
		says  string
	}{
		{func(f *coro.Frame[int, none]) coro.Step { return coro.AwaitElided(f, 1, big, [100]byte{}, nil) },
			`coro: task "big" cannot be elided: its frame takes 160 bytes and task "root" has room for 64 behind its state; give the root a larger frame with RootFrameSize, or use Await`},
		{func(f *coro.Frame[int, none]) coro.Step { return coro.AwaitElided(f, 1, alone, none{}, nil) },
			`coro: task "alone" is never elided: it is defined so, or larger than 1 MiB; use Await`},
		{func(f *coro.Frame[int, none]) coro.Step { return coro.AwaitElided(f, 1, huge, [2 << 20]byte{}, nil) },
			`coro: task "huge" is never elided: it is defined so, or larger than 1 MiB; use Await`},
	} {
		var panicked *coro.PanicError
		require.ErrorAs(t, awaiting(c.await), &panicked)
		if unsafe.Sizeof(uintptr(0)) == 8 {
			require.Equal(t, c.says, panicked.Value)
		}
	}
}

// A chain in one frame gives the allocator nothing to do.
func TestRootFrameSizeIsOneAllocation(t *testing.T) {
	levels := newLevels(3, func() error { return nil })
	ex := newInline(t)
	for _, c := range []struct {
		opts   []coro.LaunchOption
		frames uint64
	}{
		{nil, 4},
		{[]coro.LaunchOption{coro.RootFrameSize(coro.ChainSize(levels, levels))}, 3},
		{[]coro.LaunchOption{coro.RootFrameSize(coro.ChainSize(levels, levels, levels, levels))}, 1},
		{[]coro.LaunchOption{coro.RootFrameSize(1 << 20)}, 1},
		{[]coro.LaunchOption{coro.RootFrameSize(1)}, 4},
	} {
		counting := arena.NewCounting(ex.Arena())
		require.NoError(t, coro.RunAsync(ex, append(c.opts, coro.Allocator(counting))...)(levels.With(level{})))
		s := counting.Stats()
		if unsafe.Sizeof(uintptr(0)) == 8 {
			require.Equal(t, c.frames, s.Allocated)
		}
		require.Equal(t, s.Allocated, s.Deallocated)
		require.Zero(t, s.Bytes)
	}
}

func ExampleRootFrameSize() {
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(2 * f.State) })
	middle := coro.Define("middle", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitElided(f, 1, leaf, f.State, &f.State)
		}
		return f.Return(f.State + 1)
	})
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitElided(f, 1, middle, f.State, &f.State)
		}
		return f.Return(f.State)
	})

	ex := executor.NewInline()
	defer ex.Close()
	frames := arena.NewCounting(ex.Arena())
	launch := coro.RunAsync(ex, coro.Allocator(frames), coro.RootFrameSize(coro.ChainSize(root, middle, leaf)))
	if err := launch(root.With(20)); err != nil {
		fmt.Println(err)
	}
	fmt.Println("frames:", frames.Stats().Allocated, "elided:", ex.Elided())
	// Output: frames: 1 elided: 2
}
