package coro_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// TestCleanup has a task that holds a lock end in every way that is not its own doing, and
// looks whether it gives the lock back.
func TestCleanup(t *testing.T) {
	errClose := executor.ErrClosed
	for _, c := range []struct {
		name   string
		step   func(f *coro.Frame[none, int], e *coro.Event) coro.Step // with the lock
		clean  func(f *coro.Frame[none, int], e *coro.Event) coro.Step
		closes bool
		want   func(t *testing.T, n int, err error)
	}{
		{
			name: "a panic",
			step: func(*coro.Frame[none, int], *coro.Event) coro.Step { panic("ouch") },
			want: wantPanic("ouch"),
		}, {
			name: "a panic after an await",
			step: func(f *coro.Frame[none, int], _ *coro.Event) coro.Step {
				coro.Await(f, 2, cleanupChild, 1, nil) //framearena:ignore on purpose
				panic("ouch")
			},
			want: wantPanic("ouch"),
		}, {
			name: "Goexit",
			step: func(*coro.Frame[none, int], *coro.Event) coro.Step { runtime.Goexit(); return coro.Step{} },
			want: wantPanic(coro.ErrGoexit),
		}, {
			name: "a panic that is swallowed",
			step: func(*coro.Frame[none, int], *coro.Event) coro.Step { panic("ouch") },
			clean: func(f *coro.Frame[none, int], _ *coro.Event) coro.Step {
				return f.Return(5)
			},
			want: func(t *testing.T, n int, err error) {
				require.NoError(t, err)
				require.Equal(t, 5, n)
			},
		}, {
			name:  "a panic, and another",
			step:  func(*coro.Frame[none, int], *coro.Event) coro.Step { panic("ouch") },
			clean: func(*coro.Frame[none, int], *coro.Event) coro.Step { panic("again") },
			want:  wantPanic("again"),
		}, {
			name:   "closing",
			step:   func(f *coro.Frame[none, int], e *coro.Event) coro.Step { return e.Wait(f, 2) },
			closes: true,
			want:   wantError(errClose),
		}, {
			name:   "closing, and a wait",
			step:   func(f *coro.Frame[none, int], e *coro.Event) coro.Step { return e.Wait(f, 2) },
			clean:  func(f *coro.Frame[none, int], e *coro.Event) coro.Step { return e.Wait(f, 2) },
			closes: true,
			want:   wantError(errClose),
		}, {
			name:   "closing, and an await",
			step:   func(f *coro.Frame[none, int], e *coro.Event) coro.Step { return e.Wait(f, 2) },
			clean:  func(f *coro.Frame[none, int], _ *coro.Event) coro.Step { return coro.Await(f, 2, cleanupChild, 1, nil) },
			closes: true,
			want:   wantError(errClose),
		}, {
			name:   "closing, and a panic",
			step:   func(f *coro.Frame[none, int], e *coro.Event) coro.Step { return e.Wait(f, 2) },
			clean:  func(*coro.Frame[none, int], *coro.Event) coro.Step { panic("ouch") },
			closes: true,
			want:   wantPanic("ouch"),
		}, {
			name:   "closing, and Goexit",
			step:   func(f *coro.Frame[none, int], e *coro.Event) coro.Step { return e.Wait(f, 2) },
			clean:  func(*coro.Frame[none, int], *coro.Event) coro.Step { runtime.Goexit(); return coro.Step{} },
			closes: true,
			want:   wantPanic(coro.ErrGoexit),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ex := executor.NewPool(executor.WithWorkers(1))
			var mutex coro.Mutex
			var never coro.Event
			cleaned := 0
			holder := coro.Define("holder", func(f *coro.Frame[none, int]) coro.Step {
				switch f.At() {
				case 0:
					return mutex.Lock(f, 1)
				case 1:
					return c.step(f, &never)
				case coro.Cleanup:
					cleaned++
					mutex.Unlock()
					if c.clean != nil {
						return c.clean(f, &never)
					}
					return f.Fail(f.Err())
				default:
					return f.BadResume()
				}
			}, coro.HasCleanup())
			parent := coro.Define("parent", func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 0 {
					return coro.Await(f, 1, holder, none{}, &f.State)
				}
				if f.Err() != nil {
					return f.Fail(f.Err())
				}
				return f.Return(f.State)
			})
			type outcome struct {
				n   int
				err error
			}
			done := make(chan outcome)
			go func() {
				n, err := coro.Run(context.Background(), ex, parent.With(0))
				done <- outcome{n, err}
			}()
			if c.closes {
				for mutex.TryLock() { // until the holder has it
					mutex.Unlock()
					runtime.Gosched()
				}
				require.NoError(t, ex.Close())
			}
			o := <-done
			c.want(t, o.n, o.err)
			require.Equal(t, 1, cleaned)
			require.True(t, mutex.TryLock())
			require.NoError(t, ex.Close(), "no frame is live")
		})
	}
}

func wantPanic(value any) func(*testing.T, int, error) {
	return func(t *testing.T, _ int, err error) {
		var p *coro.PanicError
		require.ErrorAs(t, err, &p)
		require.Equal(t, value, p.Value)
	}
}

func wantError(want error) func(*testing.T, int, error) {
	return func(t *testing.T, _ int, err error) { require.ErrorIs(t, err, want) }
}

// TestCleanupOfALoop leaves a loop over a generator whose child waits for the next value.
func TestCleanupOfALoop(t *testing.T) {
	var told []error
	inner := coro.DefineSeq("inner", func(f *coro.SeqFrame[int, int]) coro.Step {
		if f.At() == coro.Cleanup {
			told = append(told, f.Err())
			return f.Return()
		}
		f.State++
		return coro.YieldValue(f, 0, f.State)
	}, coro.HasCleanup())
	outer := coro.DefineSeq("outer", func(f *coro.SeqFrame[none, int]) coro.Step {
		if f.At() == coro.Cleanup {
			told = append(told, errors.New("outer"))
			return f.Return()
		}
		return coro.YieldFrom(f, 1, inner, 0)
	}, coro.HasCleanup())
	for v := range outer.Seq(none{}) {
		if v == 3 {
			break
		}
	}
	require.Equal(t, []error{coro.ErrLoopEnded, errors.New("outer")}, told)
}

var cleanupChild = coro.Define("cleanup child", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })

// A task is given a lock, and its executor is closed before the task resumes.
func TestCleanupOfWhatWasJustGiven(t *testing.T) {
	for _, ends := range []bool{false, true} {
		ex := newManual(t, func(error) {})
		var mutex coro.Mutex
		var told []error
		k := coro.Define("handed", func(f *coro.Frame[bool, none]) coro.Step {
			switch f.At() {
			case 0:
				return mutex.Lock(f, 1)
			case 1:
				require.NoError(t, f.Err())
				f.State = true
				if ends {
					mutex.Unlock()
					return f.Return(none{})
				}
				return coro.Yield(f, 2) //framearena:ignore on purpose
			case coro.Cleanup:
				told = append(told, f.Err())
				if f.State {
					mutex.Unlock()
				}
				return f.Fail(f.Err())
			default:
				return f.BadResume()
			}
		}, coro.HasCleanup())
		require.True(t, mutex.TryLock())
		require.NoError(t, coro.Go(ex, k, false))
		ex.runAll()
		mutex.Unlock() // to the task, which is queued now
		require.False(t, mutex.TryLock())
		task, ok := ex.pop()
		require.True(t, ok)
		ex.worker.Cancel(task, errCause)
		require.True(t, mutex.TryLock())
		if ends {
			require.Empty(t, told)
		} else {
			require.Equal(t, []error{errCause}, told)
		}
	}
}
