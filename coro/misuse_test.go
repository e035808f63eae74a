//framearena:ignore these tests misuse frames and Steps on purpose

package coro_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
)

// A step that does what it must not panics; what it made is freed.
func TestMisuseInAStep(t *testing.T) {
	const (
		notItsOwn = `returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once`
		misplaced = `coro: task "root": the result of "leaf" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`
	)
	type state struct{ result, other int }
	type frame = coro.Frame[state, int]

	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	global := new(int)
	tests := []struct {
		name string
		step func(f *frame) coro.Step
		want string
	}{
		{"awaits twice", func(f *frame) coro.Step {
			coro.Await(f, 1, leaf, 1, &f.State.result)
			return coro.Await(f, 1, leaf, 2, &f.State.other)
		}, `coro: task "root" awaits twice in one step: return the Step of an Await at once`},
		{"awaits, then returns", func(f *frame) coro.Step {
			coro.Await(f, 1, leaf, 1, nil)
			return f.Return(1)
		}, `coro: task "root" ` + notItsOwn},
		{"awaits, then fails", func(f *frame) coro.Step {
			coro.Await(f, 1, leaf, 1, nil)
			return f.Fail(errLeaf)
		}, `coro: task "root" ` + notItsOwn},
		{"awaits, then yields", func(f *frame) coro.Step {
			coro.Await(f, 1, leaf, 1, nil)
			return coro.Yield(f, 1)
		}, `coro: task "root" ` + notItsOwn},
		{"awaits, then returns the zero Step", func(f *frame) coro.Step {
			coro.Await(f, 1, leaf, 1, nil)
			return coro.Step{}
		}, `coro: task "root" ` + notItsOwn},
		{"zero Step", func(f *frame) coro.Step {
			return coro.Step{}
		}, `coro: task "root" returned the zero Step: return what Await, Yield, Return or Fail returned`},
		{"result in a variable", func(f *frame) coro.Step {
			var result int
			return coro.Await(f, 1, leaf, 1, &result)
		}, misplaced},
		{"result on the heap", func(f *frame) coro.Step {
			return coro.Await(f, 1, leaf, 1, global)
		}, misplaced},
		{"unknown resume point", func(f *frame) coro.Step {
			switch f.At() {
			case 0:
				return coro.Yield(f, 7)
			default:
				return f.BadResume()
			}
		}, `coro: task "root" has no resume point 7: give its step function a case for each number that it gives to Await or Yield`},
		{"Fail(nil)", func(f *frame) coro.Step {
			return f.Fail(nil)
		}, `coro: Fail(nil): use Return to end a task without an error`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ex := newInline(t)
			root := coro.Define("root", tt.step)
			_, err := coro.Run(context.Background(), ex, root.With(state{}))
			requireMisuse(t, err, tt.want)
			require.Zero(t, liveIn(ex.Arena()))

			r := newRecorder(ex.Arena())
			onError := coro.OnError(func(e error) { err = e })
			require.NoError(t, coro.RunAsync(ex, coro.Allocator(r), onError)(root.With(state{})))
			requireMisuse(t, err, tt.want)
			r.requireDone(t, r.sizes...)
		})
	}
}

func requireMisuse(t *testing.T, err error, message string) {
	t.Helper()
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Equal(t, message, p.Value)
}

func panicNotRunning(method string) string {
	return `coro: ` + method + ` on a frame whose task is not running: use a frame only in its own step function`
}

// checkedOr returns the message of a check of method that only checked mode has. In other builds
// it returns otherwise.
func checkedOr(method, otherwise string) string {
	if framecheck.Enabled {
		return panicNotRunning(method)
	}
	return otherwise
}

// A resume point that is none: where nothing is checked, it comes back as a
// number that the step function does not know.
func TestMisuseOfAResumePoint(t *testing.T) {
	ex := newInline(t)
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, -1)
		}
		return f.BadResume()
	})
	_, err := coro.Run(context.Background(), ex, k.With(0))
	if framecheck.Enabled {
		requireMisuse(t, err, `coro: task "task": resume point -1: use a number from 0 to 2147483647`)
	} else {
		requireMisuse(t, err, `coro: task "task" has no resume point 2147483647: give its step function a case for each number that it gives to Await or Yield`)
	}
}

// A root that knows the frame of another one. Their Return is the same Step, as
// far as the step loop can see.
func TestMisuseOfAnotherRoot(t *testing.T) {
	ex, second := newStepwise(t, nil), newStepwise(t, nil)
	var other *coro.Frame[int, int]
	suspended := coro.Define("suspended", func(f *coro.Frame[int, int]) coro.Step {
		if other = f; f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(1)
	})
	require.NoError(t, coro.Go(ex, suspended, 0))
	require.True(t, ex.runOne())
	uses := []struct {
		method string
		use    func() coro.Step
	}{
		{"Fail", func() coro.Step { return other.Fail(errLeaf) }},
		{"Yield", func() coro.Step { return coro.Yield(other, 2) }},
	}
	if framecheck.Enabled {
		uses = append(uses, []struct {
			method string
			use    func() coro.Step
		}{
			{"Return", func() coro.Step { return other.Return(2) }},
			{"Err", func() coro.Step { return other.Fail(other.Err()) }},
		}...)
	}
	var err error
	for _, u := range uses {
		root := coro.Define("root", func(*coro.Frame[int, int]) coro.Step { return u.use() })
		require.NoError(t, coro.RunAsync(second, coro.OnError(func(e error) { err = e }))(root.With(0)))
		second.runAll()
		requireMisuse(t, err, panicNotRunning(u.method))
	}
	ex.runAll()
}

// A child that knows its parent's frame, which the language cannot prevent.
func TestMisuseOfAnotherFrame(t *testing.T) {
	type state struct{ result, other int }
	var outer *coro.Frame[state, int]
	var outerStep coro.Step
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	const notItsOwn = `coro: task "child" returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once`
	tests := []struct {
		name string
		step func(f *coro.Frame[int, int]) coro.Step
		want string
	}{
		{"returns the parent's Await", func(f *coro.Frame[int, int]) coro.Step {
			return outerStep
		}, notItsOwn},
		{"returns the parent's Return", func(f *coro.Frame[int, int]) coro.Step {
			return outer.Return(1)
		}, checkedOr("Return", notItsOwn)},
		{"returns the parent's Fail", func(f *coro.Frame[int, int]) coro.Step {
			return outer.Fail(errLeaf)
		}, panicNotRunning("Fail")},
		{"returns the parent's Yield", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Yield(outer, 1)
		}, panicNotRunning("Yield")},
		{"awaits and returns the parent's Await", func(f *coro.Frame[int, int]) coro.Step {
			coro.Await(f, 1, leaf, 1, nil)
			return outerStep
		}, notItsOwn},
		{"awaits on the parent's frame", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Await(outer, 1, leaf, 1, &outer.State.result)
		}, `coro: Await on a frame whose task is not running: use a frame only in its own step function`},
		{"awaits, then awaits on the parent's frame", func(f *coro.Frame[int, int]) coro.Step {
			coro.Await(f, 1, leaf, 1, nil)
			return coro.Await(outer, 1, leaf, 1, nil)
		}, `coro: Await on a frame whose task is not running: use a frame only in its own step function`},
		{"has the result go to the parent's state", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Await(f, 1, leaf, 1, &outer.State.other)
		}, `coro: task "child": the result of "leaf" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ex := newInline(t)
			child := coro.Define("child", tt.step)
			var seen error
			root := coro.Define("root", func(f *coro.Frame[state, int]) coro.Step {
				if f.At() == 0 {
					outer = f
					outerStep = coro.Await(f, 1, child, 1, &f.State.result)
					return outerStep
				}
				seen = f.Err()
				return f.Return(f.State.other)
			})
			got, err := coro.Run(context.Background(), ex, root.With(state{other: 42}))
			require.NoError(t, err, "the parent goes on")
			require.Equal(t, 42, got)
			requireMisuse(t, seen, tt.want)
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
}

func TestMisuseOfAFrameThatReturned(t *testing.T) {
	const want = `coro: Await on a frame whose task is not running: use a frame only in its own step function`
	var gone *coro.Frame[int, int]
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
		gone = f
		return f.Return(f.State)
	})
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, 1, nil)
		}
		return coro.Await(gone, 1, leaf, 1, nil)
	})
	run := func(t *testing.T, a *arena.Arena, launch ...coro.LaunchOption) {
		ex := newInline(t, executor.WithArena(a))
		var err error
		launch = append(launch, coro.OnError(func(e error) { err = e }))
		require.NoError(t, coro.RunAsync(ex, launch...)(root.With(0)))
		requireMisuse(t, err, want)

		// Outside of any step.
		require.PanicsWithValue(t, want, func() { coro.Await(gone, 1, leaf, 1, nil) })
		require.Zero(t, liveIn(a))
	}
	// A checked arena leaves nothing of a frame that was freed.
	for name, opts := range map[string][]arena.Option{"plain": nil, "checked": {arena.WithChecks(0)}} {
		t.Run(name, func(t *testing.T) {
			a, err := arena.New(opts...)
			require.NoError(t, err)
			run(t, a)
			run(t, a, coro.Allocator(a))
			require.NoError(t, a.Close())
		})
	}
}

// A frame that has never been given to a worker, or waits in a queue. What the
// panic says is not promised here.
func TestMisuseOfAFrameWithoutWorker(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	require.Panics(t, func() { coro.Await(new(coro.Frame[int, int]), 1, leaf, 1, nil) })

	ex := newStepwise(t, nil)
	var frames []*coro.Frame[int, int]
	root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			frames = append(frames, f)
			return coro.Yield(f, 1)
		}
		return f.Return(1)
	})
	require.NoError(t, coro.Go(ex, root, 0))
	require.NoError(t, coro.Go(ex, root, 0))
	require.True(t, ex.runOne())
	require.True(t, ex.runOne())
	require.Len(t, frames, 2)
	for _, f := range frames { // one before another in the queue, and the last
		require.Panics(t, func() { coro.Await(f, 1, leaf, 1, nil) })
	}
	require.Equal(t, 2, liveIn(ex.arena))
	ex.runAll()
}

// A frame that returned is not used by any method that could tell.
func TestMisuseOfAFrameThatReturnedByMethods(t *testing.T) {
	var gone *coro.Frame[int, int]
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
		gone = f
		return f.Return(f.State)
	})
	ex := newInline(t)
	uses := map[string]func(){
		"Fail":  func() { gone.Fail(errLeaf) },
		"Yield": func() { coro.Yield(gone, 1) },
	}
	if framecheck.Enabled {
		uses["Return"] = func() { gone.Return(1) }
		uses["Err"] = func() { _ = gone.Err() }
	}
	for method, use := range uses {
		root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() == 0 {
				return coro.Await(f, 1, leaf, 1, nil)
			}
			use()
			return f.Return(1)
		})
		_, err := coro.Run(context.Background(), ex, root.With(0))
		requireMisuse(t, err, panicNotRunning(method))
		require.PanicsWithValue(t, panicNotRunning(method), use, "outside of any step")
	}
	require.PanicsWithValue(t, panicNotRunning("Fail"), func() { new(coro.Frame[int, int]).Fail(errLeaf) })
	require.PanicsWithValue(t, panicNotRunning("Yield"), func() { coro.Yield(new(coro.Frame[int, int]), 1) })
}

func TestMisuseOfNil(t *testing.T) {
	ex := newInline(t)
	var k *coro.Kind[int, int]
	require.PanicsWithValue(t, `coro: Go with a nil Kind: make one with Define`, func() { _ = coro.Go(ex, k, 1) })
	require.PanicsWithValue(t, `coro: With on a nil Kind: make one with Define`, func() { k.With(1) })
	require.PanicsWithValue(t, `coro: a nil Launchable cannot be launched: make a Call with With`, func() { _ = coro.RunAsync(ex)(nil) })
}

func TestACallIsGoodForOneLaunch(t *testing.T) {
	const want = `coro: a Call is good for one launch: make another one with With`
	failures := 0
	ex := newInline(t, executor.WithErrorHandler(func(error) { failures++ }))
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		if f.State == 0 {
			return f.Fail(errLeaf)
		}
		return f.Return(f.State)
	})
	launches := []struct {
		name   string
		launch func(coro.Call[int]) error
	}{
		{"RunAsync", func(c coro.Call[int]) error { return coro.RunAsync(ex)(c) }},
		{"RunAsync with options", func(c coro.Call[int]) error { return coro.RunAsync(ex, coro.Allocator(ex.Arena()))(c) }},
		{"Run", func(c coro.Call[int]) error { _, err := coro.Run(context.Background(), ex, c); return err }},
	}
	for _, first := range launches {
		for _, second := range launches {
			t.Run(first.name+", "+second.name, func(t *testing.T) {
				call := k.With(1)
				require.NoError(t, first.launch(call))
				require.PanicsWithValue(t, want, func() { _ = second.launch(call) })

				// The mistake must not show in later calls, which may have the
				// same memory.
				failures = 0
				require.NoError(t, coro.RunAsync(ex)(k.With(0)))
				require.Equal(t, 1, failures)
				for _, l := range launches {
					require.NoError(t, l.launch(k.With(2)))
				}
				got, err := coro.Run(context.Background(), ex, k.With(3))
				require.NoError(t, err)
				require.Equal(t, 3, got)
				require.Zero(t, liveIn(ex.Arena()))
			})
		}
	}
	t.Run("zero", func(t *testing.T) {
		for _, l := range launches {
			require.PanicsWithValue(t, `coro: the zero Call cannot be launched: make one with With`, func() {
				_ = l.launch(coro.Call[int]{})
			})
		}
	})
}
