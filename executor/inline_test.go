package executor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// none is the state or the result of tasks that have none.
type none = struct{}

var errTask = errors.New("the task failed")

// closer is what the executors of this package have in common.
type closer interface {
	coro.Executor
	Arena() *arena.Arena
	Close() error
}

var (
	_ closer = (*executor.Inline)(nil)
	_ closer = (*executor.Pool)(nil)
)

// newArena returns an arena that must have no live frame when the test ends.
func newArena(t testing.TB, opts ...arena.Option) *arena.Arena {
	a, err := arena.New(opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

// scaled returns n, or a tenth of it for runs that are slow or shall be short.
func scaled(n int) int {
	if testing.Short() || race.Enabled {
		return n / 10
	}
	return n
}

// echo returns its state.
var echo = coro.Define("echo", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })

// failing fails with errTask.
var failing = coro.Define("failing", func(f *coro.Frame[none, int]) coro.Step { return f.Fail(errTask) })

// counting awaits an echo and yields as often as its state says; it returns how
// often that was.
var counting = coro.Define("counting", func(f *coro.Frame[struct{ left, done, result int }, int]) coro.Step {
	s := &f.State
	if err := f.Err(); err != nil {
		return f.Fail(err)
	}
	switch f.At() {
	case 0:
		if s.left == 0 {
			return f.Return(s.done)
		}
		s.left--
		return coro.Await(f, 1, echo, s.done+1, &s.result)
	default:
		s.done = s.result
		return coro.Yield(f, 0)
	}
})

func countTo(n int) coro.Call[int] {
	return counting.With(struct{ left, done, result int }{left: n})
}

func TestInlineRunsBeforePostReturns(t *testing.T) {
	ex := executor.NewInline()
	ran := 0
	k := coro.Define("nested", func(f *coro.Frame[int, none]) coro.Step {
		ran++
		if f.State > 0 {
			for range 2 {
				if err := coro.Go(ex, f.Kind(), f.State-1); err != nil {
					return f.Fail(err)
				}
			}
			if f.At() == 0 {
				f.State = 0
				return coro.Yield(f, 1)
			}
		}
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(ex, k, 9))
	const tasks, yields = 1<<10 - 1, 1<<9 - 1
	require.Equal(t, tasks+yields, ran)
	require.Zero(t, ex.Arena().Stats().Total.Live)
	require.NoError(t, ex.Close())
}

// A post never runs a task inside of the step that makes it.
func TestInlineDoesNotNestSteps(t *testing.T) {
	ex := executor.NewInline()
	var order []string
	child := coro.Define("child", func(f *coro.Frame[none, none]) coro.Step {
		order = append(order, "child")
		return f.Return(none{})
	})
	parent := coro.Define("parent", func(f *coro.Frame[none, none]) coro.Step {
		order = append(order, "parent begins")
		if err := errors.Join(coro.Go(ex, child, none{}), coro.RunAsync(ex)(child.With(none{}))); err != nil {
			return f.Fail(err)
		}
		order = append(order, "parent ends")
		return f.Return(none{})
	})
	_, err := coro.Run(context.Background(), ex, parent.With(none{}))
	require.NoError(t, err)
	require.Equal(t, []string{"parent begins", "parent ends", "child", "child"}, order)
	require.NoError(t, ex.Close())
}

// What others post while a goroutine runs tasks is left to that goroutine.
func TestInlineTakesPostsOfOtherGoroutines(t *testing.T) {
	ex := executor.NewInline()
	posted, rest := make(chan error), make(chan none)
	ran := 0 // not atomic: all tasks run on this goroutine
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		ran++
		return f.Return(none{})
	})
	busy := coro.Define("busy", func(f *coro.Frame[none, none]) coro.Step {
		go func() {
			posted <- coro.Go(ex, k, none{})
			_, err := coro.Run(context.Background(), ex, k.With(none{}))
			posted <- err
			close(rest)
		}()
		if err := <-posted; err != nil { // Post has returned to the other
			return f.Fail(err)
		}
		return f.Return(none{})
	})
	_, err := coro.Run(context.Background(), ex, busy.With(none{}))
	require.NoError(t, err)
	require.NoError(t, <-posted)
	<-rest
	require.Equal(t, 2, ran)
	require.NoError(t, ex.Close())
}

func TestInlineFromManyGoroutines(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			ex := executor.NewInline(executor.WithErrorHandler(func(error) {}))
			inside := 0 // not atomic: one goroutine at a time, one after the other
			var most atomic.Int64
			k := coro.Define("alone", func(f *coro.Frame[int, int]) coro.Step {
				inside++
				most.Store(max(most.Load(), int64(inside)))
				inside--
				if f.State--; f.State > 0 {
					return coro.Yield(f, 0)
				}
				return f.Return(42)
			})
			var wg sync.WaitGroup
			for range 3*procs + 5 {
				wg.Go(func() {
					for range scaled(500) {
						got, err := coro.Run(context.Background(), ex, k.With(3))
						if got != 42 || err != nil {
							t.Errorf("got %d, %v", got, err)
						}
						if err := errors.Join(coro.Go(ex, k, 2), coro.Go(ex, failing, none{})); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			require.Equal(t, int64(1), most.Load())
			require.Zero(t, ex.Arena().Stats().Total.Live)
			require.NoError(t, ex.Close())
		}()
	}
}

// A panic in an error handler goes through Post and leaves other tasks in the
// queue: they run with the next post, or end with Close.
func TestInlineAfterAPanicInTheHandler(t *testing.T) {
	var handled []error
	a := newArena(t)
	ex := executor.NewInline(executor.WithArena(a), executor.WithErrorHandler(func(err error) {
		handled = append(handled, err)
		if err == errTask {
			panic("the handler panics")
		}
	}))
	ran := 0
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		ran++
		return f.Return(none{})
	})
	launcher := coro.Define("launcher", func(f *coro.Frame[none, none]) coro.Step {
		err := errors.Join(
			coro.Go(ex, k, none{}),
			coro.Go(ex, failing, none{}),
			coro.Go(ex, k, none{}),
			coro.RunAsync(ex, coro.Allocator(a))(k.With(none{})),
		)
		if err != nil {
			return f.Fail(err)
		}
		return f.Return(none{})
	})
	launch := func() { _ = coro.Go(ex, launcher, none{}) }
	require.PanicsWithValue(t, "the handler panics", launch)
	require.Equal(t, 1, ran)
	_, err := coro.Run(context.Background(), ex, echo.With(1))
	require.NoError(t, err)
	require.Equal(t, 3, ran)

	require.PanicsWithValue(t, "the handler panics", launch)
	require.Equal(t, 4, ran)
	require.NotZero(t, a.Stats().Total.Live)
	handled = nil
	require.NoError(t, ex.Close())
	require.Equal(t, 4, ran)
	require.Equal(t, []error{executor.ErrClosed, executor.ErrClosed}, handled)
	require.Zero(t, a.Stats().Total.Live)
}
