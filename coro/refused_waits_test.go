package coro_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// spinner is the state of a task that ignores Err.
type spinner struct {
	rounds int
	event  int
}

// refusedText is how the panic of a task that ignores its refused waits begins, and goes on.
const refusedText = `coro: task "ignores" has waited 1000 times in a row and each wait was refused: %v: look at Frame.Err after each wait, and end the task if it is not nil`

// A task that ignores Err and waits again would keep its worker for ever.
func TestATaskThatIgnoresRefusedWaits(t *testing.T) {
	closed := coro.NewChan[int](0)
	closed.Close()
	cancelled, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("the cause")
	cancel(cause)
	var never coro.Event
	var locked coro.Mutex
	require.True(t, locked.TryLock())
	for _, c := range []struct {
		name string
		ctx  context.Context
		wait func(f *coro.Frame[spinner, none]) coro.Step
		err  error
	}{
		{"Event", cancelled, func(f *coro.Frame[spinner, none]) coro.Step { return never.Wait(f, 1) }, cause},
		{"Sleep", cancelled, func(f *coro.Frame[spinner, none]) coro.Step { return coro.Sleep(f, 1, time.Hour) }, cause},
		{"two objects", cancelled, func(f *coro.Frame[spinner, none]) coro.Step {
			if f.State.rounds%2 == 0 {
				return locked.Lock(f, 1)
			}
			return never.Wait(f, 1)
		}, cause},
		{"Select", cancelled, func(f *coro.Frame[spinner, none]) coro.Step {
			return coro.Select(f, 1, &f.State.event, never.WaitCase())
		}, cause},
		{"Chan", context.Background(), func(f *coro.Frame[spinner, none]) coro.Step { return closed.Recv(f, 1, nil) }, coro.ErrChanClosed},
		{"Select with a Chan", context.Background(), func(f *coro.Frame[spinner, none]) coro.Step {
			return coro.Select(f, 1, nil, closed.RecvCase(nil), never.WaitCase())
		}, coro.ErrChanClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			ex := newInline(t)
			rounds := 0
			ignores := coro.Define("ignores", func(f *coro.Frame[spinner, none]) coro.Step {
				if rounds++; rounds > 5000 {
					return f.Return(none{}) // the test fails
				}
				f.State.rounds++
				return c.wait(f)
			})
			_, err := coro.Run(c.ctx, ex, ignores.With(spinner{}))
			var p *coro.PanicError
			require.ErrorAs(t, err, &p)
			require.Equal(t, fmt.Sprintf(refusedText, c.err), p.Value)
			require.Equal(t, 1000, rounds)
		})
	}
}

// A task whose waits are refused, and that makes progress in between, does not panic.
func TestRefusedWaitsWithProgress(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	var never coro.Event
	var free coro.Mutex
	const enough = 2500
	refusedOnce := coro.Define("refused once", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return never.Wait(f, 1)
		}
		if f.State == 0 {
			return f.Return(none{})
		}
		return f.Fail(f.Err())
	})
	fails := coro.Define("fails", func(f *coro.Frame[int, none]) coro.Step { return f.Fail(errLeaf) })
	type state struct {
		g coro.Group
		n int
	}
	type frame = coro.Frame[state, int]
	wait := func(f *frame) coro.Step { return never.Wait(f, 1) }
	// alternate returns a step function that waits, and is refused, in each other step.
	alternate := func(progress func(f *frame) coro.Step) func(f *frame) coro.Step {
		return func(f *frame) coro.Step {
			if f.State.n++; f.State.n == enough {
				return f.Return(f.State.n)
			}
			if f.State.n%2 == 0 {
				return progress(f)
			}
			return wait(f)
		}
	}
	for name, step := range map[string]func(f *frame) coro.Step{
		"a wait succeeds":                    alternate(func(f *frame) coro.Step { free = coro.Mutex{}; return free.Lock(f, 1) }),
		"yields":                             alternate(func(f *frame) coro.Step { return coro.Yield(f, 1) }),
		"a child succeeds":                   alternate(func(f *frame) coro.Step { return coro.Await(f, 1, refusedOnce, 0, nil) }),
		"a child fails without a wait":       alternate(func(f *frame) coro.Step { return coro.Await(f, 1, fails, 0, nil) }),
		"a child fails since it was refused": alternate(func(f *frame) coro.Step { return coro.Await(f, 1, refusedOnce, 1, nil) }),
		"children only": func(f *frame) coro.Step {
			if f.State.n++; f.State.n == enough {
				return f.Return(f.State.n)
			}
			return coro.Await(f, 1, refusedOnce, f.State.n%2, nil)
		},
		"spawned children": func(f *frame) coro.Step {
			if f.At() == 1 {
				return f.Return(f.State.n)
			}
			for f.State.n < enough {
				coro.Spawn(f, &f.State.g, refusedOnce, 0, nil)
				f.State.n++
			}
			return f.State.g.Wait(f, 1)
		},
		"spawned children that fail": alternate(func(f *frame) coro.Step {
			coro.Spawn(f, &f.State.g, refusedOnce, 1, nil)
			return f.State.g.Wait(f, 1)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			ex := newInline(t)
			n, err := coro.Run(cancelled, ex, coro.Define("makes progress", step).With(state{}))
			require.NoError(t, err)
			require.Equal(t, enough, n)
		})
	}
}
