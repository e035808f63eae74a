package coro_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// shut closes a manual, as executors do, and cancels what is in its queue.
func (e *manual) shut(err error) {
	e.setRefuse(err)
	e.env.Close(err)
	e.env.CancelWaiting(err)
	for {
		t, ok := e.pop()
		if !ok {
			return
		}
		e.worker.Cancel(t, err)
	}
}

// runOne runs a task, and reports whether there was one.
func (e *manual) runOne() bool {
	e.mu.Lock()
	t, ok := e.queue.Pop()
	e.mu.Unlock()
	if ok {
		e.worker.Run(t)
	}
	return ok
}

// requireHandle checks all that a Handle says.
func requireHandle[R any](t *testing.T, h *coro.Handle[R], state coro.HandleState, result R, err error) {
	t.Helper()
	require.Equal(t, state, h.State())
	got, gotErr := h.Result()
	require.Equal(t, result, got)
	require.True(t, gotErr == err, "%v", gotErr)
	ended, cancelled := context.WithCancelCause(context.Background())
	cancelled(errCause)
	waited, waitedErr := h.Wait(ended)
	select {
	case <-h.Done():
		require.Equal(t, result, waited)
		require.True(t, waitedErr == err)
	default:
		require.True(t, err == coro.ErrRunning)
		require.Zero(t, waited)
		require.True(t, waitedErr == errCause)
	}
}

func TestHandle(t *testing.T) {
	tests := []struct {
		name   string
		end    func(f *coro.Frame[int, int]) coro.Step
		state  coro.HandleState
		result int
		err    error
	}{
		{"returns", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State + 1) }, coro.HandleDone, 8, nil},
		{"fails", func(f *coro.Frame[int, int]) coro.Step { return f.Fail(errLeaf) }, coro.HandleFailed, 0, errLeaf},
	}
	for _, tt := range tests {
		for _, asked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, Done before the end: %t", tt.name, asked), func(t *testing.T) {
				var event coro.Event
				ex := newManual(t, func(error) { t.Error("the handle has the error") })
				h, err := coro.Start(ex, coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
					if f.At() == 0 {
						return event.Wait(f, 1)
					}
					return tt.end(f)
				}).With(7))
				require.NoError(t, err)
				if asked {
					requireHandle(t, h, coro.HandleRunning, 0, coro.ErrRunning)
				}
				require.Equal(t, 1, ex.runAll())
				if asked {
					requireHandle(t, h, coro.HandleRunning, 0, coro.ErrRunning)
				}
				event.Set()
				require.Equal(t, 1, ex.runAll())
				for range 2 {
					requireHandle(t, h, tt.state, tt.result, tt.err)
					h.Cancel(errCause) // late
				}
			})
		}
	}
}

func TestHandleOfAPanic(t *testing.T) {
	h, err := coro.Start(newInline(t), exploding.With(none{}))
	require.NoError(t, err)
	_, err = h.Result()
	require.Equal(t, coro.HandleFailed, h.State())
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
}

// The task has a child left, which fails after the task has returned.
func TestHandleWithoutAResult(t *testing.T) {
	ex := newPool(t)
	type state struct{ group coro.Group }
	fails := coro.Define("fails", func(f *coro.Frame[none, int]) coro.Step {
		if f.At() < 3 {
			return coro.Yield(f, f.At()+1)
		}
		return f.Fail(errLeaf)
	})
	h, err := coro.Start(ex, coro.Define("task", func(f *coro.Frame[state, *int]) coro.Step {
		coro.Spawn(f, &f.State.group, fails, none{}, nil)
		return f.Return(new(int))
	}).With(state{}))
	require.NoError(t, err)
	got, err := h.Wait(context.Background())
	require.True(t, err == errLeaf)
	require.Nil(t, got)
}

func TestHandleStateString(t *testing.T) {
	var all []string
	for s := range coro.HandleFailed + 1 {
		all = append(all, s.String())
	}
	require.Equal(t, []string{"not started", "running", "cancelling", "done", "failed"}, all)
}

// What the errors of Start say, and that nothing is left of it.
func TestStartFails(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	ex := newManual(t, nil)
	h, err := coro.Start(ex, leaf.With(1), coro.Allocator(newLimited(ex.arena, 0)))
	require.ErrorIs(t, err, arena.ErrExhausted)
	require.Nil(t, h)
	ex.setRefuse(errLeaf)
	h, err = coro.Start(ex, leaf.With(1))
	require.True(t, err == errLeaf)
	require.Nil(t, h)
	ex.setRefuse(nil)
	h, err = coro.Start(ex, leaf.With(1))
	require.NoError(t, err)
	ex.shut(errCause)
	requireHandle(t, h, coro.HandleFailed, 0, errCause)
	_, err = coro.Start(ex, leaf.With(1))
	require.True(t, err == errCause)
	pinned := coro.Pinned()
	require.Zero(t, pinned)
}

func TestHandleCancel(t *testing.T) {
	type step = func(f *coro.Frame[int, int]) coro.Step
	var event coro.Event
	tests := []struct {
		name string
		task func(seen *[]error) step
	}{
		{"before it begins", func(seen *[]error) step {
			return func(f *coro.Frame[int, int]) coro.Step {
				*seen = append(*seen, f.Err())
				return f.Fail(f.Err())
			}
		}},
		{"waiting", func(seen *[]error) step {
			return func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 0 {
					return event.Wait(f, 1)
				}
				*seen = append(*seen, f.Err())
				return f.Fail(f.Err())
			}
		}},
		{"a child is waiting", func(seen *[]error) step {
			k := waiting(event.Wait, func(err error) { *seen = append(*seen, err) })
			return func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 0 {
					return coro.Await(f, 1, k, 0, &f.State)
				}
				return f.Fail(f.Err())
			}
		}},
		{"after a Yield", func(seen *[]error) step {
			return func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 0 {
					return coro.Yield(f, 1)
				}
				*seen = append(*seen, f.Err())
				return f.Fail(f.Err())
			}
		}},
		{"about to wait", func(seen *[]error) step {
			return func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 1 {
					*seen = append(*seen, f.Err())
					return f.Fail(f.Err())
				}
				return event.Wait(f, 1)
			}
		}},
	}
	for _, tt := range tests {
		for _, withContext := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, context: %t", tt.name, withContext), func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var opts []coro.StartOption
				if withContext {
					opts = append(opts, coro.Context(ctx))
				}
				var seen []error
				task := tt.task(&seen)
				ex := newStepwise(t, nil)
				var h *coro.Handle[int]
				h, err := coro.Start(ex, coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
					if tt.name == "about to wait" && f.At() == 0 {
						h.Cancel(errCause)
					}
					return task(f)
				}).With(0), opts...)
				require.NoError(t, err)
				if tt.name != "before it begins" {
					ex.runOne()
				}
				if tt.name != "about to wait" {
					requireHandle(t, h, coro.HandleRunning, 0, coro.ErrRunning)
					h.Cancel(errCause)
					requireHandle(t, h, coro.HandleCancelling, 0, coro.ErrRunning)
				}
				h.Cancel(errLeaf) // the first cause it is
				ex.runAll()
				requireHandle(t, h, coro.HandleFailed, 0, errCause)
				require.Equal(t, []error{errCause}, seen)
			})
		}
	}
}

func TestHandleCancelWithoutACause(t *testing.T) {
	var event coro.Event
	h, err := coro.Start(newInline(t), waiting(event.Wait, func(error) {}).With(0))
	require.NoError(t, err)
	h.Cancel(nil)
	requireHandle(t, h, coro.HandleFailed, 0, context.Canceled)
}

// What the task was given before, it has.
func TestHandleCancelComesLate(t *testing.T) {
	var event coro.Event
	ex := newManual(t, nil)
	h, err := coro.Start(ex, waiting(event.Wait, func(error) {}).With(0))
	require.NoError(t, err)
	ex.runAll()
	event.Set()
	h.Cancel(errCause)
	ex.runAll()
	requireHandle(t, h, coro.HandleDone, 9, nil)
}

// The context of the tree ends with the Handle's cause, and has the values of that which
// the tree was given.
func TestHandleContext(t *testing.T) {
	var ctx context.Context
	var event coro.Event
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			ctx = f.Context()
			return event.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	given := context.WithValue(context.Background(), contextKey{}, "value")
	for _, opts := range [][]coro.StartOption{nil, {coro.Context(given)}} {
		h, err := coro.Start(newInline(t), k.With(4), opts...)
		require.NoError(t, err)
		require.NoError(t, ctx.Err())
		if opts != nil {
			require.Equal(t, "value", ctx.Value(contextKey{}))
		}
		h.Cancel(errCause)
		require.ErrorIs(t, ctx.Err(), context.Canceled)
		require.True(t, context.Cause(ctx) == errCause)
		requireHandle(t, h, coro.HandleFailed, 0, errCause)

		h, err = coro.Start(newInline(t), k.With(4), opts...)
		require.NoError(t, err)
		event.Set()
		event.Reset()
		requireHandle(t, h, coro.HandleDone, 4, nil)
		require.Error(t, ctx.Err(), "it ends with the tree")

		// It was cancelled before anybody asked.
		var asked error
		asking := coro.Define("asking", func(f *coro.Frame[int, int]) coro.Step {
			asked = context.Cause(f.Context())
			return f.Return(1)
		})
		ex := newManual(t, nil)
		h, err = coro.Start(ex, asking.With(0), opts...)
		require.NoError(t, err)
		h.Cancel(errCause)
		ex.runAll()
		require.True(t, asked == errCause)
		requireHandle(t, h, coro.HandleDone, 1, nil)
	}
	ended, cancel := context.WithCancelCause(context.Background())
	h, err := coro.Start(newPool(t), k.With(4), coro.Context(ended))
	require.NoError(t, err)
	cancel(errLeaf)
	_, err = h.Wait(context.Background())
	require.True(t, err == errLeaf)
	require.True(t, context.Cause(ctx) == errLeaf)
}

// A scope in the tree of a Handle.
func TestHandleCancelReachesScopes(t *testing.T) {
	for _, shielded := range []bool{false, true} {
		var event coro.Event
		var ctx context.Context
		inner := coro.Define("inner", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() == 0 {
				ctx = f.Context()
				return event.Wait(f, 1)
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(3)
		})
		var opt coro.ChildOption = coro.Context(context.Background())
		if shielded {
			opt = coro.Shield()
		}
		h, err := coro.Start(newInline(t), coro.Define("outer", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() == 0 {
				return coro.AwaitCall(f, 1, inner.With(0), &f.State, opt)
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(f.State)
		}).With(0))
		require.NoError(t, err)
		h.Cancel(errCause)
		if shielded {
			require.NoError(t, ctx.Err())
			event.Set()
			requireHandle(t, h, coro.HandleDone, 3, nil)
			continue
		}
		require.True(t, context.Cause(ctx) == errCause)
		requireHandle(t, h, coro.HandleFailed, 0, errCause)
	}
}

// A Handle that is used late must not reach the tree that has its call now.
func TestHandleOutlivesItsCall(t *testing.T) {
	var event coro.Event
	ex := newInline(t)
	k := waiting(event.Wait, func(error) {})
	var handles []*coro.Handle[int]
	for i := range 100 {
		h, err := coro.Start(ex, k.With(0))
		require.NoError(t, err)
		for _, old := range handles {
			old.Cancel(errLeaf)
		}
		require.Equal(t, coro.HandleRunning, h.State())
		if i%2 == 0 {
			h.Cancel(errCause)
			requireHandle(t, h, coro.HandleFailed, 0, errCause)
		} else {
			event.Set()
			event.Reset()
			requireHandle(t, h, coro.HandleDone, 9, nil)
		}
		handles = append(handles, h)
	}
	for _, h := range handles {
		require.GreaterOrEqual(t, h.State(), coro.HandleDone)
	}
}

// list is a result with Go pointers.
type list struct {
	words []string
	n     *int
}

// awaitingHeld is a task that awaits a Handle.
type awaitingHeld struct {
	handle *coro.Handle[list]
	result list
}

var awaitsList = coro.DefineHeld("awaits a list", func(f *coro.Frame[none, list], held *awaitingHeld) coro.Step {
	if f.At() == 0 {
		return held.handle.Await(f, 1, &held.result)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(held.result)
})

// Many tasks on several executors, and goroutines.
func TestHandleIsAwaitedFromManyPlaces(t *testing.T) {
	for _, fails := range []bool{false, true} {
		var event coro.Event
		makes := coro.Define("makes", func(f *coro.Frame[int, list]) coro.Step {
			if f.At() == 0 {
				return event.Wait(f, 1)
			}
			if fails {
				return f.Fail(errLeaf)
			}
			return f.Return(list{[]string{"a", "b"}, new(int)})
		})
		h, err := coro.Start(newPool(t), makes.With(0))
		require.NoError(t, err)
		executors := []coro.Executor{newPool(t), newInline(t), newPool(t, executor.WithWorkers(1))}
		var wg sync.WaitGroup
		var got [30]list
		var errs [30]error
		for i := range got {
			wg.Go(func() {
				if i%5 == 0 {
					got[i], errs[i] = h.Wait(context.Background())
					return
				}
				got[i], errs[i] = coro.Run(context.Background(), executors[i%3], awaitsList.With(none{}, awaitingHeld{handle: h}))
			})
			if i == 20 {
				event.Set()
			}
		}
		wg.Wait()
		for i, l := range got {
			if fails {
				require.True(t, errs[i] == errLeaf)
				continue
			}
			require.NoError(t, errs[i])
			require.Equal(t, []string{"a", "b"}, l.words)
			require.True(t, l.n == got[0].n)
		}
	}
}

func TestHandleAwaitOfItself(t *testing.T) {
	var h *coro.Handle[int]
	ex := newManual(t, nil)
	h, err := coro.Start(ex, coro.Define("itself", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return h.Await(f, 1, nil)
		}
		return f.Fail(f.Err())
	}).With(0))
	require.NoError(t, err)
	ex.runAll()
	h.Cancel(errCause)
	ex.runAll()
	requireHandle(t, h, coro.HandleFailed, 0, errCause)
}

// The executor of the Handle's task is closed: tasks of other executors that await it resume.
func TestHandleOfAClosedExecutor(t *testing.T) {
	var event coro.Event
	there, here := newManual(t, nil), newManual(t, nil)
	h, err := coro.Start(there, waiting(event.Wait, func(error) {}).With(0))
	require.NoError(t, err)
	there.runAll()
	await := offload(func(f *offloadFrame) coro.Step { return h.Await(f, 1, &f.State) })
	end := start(context.Background(), here, await.With(0))
	// One on the executor itself is cancelled with it.
	var handled error
	require.NoError(t, coro.RunAsync(there, coro.OnError(func(err error) { handled = err }))(await.With(0)))
	there.runAll()
	there.shut(errCause)
	require.True(t, handled == errCause)
	require.Equal(t, 1, here.runAll())
	_, err = end()
	require.True(t, err == errCause)
	requireHandle(t, h, coro.HandleFailed, 0, errCause)
}

func TestHandleMisuse(t *testing.T) {
	var elsewhere int
	leaf := coro.Define("leaf", func(f *coro.Frame[none, int]) coro.Step { return f.Return(1) })
	texts := coro.Define("texts", func(f *coro.Frame[none, string]) coro.Step { return f.Return("text") })
	ex := newInline(t)
	h, err := coro.Start(ex, leaf.With(none{}))
	require.NoError(t, err)
	text, err := coro.Start(ex, texts.With(none{}))
	require.NoError(t, err)
	held := new(string)
	var zero coro.Handle[int]
	tests := []struct {
		name string
		do   func(f *offloadFrame) coro.Step
		want string
	}{
		{"elsewhere", func(f *offloadFrame) coro.Step { return h.Await(f, 1, &elsewhere) }, //framearena:ignore on purpose
			`coro: task "offload": the result of "coro.Handle.Await" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`},
		{"pointers", func(f *offloadFrame) coro.Step { return text.Await(f, 1, held) },
			`coro: task "offload": the result of "coro.Handle.Await" must go to a field of a held part (or to nil), since its result type (string) holds a Go pointer: make the awaiting kind with DefineHeld`},
		{"the zero Handle", func(f *offloadFrame) coro.Step { return zero.Await(f, 1, nil) },
			`coro: the zero Handle has no task: make one with Start`},
		{"twice", func(f *offloadFrame) coro.Step { h.Await(f, 1, nil); return h.Await(f, 1, nil) }, //framearena:ignore on purpose
			`coro: task "offload" awaits twice in one step: return the Step of an Await at once`},
		{"AwaitOn nowhere", func(f *offloadFrame) coro.Step { return coro.AwaitOn(f, 1, nil, leaf.With(none{}), nil) },
			`coro: task "offload": AwaitOn needs an Executor`},
		{"AwaitOn, elsewhere", func(f *offloadFrame) coro.Step { return coro.AwaitOn(f, 1, ex, leaf.With(none{}), &elsewhere) }, //framearena:ignore on purpose
			`coro: task "offload": the result of "coro.AwaitOn" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`},
		{"AwaitOn, the zero Call", func(f *offloadFrame) coro.Step { return coro.AwaitOn(f, 1, ex, coro.Call[int]{}, nil) },
			`coro: the zero Call cannot be launched: make one with With`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := coro.Run(context.Background(), newInline(t), offload(tt.do).With(0))
			requireMisuse(t, err, tt.want)
		})
	}
	require.PanicsWithValue(t, "coro: the zero Handle has no task: make one with Start", func() { zero.Cancel(nil) })
	require.PanicsWithValue(t, "coro: the zero Call cannot be launched: make one with With", func() { coro.Start(ex, coro.Call[int]{}) })
}

// Nothing that a Handle gave, or has, is kept by frames, registries, workers or calls.
func TestHandleRetainsNothing(t *testing.T) {
	ex, other := newInline(t), newInline(t)
	var event coro.Event
	makes := coro.Define("makes", func(f *coro.Frame[none, chest]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		v := new(treasure)
		v.self = v
		return f.Return(chest{v})
	})
	type holds struct {
		handle *coro.Handle[chest]
		got    chest
	}
	awaits := coro.DefineHeld("awaits", func(f *coro.Frame[none, none], held *holds) coro.Step {
		if f.At() == 0 {
			return held.handle.Await(f, 1, &held.got)
		}
		return f.Return(none{})
	})
	onOther := coro.DefineHeld("on other", func(f *coro.Frame[none, none], held *holds) coro.Step {
		if f.At() == 0 {
			return coro.AwaitOn(f, 1, other, makes.With(none{}), &held.got)
		}
		return f.Return(none{})
	})
	var w watched
	var handles []weak.Pointer[coro.Handle[chest]]
	for range 10 {
		h, err := coro.Start(ex, makes.With(none{}))
		require.NoError(t, err)
		for _, on := range []*executor.Inline{ex, other} {
			require.NoError(t, coro.GoHeld(on, awaits, none{}, holds{handle: h}))
			require.NoError(t, coro.GoHeld(on, onOther, none{}, holds{}))
		}
		event.Set()
		event.Reset()
		got, err := h.Result()
		require.NoError(t, err)
		w.all = append(w.all, weak.Make(got.treasure))
		handles = append(handles, weak.Make(h))
	}
	w.requireRetained(t, 0)
	for _, h := range handles {
		require.Nil(t, h.Value())
	}
	require.Zero(t, liveIn(ex.Arena()))
	require.Zero(t, liveIn(other.Arena()))
}

func TestOnResult(t *testing.T) {
	var results []string
	var handled []error
	ex := newInline(t, executor.WithErrorHandler(func(err error) { handled = append(handled, err) }))
	texts := coro.Define("texts", func(f *coro.Frame[int, string]) coro.Step {
		if f.State < 0 {
			return f.Fail(errLeaf)
		}
		return f.Return(fmt.Sprint(f.State))
	})
	held := coro.DefineHeld("held", func(f *coro.Frame[none, string], text *string) coro.Step { return f.Return(*text) })
	launch := coro.RunAsync(ex, coro.OnResult(func(s string) { results = append(results, s) }))
	require.NoError(t, launch(texts.With(1)))
	require.NoError(t, launch(held.With(none{}, "two")))
	require.NoError(t, launch(texts.With(-1)))
	require.Equal(t, []string{"1", "two"}, results)
	require.Equal(t, []error{errLeaf}, handled)

	var own error
	both := coro.RunAsync(ex, coro.OnResult(func(s string) { results = append(results, s) }), coro.OnError(func(err error) { own = err }))
	require.NoError(t, both(texts.With(-1)))
	require.NoError(t, both(texts.With(3)))
	require.True(t, own == errLeaf)
	require.Equal(t, []string{"1", "two", "3"}, results)
	require.Len(t, handled, 1)

	// It says nothing about the next user of the call.
	require.NoError(t, coro.RunAsync(ex)(texts.With(4)))
	require.NoError(t, coro.RunAsync(ex, coro.OnResult[string](nil))(texts.With(5)))
	got, err := coro.Run(context.Background(), ex, texts.With(6))
	require.NoError(t, err)
	require.Equal(t, "6", got)
	require.Len(t, results, 3)

	require.PanicsWithValue(t, `coro: task "texts": its result does not fit OnResult's function, which takes the type int: give it one that takes what the task returns`,
		func() { _ = coro.RunAsync(ex, coro.OnResult(func(int) {}))(texts.With(1)) })

	// What it got is not kept.
	var w watched
	makes := coro.Define("makes", func(f *coro.Frame[none, chest]) coro.Step { return f.Return(w.chest()) })
	for range 5 {
		require.NoError(t, coro.RunAsync(ex, coro.OnResult(func(c chest) {
			if c.treasure.self != c.treasure {
				t.Error("lost")
			}
		}))(makes.With(none{})))
	}
	w.requireRetained(t, 0)
	pinned := coro.Pinned()
	require.Zero(t, pinned)
}

// A launch with a result handler fails: the handler is not called, and later calls reuse the call.
func TestOnResultOfALaunchThatFails(t *testing.T) {
	ex := newManual(t, nil)
	called := 0
	launch := coro.RunAsync(ex, coro.OnResult(func(int) { called++ }))
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	ex.setRefuse(errLeaf)
	require.True(t, launch(leaf.With(1)) == errLeaf)
	ex.setRefuse(nil)
	require.NoError(t, coro.RunAsync(ex)(leaf.With(1)))
	require.NoError(t, launch(leaf.With(1)))
	require.Equal(t, 2, ex.runAll())
	require.Equal(t, 1, called)
	ex.shut(errCause)
	require.True(t, launch(leaf.With(1)) == errCause)
	require.Equal(t, 1, called)
}

// Awaits, cancels, late cancels and Close of either executor, all at once.
func TestHandleStress(t *testing.T) {
	onProcs(func() {
		for round := range scaled(200) {
			handleStress(t, round)
		}
	})
}

func handleStress(t *testing.T, round int) {
	const n = 8
	var event coro.Event
	a, b := newArena(t), newArena(t)
	there := executor.NewPool(executor.WithArena(a), executor.WithWorkers(2))
	here := executor.NewPool(executor.WithArena(b), executor.WithWorkers(2))
	makes := coro.Define("makes", func(f *coro.Frame[int, list]) coro.Step {
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() < 2:
			return coro.Yield(f, f.At()+1)
		case f.At() == 2 && f.State%2 == 0:
			return event.Wait(f, 3)
		}
		return f.Return(list{[]string{"a"}, new(int)})
	})
	allowed := []error{nil, errCause, errLeaf, executor.ErrClosed}
	var handles [n]*coro.Handle[list]
	var wg sync.WaitGroup
	for i := range n {
		h, err := coro.Start(there, makes.With(i))
		require.NoError(t, err)
		handles[i] = h
	}
	var awaited atomic.Int64
	for i, h := range handles {
		for range 2 {
			ctx, cancel := context.WithCancelCause(context.Background())
			wg.Go(func() {
				l, err := coro.Run(ctx, here, awaitsList.With(none{}, awaitingHeld{handle: h}))
				if !slices.Contains(allowed, err) || err == nil && l.words[0] != "a" {
					t.Error(l, err)
				}
				awaited.Add(1)
			})
			wg.Go(func() { cancel(errLeaf) })
		}
		wg.Go(func() {
			l, err := h.Wait(context.Background())
			if !slices.Contains(allowed, err) || err == nil && l.words[0] != "a" {
				t.Error(l, err)
			}
			h.Cancel(errLeaf)
		})
		wg.Go(func() {
			for range round * 3 % 40 {
				runtime.Gosched()
			}
			if i%4 < 2 {
				h.Cancel(errCause)
			}
		})
	}
	wg.Go(event.Set)
	if round%4 == 1 {
		wg.Go(func() { there.Close() })
	}
	if round%4 == 2 {
		wg.Go(func() { here.Close() })
	}
	wg.Wait()
	require.EqualValues(t, 2*n, awaited.Load())
	require.NoError(t, here.Close())
	require.NoError(t, there.Close())
	require.Zero(t, liveIn(a))
	require.Zero(t, liveIn(b))
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
	for _, h := range handles {
		require.GreaterOrEqual(t, h.State(), coro.HandleDone)
	}
}

// Cancels that come when the task is about to end, or has ended and its call is another
// tree's: a cancel reaches no tree other than its own.
func TestHandleCancelAgainstTheNextTree(t *testing.T) {
	ex := newPool(t, executor.WithWorkers(2))
	var event coro.Event
	event.Set()
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0:
			return coro.Yield(f, 1)
		case f.At() == 1:
			return event.Wait(f, 2)
		}
		return f.Return(f.State)
	})
	type cancelled struct {
		handle *coro.Handle[int]
		asked  *atomic.Bool
	}
	late := make(chan cancelled, 3)
	var starters, canceller sync.WaitGroup
	canceller.Go(func() {
		for c := range late {
			c.asked.Store(true)
			c.handle.Cancel(errCause)
		}
	})
	for range 4 {
		starters.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for i := range scaled(3000) {
				c := cancelled{asked: new(atomic.Bool)}
				var err error
				if c.handle, err = coro.Start(ex, k.With(i)); err != nil {
					t.Error(err)
					return
				}
				late <- c
				if got, err := c.handle.Wait(ctx); err == nil && got != i || err != nil && !c.asked.Load() {
					t.Error(got, err)
				}
				// One without a Handle has the same calls.
				if got, err := coro.Run(ctx, ex, k.With(i)); err != nil || got != i {
					t.Error(got, err)
				}
			}
		})
	}
	starters.Wait()
	close(late)
	canceller.Wait()
}

// What handles cost on the Go heap.
func TestHandleAllocations(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random
	}
	var event coro.Event
	ex, other := newInline(t), newInline(t)
	ctx := context.Background()
	failures := 0
	check := func(err error) {
		if err != nil {
			failures++
		}
	}
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	waits := coro.Define("waits", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	var h *coro.Handle[int]
	await := offload(func(f *offloadFrame) coro.Step { return h.Await(f, 1, &f.State) })
	awaitOn := offload(func(f *offloadFrame) coro.Step { return coro.AwaitOn(f, 1, other, leaf.With(1), &f.State) })
	awaitWaiting := offload(func(f *offloadFrame) coro.Step { return coro.AwaitOn(f, 1, other, waits.With(1), &f.State) })
	sum := 0
	run := func(k *coro.Kind[int, int]) func() {
		return func() {
			_, err := coro.Run(ctx, ex, k.With(0))
			check(err)
		}
	}
	add := func(n int) { sum += n }
	runAwait := run(await)
	ended, err := coro.Start(ex, leaf.With(1))
	require.NoError(t, err)
	tests := []struct {
		name string
		run  func()
		want float64
	}{
		{"Start", func() { _, err := coro.Start(ex, leaf.With(1)); check(err) }, 1},
		{"Start, waiting, with options", func() {
			_, err := coro.Start(ex, waits.With(1), coro.RootFrameSize(512), coro.Context(ctx))
			check(err)
			event.Set()
			event.Reset()
		}, 1},
		{"Await, ended before", func() { h = ended; runAwait() }, 0},
		{"Await", func() {
			h, err = coro.Start(ex, waits.With(1))
			check(err)
			for range 5 {
				check(coro.Go(other, await, 0))
			}
			event.Set()
			event.Reset()
		}, 2}, // the Handle, and what it is waited for with
		{"AwaitOn", run(awaitOn), 0},
		{"AwaitOn, waiting there", func() {
			check(coro.Go(ex, awaitWaiting, 0))
			event.Set()
			event.Reset()
		}, 0},
		{"OnResult", func() { check(coro.RunAsync(ex, coro.OnResult(add))(leaf.With(1))) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 200 {
				tt.run()
			}
			require.Equal(t, tt.want, testing.AllocsPerRun(500, tt.run))
			require.Zero(t, liveIn(ex.Arena()))
			require.Zero(t, liveIn(other.Arena()))
		})
	}
	require.Zero(t, failures)
	require.Positive(t, sum)
}
