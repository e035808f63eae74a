//framearena:ignore the Steps that are lost here are what is tested

package coro_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/framecheck"
)

// A Step that is made and not returned does nothing, so the program is wrong: a return is missing.
func TestUnreturnedSteps(t *testing.T) {
	const unreturned = `coro: task "root" did not return the Step of a wait, of Yield, or of Fail: write return before such a call`
	const waits = "coro: a wait with a frame whose task is not running, or after a wait or an Await in the same step: use a frame only in its own step function, and return a Step at once"
	type state struct {
		g      coro.Group
		number int
	}
	type frame = coro.Frame[state, int]
	leaf := coro.Define("leaf", func(f *coro.Frame[int, none]) coro.Step { return f.Return(none{}) })
	var event coro.Event
	var mutex coro.Mutex
	var semaphore coro.Semaphore
	channel := coro.NewChan[int](8)
	first := map[string]func(f *frame){
		"Sleep":     func(f *frame) { coro.Sleep(f, 1, time.Nanosecond) },
		"Event":     func(f *frame) { event.Wait(f, 1) },
		"Mutex":     func(f *frame) { mutex.Lock(f, 1) },
		"Semaphore": func(f *frame) { semaphore.Acquire(f, 1, 1) },
		"Send":      func(f *frame) { channel.Send(f, 1, 5) },
		"Recv":      func(f *frame) { channel.Recv(f, 1, &f.State.number) },
		"Select":    func(f *frame) { coro.Select(f, 1, nil, event.WaitCase(), channel.SendCase(5)) },
		"Suspend":   func(f *frame) { coro.Suspend(f, 1, coro.NewWaker()) },
		"Group":     func(f *frame) { f.State.g.Wait(f, 1) },
		"Yield":     func(f *frame) { coro.Yield(f, 1) },
		"Fail":      func(f *frame) { f.Fail(errLeaf) },
	}
	if framecheck.Enabled {
		first["Return"] = func(f *frame) { f.Return(1) }
	}
	then := map[string]func(f *frame) coro.Step{
		"Return":        func(f *frame) coro.Step { return f.Return(1) },
		"Fail":          func(f *frame) coro.Step { return f.Fail(errLeaf) },
		"Yield":         func(f *frame) coro.Step { return coro.Yield(f, 1) },
		"Await":         func(f *frame) coro.Step { return coro.Await(f, 1, leaf, 1, nil) },
		"Sleep":         func(f *frame) coro.Step { return coro.Sleep(f, 1, 1) },
		"the same":      nil,
		"the zero Step": func(f *frame) coro.Step { return coro.Step{} },
		"Spawn and Wait": func(f *frame) coro.Step {
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			return f.State.g.Wait(f, 1)
		},
		"Select": func(f *frame) coro.Step { return coro.Select(f, 1, nil, event.WaitCase()) },
	}
	for name, forgotten := range first {
		for nameThen, returned := range then {
			t.Run(name+", then "+nameThen, func(t *testing.T) {
				ex := newInline(t)
				root := coro.Define("root", func(f *frame) coro.Step {
					if f.At() != 0 {
						return f.Return(2)
					}
					forgotten(f)
					if returned == nil {
						forgotten(f)
						return f.Return(1)
					}
					return returned(f)
				})
				_, err := coro.Run(context.Background(), ex, root.With(state{}))
				want := unreturned
				switch nameThen {
				case "Sleep", "Select", "Spawn and Wait":
					want = waits
				case "the same":
					if name != "Yield" && name != "Fail" && name != "Return" {
						want = waits
					}
				}
				requireMisuse(t, err, want)
				require.Zero(t, liveIn(ex.Arena()))
				require.True(t, mutex.TryLock(), "nothing was done")
				mutex.Unlock()
				require.Zero(t, channel.Len())
			})
		}
	}
}

// A Step may be returned a little later: the state may be used in between.
func TestAStepThatIsReturnedLater(t *testing.T) {
	ex := newInline(t)
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			s := coro.Sleep(f, 1, 1)
			f.State++
			return s
		case 1:
			s := coro.Yield(f, 2)
			f.State += f.At()
			return s
		default:
			s := f.Return(f.State + 1)
			if f.State != 3 || f.Err() != nil {
				t.Error(f.State, f.Err())
			}
			return s
		}
	})
	n, err := coro.Run(context.Background(), ex, root.With(0))
	require.NoError(t, err)
	require.Equal(t, 4, n)
}
