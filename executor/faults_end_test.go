package executor_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// watchedContext counts the functions that are registered with it.
type watchedContext struct {
	context.Context
	registered atomic.Int64
}

// AfterFunc is called by context.AfterFunc.
func (c *watchedContext) AfterFunc(f func()) (stop func() bool) {
	c.registered.Add(1)
	var once sync.Once
	inner := context.AfterFunc(c.Context, func() {
		once.Do(func() { c.registered.Add(-1) })
		f()
	})
	return func() bool {
		stopped := inner()
		if stopped {
			once.Do(func() { c.registered.Add(-1) })
		}
		return stopped
	}
}

// everyStep calls f for each step of the load, until f returns true: the load has ended before
// that step.
func everyStep(t *testing.T, f func(k int64) (over bool)) {
	before := runtime.NumGoroutine()
	k := int64(1)
	for over := false; !over; k += stride(k) {
		over = f(k)
		if t.Failed() {
			t.Fatalf("at step %d", k)
		}
	}
	t.Logf("%d steps", k)
	// Some goroutines of Blocking stay for a while. A leak would have one for each step.
	require.True(t, goroutinesEnd(before+16), "goroutines are left")
}

var errCause = errors.New("cancelled in a step")

// The context of the root is cancelled in each step in turn: then each offload has either its
// result or the cause, all locks and permits are given back, and nobody waits any more.
func TestContextCancelledInEveryStep(t *testing.T) {
	for _, kind := range faulty {
		t.Run(kind.name, func(t *testing.T) {
			ex := kind.make(executor.WithArena(newArena(t)), executor.WithErrorHandler(func(error) {}))
			m := newMixed(t, ex)
			m.allowed = func(err error) bool { return errors.Is(err, errCause) }
			everyStep(t, func(k int64) bool {
				inner, cancel := context.WithCancelCause(context.Background())
				ctx := &watchedContext{Context: inner}
				m.steps.Store(0)
				m.atStep = func(step int64) {
					if step == k {
						cancel(errCause)
					}
				}
				got, err := m.run(ctx)
				m.requireOutcome(fmt.Sprintf("step %d", k), got, err)
				over := inner.Err() == nil
				if over {
					require.Zero(t, got.failed)
				}
				for ex.Environment().Live() > 0 { // what was launched besides
					runtime.Gosched()
				}
				require.Zero(t, ctx.registered.Load(), "step %d: functions are registered with the context", k)
				for task := range ex.Environment().Waiting() {
					t.Errorf("step %d: %v waits", k, task)
				}
				require.True(t, m.sem.TryAcquire(2), "step %d: permits", k)
				m.sem.Release(2)
				require.Zero(t, m.inside.Load(), "step %d: mutex", k)
				cancel(nil)
				return over
			})
			m.atStep = func(int64) {}
			m.requireUsable("at last")
			require.NoError(t, ex.Close())
			m.requireNothingLeft()
		})
	}
}

// refuses waits until launches on ex are refused. A Strand takes tasks in its own turn.
func refuses(ex coro.Executor) {
	if l, ok := ex.(layered); ok {
		ex = l.base
	}
	alone(func() { // what a step launches is its worker's, and taken
		for !errors.Is(coro.Go(ex, echo, 1), executor.ErrClosed) {
			runtime.Gosched()
		}
	})
}

// The executor is closed in each step in turn.
func TestCloseInEveryStep(t *testing.T) {
	for _, kind := range faulty {
		t.Run(kind.name, func(t *testing.T) {
			a := newArena(t)
			open := func() drainer {
				return kind.make(executor.WithArena(a), executor.WithErrorHandler(func(error) {}))
			}
			ex := open()
			m := newMixed(t, ex)
			require.NoError(t, ex.Close())
			m.allowed = func(err error) bool { return errors.Is(err, executor.ErrClosed) }
			everyStep(t, func(k int64) (over bool) {
				ex := open()
				m.use(ex)
				closed := make(chan error, 1)
				m.atStep = func(step int64) {
					if step == k {
						go func() { closed <- ex.Close() }()
						refuses(ex)
					}
				}
				got, err := m.run(context.Background())
				if err != nil {
					require.ErrorIs(t, err, executor.ErrClosed)
				} else {
					m.requireOutcome(fmt.Sprintf("step %d", k), got, err)
				}
				select {
				case err := <-closed:
					require.NoError(t, err)
				default:
					if over = m.steps.Load() < k; !over {
						require.NoError(t, <-closed)
					}
				}
				require.NoError(t, ex.Close())
				m.requireNothingLeft()
				return over
			})
		})
	}
}

// The executor drains from each step in turn: tasks that were launched run on, and only launches
// fail.
func TestDrainInEveryStep(t *testing.T) {
	const launching = 2 // offloads that launch something on an executor
	for _, kind := range faulty {
		t.Run(kind.name, func(t *testing.T) {
			a := newArena(t)
			open := func() drainer {
				return kind.make(executor.WithArena(a), executor.WithErrorHandler(func(error) {}))
			}
			ex := open()
			m := newMixed(t, ex)
			require.NoError(t, ex.Close())
			m.allowed = func(err error) bool { return errors.Is(err, executor.ErrClosed) }
			everyStep(t, func(k int64) (over bool) {
				ex := open()
				m.use(ex)
				drained := make(chan error, 1)
				m.atStep = func(step int64) {
					if step == k {
						go func() { drained <- ex.Drain(context.Background()) }()
						refuses(ex)
					}
				}
				got, err := m.run(context.Background())
				require.NoError(t, err)
				m.requireOutcome(fmt.Sprintf("step %d", k), got, err)
				require.LessOrEqual(t, got.failed, launching, "step %d", k)
				if over = m.steps.Load() < k; over {
					require.Zero(t, got.failed)
				} else {
					require.NoError(t, <-drained)
				}
				require.NoError(t, ex.Close())
				m.requireNothingLeft()
				return over
			})
		})
	}
}
