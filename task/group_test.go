package task_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
	"github.com/framearena/framearena/task/generated"
)

// nap sleeps; napStart and napStep are what the compiler makes of it.
func nap(t *task.T, d time.Duration) error { return t.Sleep(d) }

var napKind *generated.Kind

func init() {
	napKind = generated.Define("nap", "group_test.go", 19, 8, generated.Result[struct{}](), napStep)
	generated.Bind(nap, napStart, func(d time.Duration) coro.Call[struct{}] {
		c := generated.NewCall[struct{}](napKind)
		*generated.CallState[uint64](c) = uint64(d)
		return c
	})
}

func napStart(t *task.T, d time.Duration) error {
	err := t.Sleep(d)
	if generated.Suspended(t) {
		generated.Spill(t, napKind, 1)
		return nil
	}
	return err
}

func napStep(f *generated.Frame) generated.Step {
	t := generated.Resume(f)
	switch f.At() {
	case 0:
		t.Sleep(time.Duration(*generated.At[uint64](f)))
		return generated.Wait(f, t, 1)
	default:
		return generated.Return(f, struct{}{}, generated.Err(f))
	}
}

// groupOf is a task function with a Group: use begins the children.
var groupOfKind *generated.Kind

type groupOfHeld struct {
	use func(t *task.T, g *task.Group)
}

func groupOf(t *task.T, use func(t *task.T, g *task.Group)) error {
	var g task.Group
	use(t, &g)
	return g.Wait(t)
}

func init() {
	groupOfKind = generated.DefineHeld("groupOf", "group_test.go", 57, 0, generated.Result[struct{}](), groupOfStep)
	generated.Bind(groupOf, groupOf, func(use func(t *task.T, g *task.Group)) coro.Call[struct{}] {
		c := generated.NewCall[struct{}](groupOfKind)
		*generated.CallHeld[groupOfHeld](c) = groupOfHeld{use}
		return c
	})
}

func groupOfStep(f *generated.Frame, h *groupOfHeld) generated.Step {
	t := generated.Resume(f)
	switch f.At() {
	case 0:
		var g task.Group
		h.use(t, &g)
		err := g.Wait(t)
		if generated.Suspended(t) {
			return generated.Wait(f, t, 1)
		}
		return generated.Return(f, struct{}{}, err)
	default:
		return generated.Return(f, struct{}{}, generated.Err(f))
	}
}

func sleeper(d time.Duration, err error) func(*task.T) error {
	return generated.Literal(func(t *task.T) error {
		if e := napStart(t, d); e != nil || generated.Suspended(t) {
			return e
		}
		return err
	})
}

func TestGroup(t *testing.T) {
	errFirst := errors.New("first")
	failing := func(err error) func(*task.T) error {
		return generated.Literal(func(*task.T) error { return err })
	}
	for _, tt := range []struct {
		name string
		use  func(t *task.T, g *task.Group)
		err  error
	}{
		{"no children", func(*task.T, *task.Group) {}, nil},
		{"children that do not wait", func(t *task.T, g *task.Group) {
			g.Go(t, failing(nil))
			g.Go(t, failing(nil))
		}, nil},
		{"an error", func(t *task.T, g *task.Group) {
			g.Go(t, failing(nil))
			g.Go(t, failing(errFirst))
		}, errFirst},
		{"children that wait", func(t *task.T, g *task.Group) {
			for range 10 {
				g.Go(t, sleeper(time.Millisecond, nil))
			}
		}, nil},
		{"an error cancels those that wait", func(t *task.T, g *task.Group) {
			g.SetPolicy(task.FirstError)
			g.Go(t, sleeper(time.Hour, nil))
			g.Go(t, failing(errFirst))
			g.Go(t, sleeper(time.Hour, nil))
		}, errFirst},
		{"a success cancels those that wait", func(t *task.T, g *task.Group) {
			g.SetPolicy(task.FirstSuccess)
			g.Go(t, sleeper(time.Hour, nil))
			g.Go(t, failing(errFirst))
			g.Go(t, sleeper(time.Millisecond, nil))
		}, nil},
		{"a function that is not compiled", func(t *task.T, g *task.Group) {
			g.Go(t, func(t *task.T) error {
				if err := t.Sleep(time.Millisecond); err != nil {
					return err
				}
				return errFirst
			})
		}, errFirst},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, ex := range map[string]interface {
				coro.Executor
				Close() error
			}{"inline": executor.NewInline(), "pool": executor.NewPool()} {
				t.Run(name, func(t *testing.T) {
					_, err := task.Run(context.Background(), ex, task.Do1(groupOf, tt.use))
					require.Equal(t, tt.err, err)
					require.NoError(t, ex.Close())
				})
			}
			t.Run("goroutines", func(t *testing.T) {
				ex := executor.NewPool()
				defer ex.Close()
				_, err := task.Run(context.Background(), ex, task.Do0(func(t *task.T) error { return groupOf(t, tt.use) }))
				require.Equal(t, tt.err, err)
			})
		})
	}
}

// A function that panics before it has waited leaves its children: they end after their tree's root, in
// what the launch has given to the tree.
func TestGroupIsLeftByAPanic(t *testing.T) {
	ex := executor.NewPool()
	other := executor.NewPool()
	frames := arena.NewCounting(ex.Arena())
	begin := func(t *task.T, g *task.Group) {
		for range 2 {
			g.Go(t, generated.Literal(func(t *task.T) error { return napStart(t, 10*time.Millisecond) }))
		}
		panic("before Wait")
	}
	inTimeout := func(t *task.T, g *task.Group) {
		task.Timeout(t, time.Hour, generated.Literal(func(t *task.T) error {
			return task.Shield(t, generated.Literal(func(t *task.T) error { begin(t, g); return nil }))
		}))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := func(h task.Handle[task.None], err error) error {
		require.NoError(t, err)
		_, err = h.WaitContext(context.Background())
		return err
	}
	launches := map[string]func(use func(*task.T, *task.Group)) error{
		"Run": func(use func(*task.T, *task.Group)) error {
			_, err := task.Run(context.Background(), ex, task.Do1(groupOf, use), task.Allocator(frames))
			return err
		},
		"Start": func(use func(*task.T, *task.Group)) error {
			return ended(task.Start(ex, task.Do1(groupOf, use), task.Allocator(frames)))
		},
		"Start with a context": func(use func(*task.T, *task.Group)) error {
			return ended(task.Start(ex, task.Do1(groupOf, use), task.Allocator(frames), task.Context(ctx)))
		},
		"OnExecutor": func(use func(*task.T, *task.Group)) error {
			_, err := task.Run(context.Background(), other, task.Do1(groupOf, func(t *task.T, _ *task.Group) {
				task.OnExecutor(t, ex, generated.Literal(func(t *task.T) error { return groupOf(t, use) }))
			}))
			return err
		},
	}
	for name, launch := range launches {
		t.Run(name, func(t *testing.T) {
			for i := range 20 {
				use := begin
				if i%2 == 0 {
					use = inTimeout
				}
				var p *coro.PanicError
				require.ErrorAs(t, launch(use), &p)
				require.Equal(t, "before Wait", p.Value)
				runtime.GC()
			}
		})
	}
	require.NoError(t, other.Close())
	require.NoError(t, ex.Drain(context.Background()))
	require.Zero(t, frames.Stats().Bytes)
	require.NoError(t, ex.Close())
}

// A child in place that calls Goexit ends its parent too, and the children that wait go on.
func TestGroupGoexitInPlace(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(1))
	slept := false
	_, err := task.Run(context.Background(), ex, task.Do1(groupOf, func(t *task.T, g *task.Group) {
		g.Go(t, generated.Literal(func(t *task.T) error {
			slept = true
			return napStart(t, time.Millisecond)
		}))
		g.Go(t, generated.Literal(func(t *task.T) error { runtime.Goexit(); return nil }))
		panic("went on")
	}))
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Equal(t, coro.ErrGoexit, p.Value)
	require.True(t, slept)
	require.NoError(t, ex.Drain(context.Background()))
	require.NoError(t, ex.Close())
}

// fewFrames has so many frames, and no more.
type fewFrames struct {
	next arena.FrameAllocator
	left atomic.Int64
}

func (f *fewFrames) Allocate(size uintptr) unsafe.Pointer {
	if f.left.Add(-1) < 0 {
		return nil
	}
	return f.next.Allocate(size)
}

func (f *fewFrames) Deallocate(p unsafe.Pointer, size uintptr) { f.next.Deallocate(p, size) }

// Wherever memory runs out, a group ends with the error, and no frame is left.
func TestGroupWithoutMemory(t *testing.T) {
	for _, tt := range []struct {
		name string
		use  func(t *task.T, g *task.Group)
	}{
		{"children", func(t *task.T, g *task.Group) {
			g.Go(t, sleeper(time.Millisecond, nil))
			g.Go(t, sleeper(time.Millisecond, nil))
		}},
		{"with a policy", func(t *task.T, g *task.Group) {
			g.SetPolicy(task.FirstError)
			g.Go(t, sleeper(time.Millisecond, nil))
			g.Go(t, sleeper(2*time.Millisecond, nil))
		}},
		{"with a timeout", func(t *task.T, g *task.Group) {
			g.Go(t, generated.Literal(func(t *task.T) error {
				return task.Timeout(t, time.Hour, sleeper(time.Millisecond, nil))
			}))
		}},
	} {
		for frames := range 6 {
			t.Run(fmt.Sprint(tt.name, " ", frames), func(t *testing.T) {
				ex := executor.NewPool(executor.WithWorkers(1))
				few := &fewFrames{next: ex.Arena()}
				few.left.Store(int64(frames))
				_, err := task.Run(context.Background(), ex, task.Do1(groupOf, tt.use), task.Allocator(few))
				if few.left.Load() < 0 {
					require.ErrorIs(t, err, arena.ErrExhausted)
				}
				require.NoError(t, ex.Drain(context.Background()))
				require.NoError(t, ex.Close())
			})
		}
	}
}

// A group that cannot wait for its children cancels them, if its policy may do that.
func TestGroupThatCannotWait(t *testing.T) {
	for frames := range 8 {
		t.Run(fmt.Sprint(frames), func(t *testing.T) {
			ex := executor.NewPool(executor.WithWorkers(1))
			few := &fewFrames{next: ex.Arena()}
			few.left.Store(int64(frames))
			use := func(t *task.T, g *task.Group) {
				g.SetPolicy(task.FirstError)
				g.Go(t, sleeper(time.Hour, nil))
			}
			h, err := task.Start(ex, task.Do1(groupOf, use), task.Allocator(few))
			if err == nil {
				time.AfterFunc(50*time.Millisecond, func() {
					if few.left.Load() >= 0 { // the group waits
						h.Cancel(nil)
					}
				})
				_, err = h.WaitContext(context.Background())
			}
			require.Error(t, err)
			require.NoError(t, ex.Drain(context.Background()))
			require.NoError(t, ex.Close())
		})
	}
}
