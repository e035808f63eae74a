package executor_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Close and Drain in a step or a handler return ErrInStep at once, and do nothing.
func TestCloseInAStep(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		var ex drainer
		var calls atomic.Int64
		both := func() {
			if err := ex.Close(); !errors.Is(err, executor.ErrInStep) {
				t.Errorf("Close: %v", err)
			}
			if err := ex.Drain(context.Background()); !errors.Is(err, executor.ErrInStep) {
				t.Errorf("Drain: %v", err)
			}
			calls.Add(1)
		}
		ex = make(executor.WithErrorHandler(func(error) { both() }))
		exits := coro.Define("exits", func(f *coro.Frame[none, none]) coro.Step {
			runtime.Goexit()
			return f.Return(none{})
		})
		k := coro.Define("closes", func(f *coro.Frame[int, int]) coro.Step {
			both()
			switch {
			case f.At() == 0 && f.State == 1: // and again, on the goroutine that takes over
				return coro.Await(f, 1, exits, none{}, nil)
			case f.At() == 1 && !errors.Is(f.Err(), coro.ErrGoexit):
				t.Error(f.Err())
			case f.At() == 0 && f.State == 2:
				return coro.Yield(f, 2)
			case f.At() == 0 && f.State == 3:
				return f.Fail(errTask)
			}
			return f.Return(f.State)
		})
		for state := range 4 {
			done := newSignal()
			go func() { // which may be ended by the task
				defer close(done)
				if err := coro.Go(ex, k, state); err != nil {
					t.Error(err)
				}
				if l := loopOf(ex); l != nil {
					l.RunUntilIdle()
				}
			}()
			<-done
		}
		for calls.Load() < 1+2+2+2 { // not on this goroutine, which a Drain of a Loop may use
			if l := loopOf(ex); l != nil {
				l.RunUntilIdle()
			}
			runtime.Gosched()
		}
		require.NoError(t, ex.Drain(context.Background()))
		require.Equal(t, int64(1+2+2+2), calls.Load())
		require.NoError(t, ex.Close())
	})
}

// loopOf returns the Loop that somebody has to drive for tasks of ex to run, or nil.
func loopOf(ex drainer) *executor.Loop {
	switch ex := ex.(type) {
	case *executor.Loop:
		return ex
	case layered:
		l, _ := ex.base.(*executor.Loop)
		return l
	}
	return nil
}

func newSignal() chan none { return make(chan none) }

// A handler that Close calls must not close either; nor a cleanup.
func TestCloseInAHandlerOfClose(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		var ex drainer
		var handled int
		ex = make(executor.WithErrorHandler(func(err error) {
			handled++
			if err != executor.ErrClosed {
				t.Error(err)
			}
			for _, err := range []error{ex.Close(), ex.Drain(context.Background())} {
				if !errors.Is(err, executor.ErrInStep) {
					t.Error(err)
				}
			}
		}))
		var never coro.Event
		for range 3 {
			require.NoError(t, coro.Go(ex, leafOf(&never), leafState{}))
		}
		require.NoError(t, ex.Close())
		require.Equal(t, 3, handled)
		require.NoError(t, ex.Close(), "it is done")
	})
}

// A step may close other executors, and the function of a Blocking its own.
func TestCloseElsewhere(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		pool := executor.NewPool()
		var never coro.Event
		victim := make(executor.WithErrorHandler(func(error) {}))
		require.NoError(t, coro.Go(victim, leafOf(&never), leafState{}))
		closes := coro.Define("closes", func(f *coro.Frame[none, none]) coro.Step {
			if err := victim.Drain(endedContext()); err != ended {
				t.Error(err)
			}
			if err := victim.Close(); err != nil {
				t.Error(err)
			}
			return f.Return(none{})
		})
		_, err := coro.Run(context.Background(), pool, closes.With(none{}))
		require.NoError(t, err)

		blocks := coro.Define("blocks", func(f *coro.Frame[none, none]) coro.Step {
			return coro.Blocking(f, 1, func() (none, error) { return none{}, pool.Close() }, nil)
		})
		_, err = coro.Run(context.Background(), pool, blocks.With(none{}))
		require.Equal(t, executor.ErrClosed, err)
		require.NoError(t, pool.Close())
	})
}

// Close stops goroutines that run an Inline's or a Loop's tasks, in the middle of a load.
func TestCloseStopsWhoDrives(t *testing.T) {
	for _, name := range []string{"Inline", "Loop"} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t)
			var steps atomic.Int64
			forever := coro.Define("forever", func(f *coro.Frame[int, none]) coro.Step {
				steps.Add(1)
				if f.State == 0 {
					return coro.Yield(f, 0)
				}
				return coro.Await(f, 0, echo, 1, nil) // gives way only if it is asked to
			})
			handler := executor.WithErrorHandler(func(err error) {
				if err != executor.ErrClosed {
					t.Error(err)
				}
			})
			for kind := range 2 {
				var ex drainer
				drive := func() {}
				if name == "Inline" {
					ex = executor.NewInline(executor.WithArena(a), handler)
				} else {
					l := executor.NewLoop(executor.WithArena(a), handler)
					ex = l
					drive = func() {
						if err := l.Run(context.Background()); err != executor.ErrClosed {
							t.Error(err)
						}
						l.RunUntilIdle() // does nothing
					}
				}
				steps.Store(0)
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := coro.Go(ex, forever, kind); err != nil {
						t.Error(err)
					}
					drive()
				})
				for steps.Load() < 100 {
					runtime.Gosched()
				}
				for range 3 {
					wg.Go(func() {
						if err := ex.Close(); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				require.Zero(t, a.Stats().Total.Live)
				require.Zero(t, ex.Environment().Live())
			}
		})
	}
}

// An idle Run returns too.
func TestCloseOfAnIdleLoop(t *testing.T) {
	l := executor.NewLoop()
	done := make(chan error)
	go func() { done <- l.Run(context.Background()) }()
	_, err := coro.Run(context.Background(), l, echo.With(1))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Equal(t, executor.ErrClosed, <-done)
	require.Equal(t, executor.ErrClosed, l.Run(context.Background()))
}

// Without a handler, a panic in a root is printed with the stack of tasks, and the executor runs
// on.
func TestDefaultHandler(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		printed := stderrOf(t, func() {
			ex := make()
			inner := coro.Define("inner task", func(*coro.Frame[none, none]) coro.Step { panic("something is wrong") })
			outer := coro.Define("outer task", func(f *coro.Frame[none, none]) coro.Step {
				if f.At() == 0 {
					return coro.Await(f, 1, inner, none{}, nil)
				}
				return f.Fail(f.Err())
			})
			require.NoError(t, coro.Go(ex, outer, none{}))
			h, err := coro.Start(ex, echo.With(5))
			require.NoError(t, err)
			require.NoError(t, ex.Drain(context.Background()))
			got, err := h.Result()
			require.NoError(t, err)
			require.Equal(t, 5, got)
			require.NoError(t, ex.Close())
		})
		require.Contains(t, printed, "coro: a task failed: coro: panic in a step: something is wrong")
		tasks, stack, _ := strings.Cut(printed, "goroutine ")
		require.Less(t, strings.Index(tasks, "inner task"), strings.Index(tasks, "outer task"))
		require.Contains(t, stack, "in_step_test.go")
	})
}

// stderrOf returns what f writes to standard error.
func stderrOf(t *testing.T, f func()) string {
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	require.NoError(t, err)
	defer file.Close()
	stderr := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = stderr }()
	f()
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return string(text)
}

// cleaner is a kind whose tasks wait for never, and call clean in their cleanup step.
func cleaner(never *coro.Event, clean func()) *coro.Kind[none, none] {
	return coro.Define("cleaner", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == coro.Cleanup {
			clean()
			return f.Fail(f.Err())
		}
		return never.Wait(f, 0)
	}, coro.HasCleanup())
}

// A cleanup step has a goroutine of its own, and the one that waits for it may be that of Close
// or of a worker.
func TestCloseInACleanupStep(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		var ex drainer
		var calls atomic.Int64
		both := func() {
			for _, err := range []error{ex.Close(), ex.Drain(context.Background())} {
				if !errors.Is(err, executor.ErrInStep) {
					t.Error(err)
				}
			}
			if l := loopOf(ex); l != nil && calls.Load() == 1 {
				func() {
					defer func() {
						if recover() == nil {
							t.Error("a cleanup step drives its Loop")
						}
					}()
					l.RunOne()
				}()
			}
			calls.Add(1)
		}
		ex = make(executor.WithErrorHandler(func(error) {}))
		var never coro.Event
		cleans := cleaner(&never, both)

		// Children that are queued because of a limit are cancelled when the group is decided, by
		// the worker that decides it.
		type state struct{ g coro.Group }
		fails := coro.Define("fails", func(f *coro.Frame[none, none]) coro.Step { return f.Fail(errTask) })
		decides := coro.Define("decides", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				return f.Return(none{})
			}
			s.g.SetPolicy(f, coro.FirstError)
			s.g.SetLimit(f, 1)
			coro.Spawn(f, &s.g, fails, none{}, nil)
			coro.Spawn(f, &s.g, cleans, none{}, nil)
			coro.Spawn(f, &s.g, cleans, none{}, nil)
			return s.g.Wait(f, 1)
		})
		require.NoError(t, coro.Go(ex, decides, state{}))
		for calls.Load() < 2 {
			if l := loopOf(ex); l != nil {
				l.RunUntilIdle()
			}
			runtime.Gosched()
		}

		// The others are cancelled by Close: those that wait, and those that are queued.
		for range 3 {
			require.NoError(t, coro.Go(ex, cleans, none{}))
		}
		require.NoError(t, ex.Close())
		require.Equal(t, int64(5), calls.Load())
	})
}

// What a step waits for is not done on its goroutine only: in none of these places may its
// executor be closed.
func TestCloseOfTheExecutorThatWaits(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		var outer drainer
		var calls atomic.Int64
		closeOuter := func() {
			if err := outer.Close(); !errors.Is(err, executor.ErrInStep) {
				t.Error(err)
			}
			calls.Add(1)
		}
		ignore := executor.WithErrorHandler(func(error) {})
		outer = make(ignore)
		run := func(step func()) { // in a step of outer
			k := coro.Define("outer", func(f *coro.Frame[none, none]) coro.Step {
				step()
				return f.Return(none{})
			})
			done := newSignal()
			go func() {
				defer close(done)
				if err := coro.Go(outer, k, none{}); err != nil {
					t.Error(err)
				}
				if l := loopOf(outer); l != nil {
					l.RunUntilIdle()
				}
			}()
			<-done
		}
		var never coro.Event
		run(func() { // a cleanup step of another executor, which the step closes
			inner := executor.NewInline(ignore)
			if err := errors.Join(coro.Go(inner, cleaner(&never, closeOuter), none{}), inner.Close()); err != nil {
				t.Error(err)
			}
		})
		exits := coro.Define("exits", func(f *coro.Frame[none, none]) coro.Step {
			runtime.Goexit()
			return f.Return(none{})
		})
		run(func() { // a step on the goroutine that takes over from the step's
			inner := executor.NewInline(ignore)
			k := coro.Define("inner", func(f *coro.Frame[none, none]) coro.Step {
				if f.At() == 0 {
					return coro.Await(f, 1, exits, none{}, nil)
				}
				closeOuter()
				return f.Return(none{})
			})
			if err := coro.Go(inner, k, none{}); err != nil {
				t.Error(err)
			}
		})
		run(func() { // a handler of another executor, after one that has ended the closer's goroutine
			handled := 0
			inner := executor.NewInline(executor.WithErrorHandler(func(error) {
				if handled++; handled == 1 {
					runtime.Goexit()
				}
				closeOuter()
			}))
			for range 2 {
				if err := coro.Go(inner, leafOf(&never), leafState{}); err != nil {
					t.Error(err)
				}
			}
			_ = inner.Close()
		})
		for calls.Load() < 3 {
			runtime.Gosched()
		}
		require.NoError(t, outer.Close())
	})
}
