package coro_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

type closable interface {
	coro.Executor
	Close() error
}

// sleepStep sleeps for d and returns for how long.
func sleepStep[S any](d func(*S) time.Duration, began func(*S) *int64) func(*coro.Frame[S, time.Duration]) coro.Step {
	return func(f *coro.Frame[S, time.Duration]) coro.Step {
		s := &f.State
		switch {
		case f.At() == 0:
			*began(s) = time.Now().UnixNano()
			return coro.Sleep(f, 1, d(s))
		case f.Err() != nil:
			return f.Fail(f.Err())
		}
		return f.Return(time.Duration(time.Now().UnixNano() - *began(s)))
	}
}

type sleepState[T any] struct {
	d     time.Duration
	began int64
	_     T
}

func sleepKind[T any](name string, opts ...coro.KindOption) *coro.Kind[sleepState[T], time.Duration] {
	return coro.Define(name, sleepStep(
		func(s *sleepState[T]) time.Duration { return s.d },
		func(s *sleepState[T]) *int64 { return &s.began }), opts...)
}

// Their timers have room for links and list, for links only, or are apart.
var (
	sleepWithRoom = sleepKind[[0]byte]("sleep, room for all")
	sleepNarrow   = sleepKind[[32]byte]("sleep, room for a timer")
	sleepApart    = sleepKind[[64]byte]("sleep, no room")
)

// sleepCalls are tasks that sleep, whose timers lie in different places.
func sleepCalls(d time.Duration) map[string]coro.Call[time.Duration] {
	return map[string]coro.Call[time.Duration]{
		"room for all":     sleepWithRoom.With(sleepState[[0]byte]{d: d}),
		"room for a timer": sleepNarrow.With(sleepState[[32]byte]{d: d}),
		"no room":          sleepApart.With(sleepState[[64]byte]{d: d}),
	}
}

// sleepParent awaits a task that sleeps, and that is elided if it fits.
var sleepParent = coro.Define("sleep parent", func(f *coro.Frame[time.Duration, time.Duration]) coro.Step {
	if f.At() == 0 {
		return coro.Await(f, 1, sleepWithRoom, sleepState[[0]byte]{d: f.State}, &f.State)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(f.State)
})

func TestSleep(t *testing.T) {
	for _, d := range []time.Duration{1, time.Millisecond, 300 * time.Millisecond, 100 * time.Hour} {
		for _, name := range []string{"room for all", "room for a timer", "no room"} {
			for _, ctx := range []string{"no context", "a context"} {
				t.Run(fmt.Sprint(d, ", ", name, ", ", ctx), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						for _, ex := range []closable{executor.NewInline(), executor.NewPool()} {
							c := context.Background()
							if ctx == "a context" {
								var cancel context.CancelFunc
								c, cancel = context.WithCancel(c)
								defer cancel()
							}
							slept, err := coro.Run(c, ex, sleepCalls(d)[name])
							require.NoError(t, err)
							require.GreaterOrEqual(t, slept, d)
							require.Less(t, slept, d+time.Millisecond)
							require.NoError(t, ex.Close(), "no frame is live")
						}
					})
				})
			}
		}
	}
}

func TestSleepInElidedFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ex := executor.NewInline()
		for _, size := range []uintptr{0, 192, 208, 224, 256} {
			done := make(chan error, 1)
			require.NoError(t, coro.RunAsync(ex, coro.RootFrameSize(max(size, 1)), coro.OnError(func(err error) { done <- err }))(
				sleepParent.With(time.Second)))
			time.Sleep(2 * time.Second)
			require.Empty(t, done)
			require.Zero(t, ex.Arena().Stats().Total.Live)
		}
		require.NoError(t, ex.Close())
	})
}

func TestSleepOfNothing(t *testing.T) {
	ex := newInline(t)
	for _, d := range []time.Duration{0, -1, -1 << 63} {
		_, err := coro.Run(context.Background(), ex, sleepWithRoom.With(sleepState[[0]byte]{d: d}))
		require.NoError(t, err)
	}
}

func TestSleepForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ex := executor.NewInline()
		ctx, cancel := context.WithTimeout(context.Background(), 1000*time.Hour)
		defer cancel()
		_, err := coro.Run(ctx, ex, sleepWithRoom.With(sleepState[[0]byte]{d: 1<<63 - 1}))
		require.Equal(t, context.DeadlineExceeded, err)
		require.NoError(t, ex.Close())
	})
}

// TestSleepEnds has sleeping tasks woken by their context, and by Close.
func TestSleepEnds(t *testing.T) {
	errCause := errors.New("cause")
	for _, name := range []string{"room for all", "room for a timer", "no room"} {
		for _, by := range []string{"context", "close", "close with a context"} {
			t.Run(name+", "+by, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ex := executor.NewPool()
					ctx, cancel := context.WithCancelCause(context.Background())
					defer cancel(nil)
					run, want := ctx, errCause
					if by != "context" {
						want = executor.ErrClosed
					}
					if by == "close" {
						run = context.Background()
					}
					const n = 100
					errs := make(chan error, n)
					for i := range n {
						go func() {
							_, err := coro.Run(run, ex, sleepCalls(time.Duration(i+1) * time.Hour)[name])
							errs <- err
						}()
					}
					synctest.Wait()
					if by == "context" {
						cancel(errCause)
					} else {
						require.NoError(t, ex.Close(), "no frame is live")
					}
					for range n {
						require.Equal(t, want, <-errs)
					}
					require.NoError(t, ex.Close())
				})
			})
		}
	}
}

func TestSleepWithoutMemory(t *testing.T) {
	a, err := arena.New(arena.WithMaxBytes(2 << 20)) // one slab, of one class
	require.NoError(t, err)
	big := sleepKind[[180]byte]("sleep, a frame of 256 bytes and no room")
	ex := executor.NewInline(executor.WithArena(a))
	_, err = coro.Run(context.Background(), ex, big.With(sleepState[[180]byte]{d: time.Hour}))
	require.ErrorIs(t, err, arena.ErrExhausted)
	require.NoError(t, ex.Close())
	require.NoError(t, a.Close())
}

// timed awaits a task that sleeps for an hour, with options.
func timed(name string, opts ...coro.ChildOption) *coro.Kind[time.Duration, time.Duration] {
	return coro.Define(name, func(f *coro.Frame[time.Duration, time.Duration]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, sleepWithRoom.With(sleepState[[0]byte]{d: time.Hour}), &f.State, opts...)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
}

func TestTimeout(t *testing.T) {
	for _, c := range []struct {
		name string
		kind *coro.Kind[time.Duration, time.Duration]
		want error
		ends time.Duration // when it does
	}{
		{"in time", timed("in time", coro.Timeout(2*time.Hour)), nil, time.Hour},
		{"too late", timed("too late", coro.Timeout(time.Minute)), context.DeadlineExceeded, time.Minute},
		{"at once", timed("at once", coro.Timeout(-1)), context.DeadlineExceeded, 0},
		{"for ever", timed("for ever", coro.Timeout(1<<63-1)), nil, time.Hour},
		{"the earlier one", timed("the earlier one", coro.Timeout(time.Minute), coro.Deadline(time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC))), context.DeadlineExceeded, time.Minute},
		{"long ago", timed("long ago", coro.Deadline(time.Unix(0, 0))), context.DeadlineExceeded, 0},
		{"shielded", timed("shielded", coro.Timeout(time.Minute), coro.Shield()), context.DeadlineExceeded, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ex := executor.NewPool()
				began := time.Now()
				_, err := coro.Run(context.Background(), ex, c.kind.With(0))
				require.Equal(t, c.want, err)
				require.GreaterOrEqual(t, time.Since(began), c.ends)
				require.Less(t, time.Since(began), c.ends+time.Millisecond)
				require.NoError(t, ex.Close(), "no frame is live")
			})
		})
	}
}

// TestTimeoutsNest lets each of several tasks await the next with a timeout, and checks which of
// them get the error of the timeout that ends first.
func TestTimeoutsNest(t *testing.T) {
	const levels = 5
	for first := range levels {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				type level struct{ n int }
				errs := make([]error, levels)
				var nest *coro.Kind[level, none]
				nest = coro.Define("nest", func(f *coro.Frame[level, none]) coro.Step {
					n := f.State.n
					if f.At() == 1 {
						if n > 0 {
							errs[n-1] = f.Err()
						}
						if f.Err() != nil && n-1 != first {
							return f.Fail(f.Err())
						}
						return f.Return(none{})
					}
					if n == levels {
						return coro.Sleep(f, 1, time.Hour)
					}
					timeout := time.Duration(2) * time.Hour
					if n == first {
						timeout = time.Minute
					}
					return coro.AwaitCall(f, 1, nest.With(level{n + 1}), nil, coro.Timeout(timeout))
				})
				ex := executor.NewInline()
				began := time.Now()
				_, err := coro.Run(context.Background(), ex, nest.With(level{}))
				require.Less(t, time.Since(began), time.Hour)
				_ = err
				for i, err := range errs[first:] {
					require.Equal(t, context.DeadlineExceeded, err, i)
				}
				require.NoError(t, ex.Close())
			})
		})
	}
}

// TestScopeContext looks at the context of a task that is awaited with a timeout.
func TestScopeContext(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		ex := executor.NewInline()
		var inner, shielded atomic.Value // of context.Context
		child := coro.Define("child", func(f *coro.Frame[bool, none]) coro.Step {
			if f.At() == 0 {
				if f.State {
					shielded.Store(f.Context())
				} else {
					inner.Store(f.Context())
				}
				return coro.Sleep(f, 1, time.Hour)
			}
			return f.Fail(f.Err())
		})
		parent := coro.Define("parent", func(f *coro.Frame[bool, none]) coro.Step {
			switch {
			case f.At() == 1:
				return f.Return(none{})
			case f.State:
				return coro.AwaitCall(f, 1, child.With(true), nil, coro.Timeout(time.Minute), coro.Shield())
			}
			return coro.AwaitCall(f, 1, child.With(false), nil, coro.Timeout(time.Minute))
		})
		began := time.Now()
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, 7))
		go func() {
			time.Sleep(time.Second)
			require.NoError(t, inner.Load().(context.Context).Err())
			require.Equal(t, 7, inner.Load().(context.Context).Value(key{}))
			deadline, ok := inner.Load().(context.Context).Deadline()
			require.True(t, ok)
			require.WithinDuration(t, began.Add(time.Minute), deadline, time.Millisecond)
		}()
		_, err := coro.Run(ctx, ex, parent.With(false))
		require.NoError(t, err)
		require.Equal(t, context.DeadlineExceeded, inner.Load().(context.Context).Err())

		go func() {
			time.Sleep(time.Second)
			cancel()
			synctest.Wait()
			require.NoError(t, shielded.Load().(context.Context).Err())
			require.Equal(t, 7, shielded.Load().(context.Context).Value(key{}))
		}()
		_, err = coro.Run(ctx, ex, parent.With(true))
		require.NoError(t, err)
		require.Equal(t, context.DeadlineExceeded, shielded.Load().(context.Context).Err())
		require.NoError(t, ex.Close())
	})
}

func TestSleepAllocatesNothing(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random
	}
	ex := newInline(t)
	for _, c := range []struct {
		name string
		call func() coro.Call[time.Duration]
	}{
		{"sleep", func() coro.Call[time.Duration] { return sleepWithRoom.With(sleepState[[0]byte]{d: 1}) }},
		{"sleep, timer apart", func() coro.Call[time.Duration] { return sleepApart.With(sleepState[[64]byte]{d: 1}) }},
		{"timeout", func() coro.Call[time.Duration] { return timeoutOfNothing.With(0) }},
	} {
		ctx := context.Background()
		require.Zero(t, testing.AllocsPerRun(200, func() {
			if _, err := coro.Run(ctx, ex, c.call()); err != nil {
				t.Error(err)
			}
		}), c.name)
	}
}

var timeoutOfNothing = coro.Define("timeout", func(f *coro.Frame[time.Duration, time.Duration]) coro.Step {
	if f.At() == 0 {
		return coro.AwaitCall(f, 1, sleepWithRoom.With(sleepState[[0]byte]{d: 1}), &f.State, coro.Timeout(time.Hour))
	}
	return f.Return(f.State)
})

// TestSleepAgainstEverything has timers fire while contexts end, timeouts end and the
// executor is closed.
func TestSleepAgainstEverything(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for round := range rounds {
		ex := executor.NewPool(executor.WithWorkers(4), executor.WithErrorHandler(func(error) {}))
		var ended atomic.Int64
		var runners sync.WaitGroup
		for i := range 8 {
			runners.Add(1)
			go func() {
				defer runners.Done()
				for j := range 50 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration((i*j)%5)*200*time.Microsecond)
					d := time.Duration((i+j)%7) * 200 * time.Microsecond
					for _, c := range sleepCalls(d) {
						_, err := coro.Run(ctx, ex, c)
						if err == nil {
							ended.Add(1)
						}
					}
					_, _ = coro.Run(ctx, ex, timeoutOf.With(d))
					cancel()
				}
			}()
		}
		time.Sleep(time.Duration(round%7) * time.Millisecond)
		require.NoError(t, ex.Close(), "no frame is live")
		runners.Wait()
	}
}

var timeoutOf = coro.Define("timeout of", func(f *coro.Frame[time.Duration, none]) coro.Step {
	if f.At() == 0 {
		return coro.AwaitCall(f, 1, sleepApart.With(sleepState[[64]byte]{d: f.State}), nil, coro.Timeout(f.State))
	}
	return f.Return(none{})
})
