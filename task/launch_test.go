package task_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
	"github.com/framearena/framearena/task/generated"
)

var errTest = errors.New("test")

func TestCalls(t *testing.T) {
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	run := func(n int, c task.Call[int]) {
		got, err := task.Run(context.Background(), ex, c)
		require.NoError(t, err)
		require.Equal(t, n, got)
	}
	run(0, task.Call0(func(t *task.T) (int, error) { return 0, t.Yield() }))
	run(1, task.Call1(func(t *task.T, a int) (int, error) { return a, t.Yield() }, 1))
	run(3, task.Call2(func(t *task.T, a int, b uint8) (int, error) { return a + int(b), t.Yield() }, 1, 2))
	run(6, task.Call3(func(t *task.T, a, b int, c *int) (int, error) { return a + b + *c, t.Yield() }, 1, 2, new(3)))
	run(10, task.Call4(func(t *task.T, a, b, c, d int) (int, error) { return a + b + c + d, t.Yield() }, 1, 2, 3, 4))

	fail := func(c task.Call[task.None]) {
		_, err := task.Run(context.Background(), ex, c)
		require.ErrorIs(t, err, errTest)
	}
	fail(task.Do0(func(*task.T) error { return errTest }))
	fail(task.Do1(func(_ *task.T, err error) error { return err }, errTest))
	fail(task.Do2(func(_ *task.T, _ int, err error) error { return err }, 1, errTest))
	fail(task.Do3(func(_ *task.T, _, _ int, err error) error { return err }, 1, 2, errTest))
	fail(task.Do4(func(_ *task.T, _, _, _ int, err error) error { return err }, 1, 2, 3, errTest))
}

// A result comes back beside an error, in both modes.
func TestRunReturnsBoth(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		fail := func(*task.T) error { return errTest }
		yield := func(tt *task.T) error { return tt.Yield() }
		n, err := task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(yield, fail)), opts...)
		require.ErrorIs(t, err, errTest)
		require.Equal(t, 1, n)
	})
}

// The form of a compiled function is chosen by the option.
func TestForms(t *testing.T) {
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	inTask := func(opts ...task.Option) (in bool) {
		_, err := task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(func(t *task.T) error {
			in = coro.WorkerNumber() != 0
			return nil
		})), opts...)
		require.NoError(t, err)
		return in
	}
	require.True(t, inTask())
	require.False(t, inTask(task.OnGoroutine()))
	require.True(t, inTask(task.RequireCompiled()))

	_, err := task.Run(context.Background(), ex, task.Do0(notCompiled), task.RequireCompiled())
	require.ErrorIs(t, err, task.ErrNotCompiled)
	require.ErrorContains(t, err, "notCompiled (launch_test.go:")
	require.ErrorIs(t, task.Go(ex, task.Do0(notCompiled), task.RequireCompiled()), task.ErrNotCompiled)
	_, err = task.Start(ex, task.Do0(notCompiled), task.RequireCompiled())
	require.ErrorIs(t, err, task.ErrNotCompiled)

	_, err = task.Run(context.Background(), ex, task.Do0(notCompiled))
	require.NoError(t, err)
	counted := false
	for u := range task.UncompiledFunctions() {
		if u.Function.Name == "notCompiled" {
			counted = true
			require.Positive(t, u.Started)
			require.Zero(t, u.Live)
		}
	}
	require.True(t, counted)
}

func notCompiled(*task.T) error { return nil }

// A function that has a start form alone is launched by that.
func TestStartFormAlone(t *testing.T) {
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	generated.Bind(startFormAlone, startFormAlone, nil) // it is suspended in its last call only
	for _, opts := range modes {
		_, err := task.Run(context.Background(), ex, task.Do1(startFormAlone, 2), opts...)
		require.NoError(t, err)
		h, err := task.Start(ex, task.Do1(startFormAlone, 2), opts...)
		require.NoError(t, err)
		_, err = h.WaitContext(context.Background())
		require.NoError(t, err)
	}
}

func startFormAlone(t *task.T, n int) error {
	if n != 2 {
		return errTest
	}
	return t.Yield()
}

func TestGo(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		failed := make(chan error, 1)
		opts = append(opts, task.OnError(func(err error) { failed <- err }))
		fail := func(*task.T) error { return errTest }
		yield := func(tt *task.T) error { return tt.Yield() }
		require.NoError(t, task.Go(ex, task.Call1(playNone, errorsOf(yield, fail)), opts...))
		require.ErrorIs(t, <-failed, errTest)
	})
}

func TestHandle(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		sleep := func(tt *task.T) error { return tt.Sleep(time.Hour) }
		h, err := task.Start(ex, task.Call1(playNone, errorsOf(sleep)), opts...)
		require.NoError(t, err)

		// A function that waits for it is cancelled alone.
		ctx, cancel := context.WithCancelCause(context.Background())
		waiting := make(chan error)
		var got []int
		wait := func(tt *task.T) (int, error) { return h.Wait(tt) }
		go func() {
			_, err := task.Run(ctx, ex, task.Call1(playInts, collect(&got, wait)), opts...)
			waiting <- err
		}()
		untilWaiting(ex, opts, 2)
		cancel(errTest)
		require.ErrorIs(t, <-waiting, errTest)
		_, err = h.WaitContext(ctx)
		require.ErrorIs(t, err, errTest)

		other := errors.New("other")
		go func() {
			_, err := task.Run(context.Background(), ex, task.Call1(playInts, collect(&got, wait)), opts...)
			waiting <- err
		}()
		untilWaiting(ex, opts, 2)
		h.Cancel(other)
		require.ErrorIs(t, <-waiting, other)
		<-h.Done()
		_, err = h.WaitContext(context.Background())
		require.ErrorIs(t, err, other)

		h, err = task.Start(ex, task.Call1(playNone, errorsOf()), opts...)
		require.NoError(t, err)
		<-h.Done()
		_, err = task.Run(context.Background(), ex, task.Call1(playInts, collect(&got, wait)), opts...)
		require.NoError(t, err)
		require.Equal(t, []int{0}, got)
	})
}

func TestSleepAndYield(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		sleep := func(tt *task.T) error { return tt.Sleep(time.Millisecond) }
		until := func(tt *task.T) error { return tt.SleepUntil(time.Now().Add(time.Millisecond)) }
		past := func(tt *task.T) error { return tt.SleepUntil(time.Now()) }
		yield := func(tt *task.T) error { return tt.Yield() }
		begun := time.Now()
		n, err := task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(sleep, yield, until, past, yield)), opts...)
		require.NoError(t, err)
		require.Equal(t, 5, n)
		require.GreaterOrEqual(t, time.Since(begun), 2*time.Millisecond)

		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errTest)
		for _, call := range []func(*task.T) error{sleep, until, past, yield} {
			_, err = task.Run(ctx, ex, task.Call1(playNone, errorsOf(call)), opts...)
			require.ErrorIs(t, err, errTest)
		}
		_, err = task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(func(tt *task.T) error {
			require.Equal(t, ctx, tt.Context())
			return tt.Err()
		})), append(opts, task.Context(ctx))...)
		require.ErrorIs(t, err, errTest)
	})
}

// A panic is an error of the launch. So is Goexit.
func TestPanics(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		for _, early := range []bool{false, true} {
			calls := func(call func(*task.T) error) *script[task.None] {
				if early {
					return errorsOf(call)
				}
				return errorsOf(func(tt *task.T) error { return tt.Yield() }, call)
			}
			deferred := 0
			s := calls(func(*task.T) error { panic("message") })
			s.after = func() { deferred++ }
			_, err := task.Run(context.Background(), ex, task.Call1(playNone, s), opts...)
			var p *coro.PanicError
			require.ErrorAs(t, err, &p)
			require.Equal(t, "message", p.Value)
			require.Contains(t, string(p.Stack), "TestPanics")
			require.Contains(t, p.Backtrace.String(), "playNone")
			require.Equal(t, 1, deferred)

			if _, inline := ex.(*executor.Inline); inline {
				continue // it would end the goroutine of Run
			}
			s = calls(func(*task.T) error { runtime.Goexit(); return nil })
			s.after = func() { deferred++ }
			_, err = task.Run(context.Background(), ex, task.Call1(playNone, s), opts...)
			require.ErrorAs(t, err, &p)
			require.Equal(t, coro.ErrGoexit, p.Value)
			require.Equal(t, 2, deferred)
		}
	})
}

// The end of the executor ends the functions where they wait. Their deferred calls have run when
// Close returns.
func TestClose(t *testing.T) {
	for name, make := range executors {
		t.Run(name, func(t *testing.T) {
			inModes(t, func(t *testing.T, opts ...task.Option) {
				ex := make()
				deferred := 0
				s := errorsOf(func(tt *task.T) error { return tt.Sleep(time.Hour) }, func(*task.T) error { panic("went on") })
				s.after = func() {
					deferred++
					require.ErrorIs(t, ex.Close(), executor.ErrInStep)
				}
				h, err := task.Start(ex, task.Call1(playNone, s), opts...)
				require.NoError(t, err)
				untilWaiting(ex, opts, 1)
				require.NoError(t, ex.Close())
				require.Equal(t, 1, deferred)
				_, err = h.WaitContext(context.Background())
				require.ErrorIs(t, err, executor.ErrClosed)

				_, err = task.Run(context.Background(), ex, task.Call1(playNone, s), opts...)
				require.ErrorIs(t, err, executor.ErrClosed)
			})
		})
	}
}

// A function that does not wait when its executor is closed ends in its next wait.
func TestCloseOfARunningFunction(t *testing.T) {
	ex := executor.NewPool()
	begun, closing := make(chan struct{}), make(chan struct{})
	deferred := false
	call := task.Do0(func(tt *task.T) error {
		defer func() { deferred = true }()
		close(begun)
		<-closing //framearena:ignore it does not wait, on purpose
		for {
			if err := tt.Yield(); err != nil {
				return err
			}
		}
	})
	h, err := task.Start(ex, call)
	require.NoError(t, err)
	<-begun
	go close(closing)
	require.NoError(t, ex.Close())
	require.True(t, deferred)
	_, err = h.WaitContext(context.Background())
	require.ErrorIs(t, err, executor.ErrClosed)
}

// A function on a goroutine waits by a small task. The end of the executor finds it in the queue, too.
func TestCloseWithAWaitInTheQueue(t *testing.T) {
	ex := executor.NewLoop()
	deferred := false
	h, err := task.Start(ex, task.Do0(func(tt *task.T) error {
		defer func() { deferred = true }()
		return tt.Sleep(time.Hour)
	}))
	require.NoError(t, err)
	require.True(t, ex.RunOne())
	<-ex.Ready() // the small task has been posted
	require.NoError(t, ex.Close())
	require.True(t, deferred)
	_, err = h.WaitContext(context.Background())
	require.ErrorIs(t, err, executor.ErrClosed)
}

// A Drain waits for functions on goroutines, and they wait as before meanwhile.
func TestDrain(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		sleep := func(tt *task.T) error { return tt.Sleep(time.Millisecond) }
		h, err := task.Start(ex, task.Call1(playNone, errorsOf(repeat(5, sleep)...)), opts...)
		require.NoError(t, err)
		require.NoError(t, ex.Drain(context.Background()))
		select {
		case <-h.Done():
		default:
			require.Fail(t, "Drain has not waited")
		}
		_, err = h.WaitContext(context.Background())
		require.NoError(t, err)
		require.ErrorIs(t, task.Go(ex, task.Call1(playNone, errorsOf(sleep)), opts...), executor.ErrClosed)
	})
}
