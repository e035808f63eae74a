package coro_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/slab"
)

// treasure is something on the Go heap that a test watches.
type treasure struct {
	self *treasure
	_    [256]byte
}

type chest struct{ treasure *treasure }

// watched makes held parts, and finds which of the values that they refer to are not collected.
type watched struct{ all []weak.Pointer[treasure] }

func (w *watched) chest() chest {
	v := new(treasure)
	v.self = v
	w.all = append(w.all, weak.Make(v))
	return chest{v}
}

// retained collects and returns how many treasures are still there, of how many.
func (w *watched) retained() (n, all int) {
	runtime.GC()
	for _, p := range w.all {
		if p.Value() != nil {
			n++
		}
	}
	return n, len(w.all)
}

func (w *watched) requireRetained(t *testing.T, want int) {
	t.Helper()
	n, all := w.retained()
	require.Equal(t, want, n, "retained, of %d", all)
	require.NotZero(t, all)
}

// A fate is how a miser ends.
type fate int

const (
	fateReturns fate = iota
	fateFails
	fatePanics
	fatePanicsWithAChild
	fateAwaitsTwice
	fateAwaitsAndReturns
	fateReturnsTheZeroStep
	fateMisplacesTheResult
	fateYields // for ever
)

var fates = [fateYields]string{
	"returns", "fails", "panics", "panics with a child that has not begun", "awaits twice",
	"awaits, then returns", "returns the zero Step", "misplaces the result",
}

// A miser is a task that ends in one of these ways with something in its held part.
type miser struct {
	deeper int // children below
	how    fate
}

func newMisers(w *watched) *coro.HeldKind[miser, chest, *treasure] {
	return coro.DefineHeld("miser", func(f *coro.Frame[miser, *treasure], held *chest) coro.Step {
		s := &f.State
		if held.treasure.self != held.treasure {
			panic("lost")
		}
		if f.At() == 1 {
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(held.treasure)
		}
		k := coro.HeldKindOf(f, held)
		if s.deeper > 0 {
			return coro.AwaitHeld(f, 1, k, miser{s.deeper - 1, s.how}, w.chest(), &held.treasure)
		}
		switch s.how {
		case fateReturns:
			return f.Return(held.treasure)
		case fateFails:
			return f.Fail(errLeaf)
		case fatePanics:
			panic(errLeaf)
		case fatePanicsWithAChild:
			coro.AwaitHeld(f, 1, k, miser{}, w.chest(), &held.treasure) //framearena:ignore on purpose
			panic(errLeaf)
		case fateAwaitsTwice:
			coro.AwaitHeld(f, 1, k, miser{}, w.chest(), &held.treasure) //framearena:ignore on purpose
			return coro.AwaitHeld(f, 1, k, miser{}, w.chest(), &held.treasure)
		case fateAwaitsAndReturns:
			coro.AwaitHeld(f, 1, k, miser{}, w.chest(), &held.treasure) //framearena:ignore on purpose
			return f.Return(nil)
		case fateReturnsTheZeroStep:
			return coro.Step{}
		case fateMisplacesTheResult:
			var r *treasure
			return coro.AwaitHeld(f, 1, k, miser{}, w.chest(), &r) //framearena:ignore on purpose
		default:
			return coro.Yield(f, 0)
		}
	})
}

func TestNothingHeldIsRetained(t *testing.T) {
	for how := range fateYields {
		for _, deeper := range []int{0, 3} {
			t.Run(fmt.Sprint(fates[how], ", below ", deeper), func(t *testing.T) {
				w := new(watched)
				k := newMisers(w)
				ex := newInline(t, executor.WithErrorHandler(func(error) {}))
				launches := []func() error{
					func() error { return coro.GoHeld(ex, k, miser{deeper, how}, w.chest()) },
					func() error { return coro.RunAsync(ex)(k.With(miser{deeper, how}, w.chest())) },
					func() error {
						return coro.RunAsync(ex, coro.Allocator(ex.Arena()))(k.With(miser{deeper, how}, w.chest()))
					},
					func() error {
						_, _ = coro.Run(context.Background(), ex, k.With(miser{deeper, how}, w.chest()))
						return nil
					},
				}
				for _, launch := range launches {
					require.NoError(t, launch())
					w.requireRetained(t, 0)
				}
				require.NoError(t, ex.Close())
				requireAllFree(t, k)
			})
		}
	}
}

// What is held is there as long as the task, and no longer, also if it is cancelled.
func TestNothingHeldIsRetainedByCancelledTasks(t *testing.T) {
	t.Run("one by one", func(t *testing.T) {
		w := new(watched)
		k := newMisers(w)
		ex := newStepwise(t, func(error) {})
		const tasks, generations = 10, 4
		for range tasks {
			require.NoError(t, coro.GoHeld(ex, k, miser{generations - 1, fateYields}, w.chest()))
		}
		w.requireRetained(t, tasks)
		for range tasks {
			ex.runOne()
		}
		w.requireRetained(t, tasks*generations)
		for left := tasks - 1; left >= 0; left-- {
			task, ok := ex.queue.Pop()
			require.True(t, ok)
			ex.worker.Cancel(task, errLeaf)
			w.requireRetained(t, left*generations)
		}
		ex.worker.Publish()
		requireAllFree(t, k)
	})
	t.Run("a yield that is refused", func(t *testing.T) {
		w := new(watched)
		k := newMisers(w)
		ex := newStepwise(t, func(error) {})
		require.NoError(t, coro.GoHeld(ex, k, miser{3, fateYields}, w.chest()))
		ex.refuse = errLeaf
		ex.runAll()
		w.requireRetained(t, 0)
		ex.worker.Publish()
		requireAllFree(t, k)
	})
	t.Run("by a pool that closes", func(t *testing.T) {
		w := new(watched)
		k := coro.DefineHeld("yields", func(f *coro.Frame[int, none], held *chest) coro.Step { return coro.Yield(f, 0) })
		pool := executor.NewPool(executor.WithWorkers(2), executor.WithErrorHandler(func(error) {}))
		for range 100 {
			require.NoError(t, coro.GoHeld(pool, k, 0, w.chest()))
		}
		w.requireRetained(t, 100)
		require.NoError(t, pool.Close())
		w.requireRetained(t, 0)
		requireAllFree(t, k)
	})
}

func TestNothingHeldIsRetainedByFailedLaunches(t *testing.T) {
	w := new(watched)
	k := newMisers(w)
	ex := newStepwise(t, func(error) {})
	nothing := newLimited(ex.arena, 0)
	launches := []func() error{
		func() error { return coro.GoHeld(ex, k, miser{}, w.chest()) },
		func() error { return coro.RunAsync(ex)(k.With(miser{}, w.chest())) },
		func() error {
			return coro.RunAsync(ex, coro.Context(context.Background()))(k.With(miser{}, w.chest()))
		},
		func() error {
			_, err := coro.Run(context.Background(), ex, k.With(miser{}, w.chest()))
			return err
		},
	}
	check := func(want error) {
		t.Helper()
		for _, launch := range launches {
			require.ErrorIs(t, launch(), want)
			w.requireRetained(t, 0)
			requireAllFree(t, k)
		}
	}
	ex.refuse = errLeaf
	check(errLeaf)

	err := coro.RunAsync(ex, coro.Allocator(nothing))(k.With(miser{}, w.chest()))
	require.ErrorIs(t, err, arena.ErrExhausted)
	w.requireRetained(t, 0)
	requireAllFree(t, k)

	closed := errors.New("closed")
	ex.env.Close(closed)
	check(closed)
}

func TestNothingHeldIsRetainedWithoutMemory(t *testing.T) {
	oneCache(t)
	w := new(watched)
	k := newMisers(w)
	a := newArena(t, arena.WithMaxBytes(slab.Size))
	ex := executor.NewInline(executor.WithArena(a))
	undo := exhaust(a, k.FrameSize())
	require.ErrorIs(t, coro.GoHeld(ex, k, miser{}, w.chest()), arena.ErrExhausted)
	require.ErrorIs(t, coro.RunAsync(ex)(k.With(miser{}, w.chest())), arena.ErrExhausted)
	w.requireRetained(t, 0)
	undo()
	require.NoError(t, coro.GoHeld(ex, k, miser{}, w.chest()))
	w.requireRetained(t, 0)
	require.NoError(t, ex.Close())
	requireAllFree(t, k)
}

func TestNothingHeldIsRetainedByARefusedChild(t *testing.T) {
	w := new(watched)
	k := newMisers(w)
	ex := newStepwise(t, func(error) {})
	// The root and one child get a frame; the child's child does not.
	var failure error
	allocator := coro.Allocator(newLimited(ex.arena, 2))
	onError := coro.OnError(func(err error) { failure = err })
	require.NoError(t, coro.RunAsync(ex, allocator, onError)(k.With(miser{5, fateReturns}, w.chest())))
	ex.runAll()
	require.True(t, failure == arena.ErrExhausted)
	require.Len(t, w.all, 3)
	w.requireRetained(t, 0)
	ex.worker.Publish()
	requireAllFree(t, k)
}

// A child's held part is cleared before its parent resumes.
func TestTheHeldPartEndsWithTheTask(t *testing.T) {
	w := new(watched)
	child := coro.DefineHeld("child", func(f *coro.Frame[bool, none], held *chest) coro.Step {
		if f.State {
			return f.Fail(errLeaf)
		}
		return f.Return(none{})
	})
	var retained []int
	root := coro.DefineHeld("root", func(f *coro.Frame[none, none], held *chest) coro.Step {
		n, _ := w.retained()
		retained = append(retained, n)
		if f.At() == 2 {
			return f.Return(none{})
		}
		return coro.AwaitHeld(f, f.At()+1, child, f.At() == 1, w.chest(), nil)
	})
	_, err := coro.Run(context.Background(), newInline(t), root.With(none{}, w.chest()))
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 1}, retained)
	w.requireRetained(t, 0)
}

type treasureError struct{ treasure *treasure }

func (e *treasureError) Error() string { return "treasure" }

// An error is the awaiting task's until it waits again: the worker forgets it then.
func TestNoErrorIsRetained(t *testing.T) {
	w := new(watched)
	ex := newStepwise(t, func(error) {})
	child := coro.DefineHeld("child", func(f *coro.Frame[none, none], held *chest) coro.Step {
		return f.Fail(&treasureError{held.treasure})
	})
	root := coro.Define("root", func(f *coro.Frame[bool, none]) coro.Step {
		switch f.At() {
		case 0:
			return coro.AwaitHeld(f, 1, child, none{}, w.chest(), nil)
		case 1:
			f.State = f.Err() != nil
			return coro.Yield(f, 2)
		default:
			if !f.State {
				t.Error("no error")
			}
			return f.Return(none{})
		}
	})
	require.NoError(t, coro.Go(ex, root, false))
	ex.runOne()
	w.requireRetained(t, 0)
	ex.runAll()
}

// Run's result is the caller's alone.
func TestNoResultIsRetained(t *testing.T) {
	w := new(watched)
	k := newMisers(w)
	ex := newInline(t)
	got, err := coro.Run(context.Background(), ex, k.With(miser{2, fateReturns}, w.chest()))
	require.NoError(t, err)
	w.requireRetained(t, 1)
	require.True(t, got.self == got)
	w.requireRetained(t, 0)
}
