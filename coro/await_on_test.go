package coro_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// on returns a kind of tasks that run a call on another executor.
func on(ex coro.Executor, call func() coro.Call[int]) *coro.Kind[int, int] {
	return offload(func(f *offloadFrame) coro.Step { return coro.AwaitOn(f, 1, ex, call(), &f.State) })
}

func TestAwaitOn(t *testing.T) {
	tests := []struct {
		name  string
		end   func(f *coro.Frame[int, int]) coro.Step
		check func(t *testing.T, got int, err error)
	}{
		{"returns", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State + 1) },
			func(t *testing.T, got int, err error) { require.NoError(t, err); require.Equal(t, 5, got) }},
		{"fails", func(f *coro.Frame[int, int]) coro.Step { return f.Fail(errLeaf) },
			func(t *testing.T, _ int, err error) { require.True(t, err == errLeaf) }},
		{"panics", func(*coro.Frame[int, int]) coro.Step { panic(errLeaf) },
			func(t *testing.T, _ int, err error) { requirePanicOf(t, err, errLeaf) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			here, there := newManual(t, nil), newManual(t, nil)
			running := ""
			leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
				if running != "there" {
					t.Error("not where it should be")
				}
				if f.At() < 2 {
					return coro.Yield(f, f.At()+1)
				}
				return tt.end(f)
			})
			k := coro.Define("here", func(f *coro.Frame[int, int]) coro.Step {
				if running != "here" {
					t.Error("not where it should be")
				}
				if f.At() == 0 {
					return coro.AwaitOn(f, 1, there, leaf.With(4), &f.State)
				}
				if f.Err() != nil {
					return f.Fail(f.Err())
				}
				return f.Return(f.State)
			})
			for range 3 {
				running = "here"
				end := start(context.Background(), here, k.With(0))
				running = "there"
				require.Equal(t, 3, there.runAll())
				require.Zero(t, liveIn(there.arena))
				running = "here"
				require.Equal(t, 1, here.runAll())
				got, err := end()
				tt.check(t, got, err)
				require.Zero(t, liveIn(here.arena))
			}
		})
	}
}

func requirePanicOf(t *testing.T, err, value error) {
	t.Helper()
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.ErrorIs(t, err, value)
}

// From executors of all sorts to executors of all sorts, the same one too, and back.
func TestAwaitOnNested(t *testing.T) {
	executors := []coro.Executor{newInline(t), newPool(t), newInline(t), newPool(t, executor.WithWorkers(1))}
	type level struct{ deeper, sum int }
	k := coro.DefineHeld("level", func(f *coro.Frame[level, int], words *[]string) coro.Step {
		s := &f.State
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			return f.Return(s.sum + len((*words)[0]))
		case s.deeper == 0:
			return f.Return(1)
		}
		k := coro.HeldKindOf(f, words)
		return coro.AwaitOn(f, 1, executors[(s.deeper*7/3)%len(executors)], k.With(level{deeper: s.deeper - 1}, []string{"two"}), &s.sum)
	})
	for range scaled(20) {
		for _, ex := range executors {
			got, err := coro.Run(context.Background(), ex, k.With(level{deeper: 20}, []string{"two"}))
			require.NoError(t, err)
			require.Equal(t, 61, got)
		}
	}
}

func TestAwaitOnWithPointers(t *testing.T) {
	there := newPool(t)
	makes := coro.DefineHeld("makes", func(f *coro.Frame[none, list], word *string) coro.Step {
		runtime.GC()
		return f.Return(list{[]string{*word, "b"}, new(int)})
	})
	k := coro.DefineHeld("task", func(f *coro.Frame[none, list], held *list) coro.Step {
		runtime.GC()
		if f.At() == 0 {
			return coro.AwaitOn(f, 1, there, makes.With(none{}, fmt.Sprint("a", 1)), held)
		}
		return f.Return(*held)
	})
	got, err := coro.Run(context.Background(), newPool(t), k.With(none{}, list{}))
	require.NoError(t, err)
	require.Equal(t, []string{"a1", "b"}, got.words)
}

// The caller's tree is cancelled, at every moment: the call is cancelled too, and the caller
// resumes when the call has ended, and not before.
func TestAwaitOnIsCancelled(t *testing.T) {
	for _, by := range []string{"context", "handle", "scope"} {
		for _, stubborn := range []bool{false, true} {
			for phase := range 6 {
				t.Run(fmt.Sprintf("%s, the call gives in: %t, after %d steps", by, !stubborn, phase), func(t *testing.T) {
					awaitOnIsCancelled(t, by, stubborn, phase)
				})
			}
		}
	}
}

func awaitOnIsCancelled(t *testing.T, by string, stubborn bool, phase int) {
	here, there := newManual(t, nil), newManual(t, nil)
	var event coro.Event
	var remote context.Context
	call := coro.Define("call", func(f *coro.Frame[int, int]) coro.Step {
		remote = f.Context()
		if f.Err() != nil && !stubborn {
			return f.Fail(f.Err())
		}
		switch f.At() {
		case 0:
			return coro.Yield(f, 1)
		case 1:
			return event.Wait(f, 2)
		case 2:
			return coro.Yield(f, 3)
		}
		return f.Return(7)
	})
	k := on(there, func() coro.Call[int] { return call.With(0) })
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var h *coro.Handle[int]
	var err error
	switch by {
	case "context":
		h, err = coro.Start(here, k.With(0), coro.Context(ctx))
	case "handle":
		h, err = coro.Start(here, k.With(0))
		ctx, cancel = context.Background(), func(cause error) { h.Cancel(cause) }
	case "scope": // a part of the tree
		outer := offload(func(f *offloadFrame) coro.Step {
			return coro.AwaitCall(f, 1, k.With(0), &f.State, coro.Context(ctx))
		})
		h, err = coro.Start(here, outer.With(0))
	}
	require.NoError(t, err)
	run := func() bool { return here.runOne() || there.runOne() }
	for range phase {
		if !run() {
			event.Set()
			run()
		}
	}
	cancel(errCause)
	for h.State() < coro.HandleDone {
		if !run() {
			event.Set()       // for the call that does not give in
			runtime.Gosched() // a context tells it from a goroutine of its own
		}
		if liveIn(there.arena) > 0 {
			require.Less(t, h.State(), coro.HandleDone, "the caller has not waited")
		}
	}
	got, err := h.Result()
	if err != nil {
		require.True(t, err == errCause)
	} else {
		require.Equal(t, 7, got)
	}
	if remote != nil {
		require.Error(t, remote.Err(), "the context of the call ends with the call")
	}
	require.Zero(t, liveIn(here.arena))
	require.Zero(t, liveIn(there.arena))
}

// A call that waits gets the caller's cause, exactly.
func TestAwaitOnTellsTheCause(t *testing.T) {
	var event coro.Event
	var seen []error
	var remote context.Context
	waits := waiting(event.Wait, func(err error) { seen = append(seen, err) })
	call := coro.Define("call", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			remote = f.Context()
			return coro.Await(f, 1, waits, 0, nil)
		}
		seen = append(seen, context.Cause(f.Context()))
		return f.Return(3) // all the same
	})
	here, there := newManual(t, nil), newManual(t, nil)
	given := context.WithValue(context.Background(), contextKey{}, "value")
	ctx, cancel := context.WithCancelCause(given)
	end := start(ctx, here, on(there, func() coro.Call[int] { return call.With(0) }).With(0))
	there.runAll()
	require.Equal(t, "value", remote.Value(contextKey{}))
	require.NoError(t, remote.Err())
	cancel(errCause)
	here.await(1)
	require.Equal(t, 1, here.runAll())
	require.Zero(t, here.runAll(), "it waits for the call")
	require.Equal(t, 1, there.runAll())
	require.Equal(t, 1, here.runAll())
	got, err := end()
	require.NoError(t, err)
	require.Equal(t, 3, got)
	require.Equal(t, []error{errCause, errCause}, seen)
}

// What the context of the call is, in scopes.
func TestAwaitOnInScopes(t *testing.T) {
	here, there := newInline(t), newInline(t)
	var remote context.Context
	var event coro.Event
	call := coro.Define("call", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			remote = f.Context()
			return event.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(5)
	})
	k := on(there, func() coro.Call[int] { return call.With(0) })
	within := func(opts ...coro.ChildOption) (*coro.Handle[int], context.CancelCauseFunc) {
		ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), contextKey{}, "value"))
		h, err := coro.Start(here, offload(func(f *offloadFrame) coro.Step {
			return coro.AwaitCall(f, 1, k.With(0), &f.State, opts...)
		}).With(0), coro.Context(ctx))
		require.NoError(t, err)
		return h, cancel
	}

	h, cancel := within(coro.Shield())
	require.Equal(t, "value", remote.Value(contextKey{}))
	cancel(errCause)
	h.Cancel(errCause)
	require.NoError(t, remote.Err())
	event.Set()
	event.Reset()
	requireHandle(t, h, coro.HandleDone, 5, nil)

	deadline := time.Now().Add(time.Hour)
	h, cancel = within(coro.Timeout(time.Hour))
	got, ok := remote.Deadline()
	require.True(t, ok)
	require.WithinDuration(t, deadline, got, time.Minute)
	h.Cancel(errCause)
	require.True(t, context.Cause(remote) == errCause)
	requireHandle(t, h, coro.HandleFailed, 0, errCause)
	cancel(nil)
}

// The tree has been cancelled before.
func TestAwaitOnIsNotLaunched(t *testing.T) {
	there := newManual(t, nil)
	call := coro.Define("call", func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errCause)
	_, err := coro.Run(ctx, newInline(t), on(there, func() coro.Call[int] { return call.With(1) }).With(0))
	require.True(t, err == errCause)
	require.Zero(t, there.runAll())
	pinned := coro.Pinned()
	require.Zero(t, pinned)
}

// The caller's executor, or that of the call, is closed after so many steps.
func TestCloseDuringAwaitOn(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		for _, closesHere := range []bool{false, true} {
			for phase := range 8 {
				t.Run(fmt.Sprintf("the caller's: %t, cancelled: %t, after %d steps", closesHere, cancelled, phase), func(t *testing.T) {
					closeDuringAwaitOn(t, closesHere, cancelled, phase)
				})
			}
		}
	}
}

func closeDuringAwaitOn(t *testing.T, closesHere, cancelled bool, phase int) {
	here, there := newManual(t, nil), newManual(t, nil)
	var event coro.Event
	ended := 0
	call := coro.DefineHeld("call", func(f *coro.Frame[int, list], text *string) coro.Step {
		if f.At() < 2 {
			return coro.Yield(f, f.At()+1)
		}
		if f.At() == 2 {
			return event.Wait(f, 3)
		}
		ended++
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(list{words: []string{*text}})
	})
	k := coro.DefineHeld("caller", func(f *coro.Frame[none, int], held *list) coro.Step {
		if f.At() == 0 {
			return coro.AwaitOn(f, 1, there, call.With(0, "text"), held)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(len(held.words[0]))
	})
	h, err := coro.Start(here, k.With(none{}, list{}))
	require.NoError(t, err)
	for i := range phase {
		if !here.runOne() && !there.runOne() && i >= phase-2 {
			event.Set()
		}
	}
	if cancelled {
		h.Cancel(errCause)
		if phase%2 == 0 {
			here.runOne()
		}
	}
	if closesHere {
		here.shut(errLeaf)
		require.Zero(t, liveIn(here.arena))
		require.GreaterOrEqual(t, h.State(), coro.HandleDone)
		there.runAll() // the call ends by itself: it was cancelled
		require.Zero(t, liveIn(there.arena))
		there.shut(errLeaf)
	} else {
		there.shut(errLeaf)
		require.Zero(t, liveIn(there.arena))
		here.runAll()
		require.Zero(t, liveIn(here.arena))
		here.shut(errLeaf)
	}
	got, err := h.Result()
	if err == nil {
		require.Equal(t, 4, got)
	} else {
		require.Contains(t, []error{errLeaf, errCause}, err)
	}
	pinned := coro.Pinned()
	require.Zero(t, pinned)
	require.LessOrEqual(t, ended, 1)
}

// An allocator of the tree's own serves the call too, in the right order.
func TestAwaitOnInheritsTheAllocator(t *testing.T) {
	const (
		returns = iota
		fails
		panics
		isCancelled
		endings
	)
	for ending := range endings {
		var event coro.Event
		here, there := newInline(t), newPool(t)
		r := newRecorder(here.Arena())
		leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() == 0 {
				return coro.Yield(f, 1)
			}
			switch ending {
			case fails:
				return f.Fail(errLeaf)
			case panics:
				panic(errLeaf)
			case isCancelled:
				if f.At() == 1 {
					return event.Wait(f, 2)
				}
				return f.Fail(f.Err())
			}
			return f.Return(1)
		}, coro.NeverElided())
		call := coro.Define("call", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() == 0 {
				return coro.Await(f, 1, leaf, 0, &f.State)
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(f.State)
		})
		h, err := coro.Start(here, on(there, func() coro.Call[int] { return call.With(0) }).With(0), coro.Allocator(r))
		require.NoError(t, err)
		if ending == isCancelled {
			h.Cancel(errCause)
		}
		_, err = h.Wait(context.Background())
		require.Equal(t, ending == returns, err == nil)
		require.Empty(t, r.fault)
		require.Empty(t, r.live)
		require.GreaterOrEqual(t, len(r.sizes), 3, "frames")
		require.Zero(t, liveIn(there.Arena()))
	}
}

// There is no memory: for the child that stands for the call, for the call.
func TestAwaitOnWithoutMemory(t *testing.T) {
	call := coro.DefineHeld("call", func(f *coro.Frame[int, int], c *chest) coro.Step { return f.Return(1) })
	for frames := range int64(3) {
		var w watched
		here, there := newInline(t), newInline(t)
		k := offload(func(f *offloadFrame) coro.Step {
			return coro.AwaitOn(f, 1, there, call.With(0, w.chest()), &f.State)
		}, coro.NeverElided())
		h, err := coro.Start(here, k.With(0), coro.Allocator(newLimited(here.Arena(), frames)))
		if frames == 0 {
			require.ErrorIs(t, err, arena.ErrExhausted)
			continue
		}
		require.NoError(t, err)
		_, err = h.Result()
		if frames == 1 {
			require.ErrorIs(t, err, arena.ErrExhausted)
		}
		w.requireRetained(t, 0)
	}
	a := newArena(t)
	there := newInline(t, executor.WithArena(a))
	require.NoError(t, there.Close())
	_, err := coro.Run(context.Background(), newInline(t), on(there, func() coro.Call[int] { return call.With(0, chest{}) }).With(0))
	require.True(t, err == executor.ErrClosed)
	pinned := coro.Pinned()
	require.Zero(t, pinned)
}

// A generator runs calls elsewhere between its values.
func TestAwaitOnInAGenerator(t *testing.T) {
	there := newPool(t)
	double := coro.Define("double", func(f *coro.Frame[int, int]) coro.Step { return f.Return(2 * f.State) })
	type state struct{ n, v int }
	k := coro.DefineSeq("doubles", func(f *coro.SeqFrame[state, int]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			return coro.YieldValue(f, 0, s.v)
		}
		s.n++
		return coro.AwaitOn(&f.Frame, 1, there, double.With(s.n), &s.v)
	})
	var got []int
	for v := range k.Seq(state{}) {
		if v > 10 {
			break
		}
		got = append(got, v)
	}
	require.Equal(t, []int{2, 4, 6, 8, 10}, got)
	require.Zero(t, liveIn(there.Arena()))
	require.Positive(t, there.Arena().Stats().Total.Carved, "frames of the calls")
}

// Calls that go back and forth, cancels, and Close of either executor, all at once.
func TestAwaitOnStress(t *testing.T) {
	onProcs(func() {
		for round := range scaled(200) {
			awaitOnStress(t, round)
		}
	})
}

func awaitOnStress(t *testing.T, round int) {
	const n = 12
	var event coro.Event
	a, b := newArena(t), newArena(t)
	here := executor.NewPool(executor.WithArena(a), executor.WithWorkers(2))
	there := executor.NewPool(executor.WithArena(b), executor.WithWorkers(2))
	leaf := coro.DefineHeld("leaf", func(f *coro.Frame[int, list], words *[]string) coro.Step {
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0 && f.State%3 == 0:
			return event.Wait(f, 1)
		case f.At() == 0 && f.State%3 == 1:
			return coro.Yield(f, 1)
		}
		return f.Return(list{words: *words})
	})
	back := coro.DefineHeld("back", func(f *coro.Frame[int, list], got *list) coro.Step {
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0:
			return coro.AwaitOn(f, 1, here, leaf.With(f.State, []string{"a"}), got)
		}
		return f.Return(*got)
	})
	k := coro.DefineHeld("caller", func(f *coro.Frame[int, list], got *list) coro.Step {
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0 && f.State%2 == 0:
			return coro.AwaitOn(f, 1, there, back.With(f.State, list{}), got)
		case f.At() == 0:
			return coro.AwaitOn(f, 1, there, leaf.With(f.State, []string{"a"}), got)
		}
		return f.Return(*got)
	})
	allowed := []error{nil, errCause, context.Canceled, executor.ErrClosed}
	var wg sync.WaitGroup
	for i := range n {
		ctx, cancel := context.WithCancelCause(context.Background())
		wg.Go(func() {
			l, err := coro.Run(ctx, here, k.With(i, list{}))
			if !slices.Contains(allowed, err) || err == nil && l.words[0] != "a" {
				t.Error(l, err)
			}
		})
		wg.Go(func() {
			for range (round*3 + i) % 40 {
				runtime.Gosched()
			}
			if i%4 < 2 {
				cancel(errCause)
			}
			event.Set()
		})
		defer cancel(nil)
	}
	if round%3 == 1 {
		wg.Go(func() { there.Close() })
	}
	if round%3 == 2 {
		wg.Go(func() { here.Close() })
	}
	wg.Wait()
	require.NoError(t, here.Close())
	require.NoError(t, there.Close())
	require.Zero(t, liveIn(a))
	require.Zero(t, liveIn(b))
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
	pinned := coro.Pinned()
	require.Zero(t, pinned)
}
