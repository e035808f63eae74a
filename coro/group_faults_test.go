package coro_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// parent is the state of a task with children.
type parent struct {
	g       coro.Group
	n       int
	results [4]int
}

// noLeftParts checks at the end of the test that no scope and no record is in use that
// was not before.
func noLeftParts(t *testing.T) {
	scopes, records, _ := coro.Parts()
	t.Cleanup(func() {
		s, r, clean := coro.Parts()
		require.Equal(t, [2]int{scopes, records}, [2]int{s, r}, "scopes and records in use")
		require.True(t, clean, "a free scope or record refers to something")
	})
}

// A state that is copied from a task with children brings the Group's counts with it.
func TestTheGroupOfACopiedState(t *testing.T) {
	noLeftParts(t)
	ex := newInline(t)
	task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
		s := &f.State
		switch {
		case f.At() == 1:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(1 + s.results[0] + s.results[1] + s.results[2])
		case s.n == 0:
			return s.g.Wait(f, 1) // of children that are another's
		}
		s.n--
		s.g.SetPolicy(f, coro.FirstError)
		for i := range 3 {
			coro.Spawn(f, &s.g, f.Kind(), *s, &s.results[i])
		}
		return s.g.Wait(f, 1)
	})
	n, err := coro.Run(context.Background(), ex, task.With(parent{n: 3}))
	require.NoError(t, err)
	require.Equal(t, 1+3+9+27, n)
}

func TestAnOverwrittenGroup(t *testing.T) {
	const want = `coro: task "careless": its Group was overwritten while it had children: do not assign to the Group, nor to the State as a whole, before Wait`
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	for name, use := range map[string]func(f *coro.Frame[parent, int]) coro.Step{
		"Spawn": func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			return f.Return(1)
		},
		"Wait":     func(f *coro.Frame[parent, int]) coro.Step { return f.State.g.Wait(f, 1) },
		"WaitRoom": func(f *coro.Frame[parent, int]) coro.Step { return f.State.g.WaitRoom(f, 1) },
		"Return":   func(f *coro.Frame[parent, int]) coro.Step { return f.Return(1) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newUnclosedArena(t)
			ex := executor.NewInline(executor.WithArena(a))
			careless := coro.Define("careless", func(f *coro.Frame[parent, int]) coro.Step {
				coro.Spawn(f, &f.State.g, leaf, 1, nil)
				f.State = parent{}
				return use(f)
			})
			// The children of such a task may write to its frame for ever, so there is
			// no going on.
			require.PanicsWithValue(t, want, func() { _ = coro.Go(ex, careless, parent{}) })
		})
	}
}

// newUnclosedArena returns an arena for a test that leaves frames in it.
func newUnclosedArena(t *testing.T) *arena.Arena {
	a, err := arena.New()
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func TestMisuseOfGroups(t *testing.T) {
	noLeftParts(t)
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	var elsewhere coro.Group
	var local int
	for _, c := range []struct {
		want string
		step func(f *coro.Frame[parent, int]) coro.Step
	}{
		{`coro: task "task": Spawn needs the Group that is a field of the task's own State`, func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &elsewhere, leaf, 1, nil)
			return f.Return(0)
		}},
		{`coro: task "task": Spawn needs the Group that is a field of the task's own State`, func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, nil, leaf, 1, nil)
			return f.Return(0)
		}},
		{`coro: task "task": Wait needs the Group that is a field of the task's own State`, func(f *coro.Frame[parent, int]) coro.Step {
			return elsewhere.Wait(f, 1)
		}},
		{`coro: task "task": Wait needs the Group that is a field of the task's own State`, func(f *coro.Frame[parent, int]) coro.Step {
			return elsewhere.WaitRoom(f, 1)
		}},
		{`coro: task "task": the result of "leaf" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`, func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, leaf, 1, &local) //framearena:ignore on purpose
			return f.Return(0)
		}},
		{`coro: task "task": the result of "leaf" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`, func(f *coro.Frame[parent, int]) coro.Step {
			coro.SpawnCall(f, &f.State.g, leaf.With(1), &local) //framearena:ignore on purpose
			return f.Return(0)
		}},
		{`coro: task "task": SetPolicy after Spawn: set it before the first child, and again after each Wait`, func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			f.State.g.SetPolicy(f, coro.FirstError)
			return f.Return(0)
		}},
		{`coro: task "task": SetLimit after Spawn: set it before the first child, and again after each Wait`, func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			f.State.g.SetLimit(f, 1)
			return f.Return(0)
		}},
		{`coro: task "task": SetLimit needs a positive number`, func(f *coro.Frame[parent, int]) coro.Step {
			f.State.g.SetLimit(f, 0)
			return f.Return(0)
		}},
		{`coro: there is no such GroupPolicy`, func(f *coro.Frame[parent, int]) coro.Step {
			f.State.g.SetPolicy(f, coro.FirstEnd+1)
			return f.Return(0)
		}},
		{`coro: task "task": Cancel of a Group without a Policy: set one, other than WaitForAll, before the first child`, func(f *coro.Frame[parent, int]) coro.Step {
			f.State.g.Cancel(f, nil)
			return f.Return(0)
		}},
		{`coro: task "task": All needs as many results as args, or nil`, func(f *coro.Frame[parent, int]) coro.Step {
			return coro.All(f, 1, leaf, []int{1}, []int{})
		}},
		{`coro: task "task": a join with a nil Kind: make one with Define`, func(f *coro.Frame[parent, int]) coro.Step {
			return coro.Any(f, 1, (*coro.Kind[int, int])(nil), []int{1}, nil)
		}},
		{`coro: Limit needs a positive number`, func(f *coro.Frame[parent, int]) coro.Step {
			return coro.All(f, 1, leaf, []int{1}, nil, coro.Limit(-1))
		}},
	} {
		ex := executor.NewInline()
		task := coro.Define("task", c.step)
		_, err := coro.Run(context.Background(), ex, task.With(parent{}))
		var panicked *coro.PanicError
		require.ErrorAs(t, err, &panicked, c.want)
		require.Equal(t, c.want, panicked.Value)
		require.NoError(t, ex.Close())
	}

	require.PanicsWithValue(t, `coro: task "two": its state has more than one Group: make one of them that of a task of its own`, func() {
		coro.Define("two", func(f *coro.Frame[[2]coro.Group, int]) coro.Step { return f.Return(1) })
	})
}

// Generators run one chain of tasks, so neither they nor what they await can spawn.
func TestGeneratorsDoNotSpawn(t *testing.T) {
	const want = "a generator, and what it awaits, cannot spawn: a loop runs one chain of tasks only"
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	for name, spawn := range map[string]func(f *coro.Frame[parent, int]){
		"Spawn":     func(f *coro.Frame[parent, int]) { coro.Spawn(f, &f.State.g, leaf, 1, nil) },
		"SpawnCall": func(f *coro.Frame[parent, int]) { coro.SpawnCall(f, &f.State.g, leaf.With(1), nil) },
		"Policy":    func(f *coro.Frame[parent, int]) { f.State.g.SetPolicy(f, coro.FirstError) },
		"Limit":     func(f *coro.Frame[parent, int]) { f.State.g.SetLimit(f, 1) },
	} {
		spawns := coro.Define("spawns", func(f *coro.Frame[parent, int]) coro.Step {
			spawn(f)
			return f.Return(1)
		})
		awaits := coro.DefineSeq("awaits", func(f *coro.SeqFrame[none, int]) coro.Step {
			if f.At() == 0 {
				return coro.Await(&f.Frame, 1, spawns, parent{}, nil)
			}
			return f.Fail(f.Err())
		})
		for _, err := range awaits.Seq2(none{}) {
			require.ErrorContains(t, err, want, name)
		}
	}
	itself := coro.DefineSeq("itself", func(f *coro.SeqFrame[parent, int]) coro.Step {
		coro.Spawn(&f.Frame, &f.State.g, leaf, 1, nil)
		return coro.YieldValue(f, 1, 1)
	})
	require.PanicsWithValue(t, `coro: task "itself": `+want, func() {
		for range itself.Seq(parent{}) {
			t.Fatal("a value")
		}
	})
}

// Children that get no memory are none that run: the limit is not theirs.
func TestNoMemoryForChildrenBeyondALimit(t *testing.T) {
	noLeftParts(t)
	for _, refused := range []int{1, 2, 3, 4} {
		a := newArena(t)
		ex := executor.NewInline(executor.WithArena(a))
		var gate coro.Event
		var running, most atomic.Int32
		child := coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() == 0 {
				most.Store(max(most.Load(), running.Add(1)))
				return gate.Wait(f, 1)
			}
			running.Add(-1)
			return f.Return(f.State)
		})
		refusing := newLimited(a, 0)
		task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				require.Equal(t, arena.ErrExhausted, f.Err())
				return f.Return(s.results[0])
			}
			s.g.SetLimit(f, 2)
			for range 3 {
				coro.Spawn(f, &s.g, child, 7, &s.results[0])
			}
			for range refused {
				coro.SpawnCall(f, &s.g, child.With(1), nil, coro.Allocator(refusing))
			}
			for range 3 {
				coro.Spawn(f, &s.g, child, 7, &s.results[0])
			}
			return s.g.Wait(f, 1)
		})
		done := make(chan error, 1)
		go func() {
			n, err := coro.Run(context.Background(), ex, task.With(parent{}))
			if n != 7 {
				err = errors.Join(err, errors.New("no result"))
			}
			done <- err
		}()
		for a.Stats().Total.Live < 7 || running.Load() < 2 {
			runtime.Gosched()
		}
		gate.Set()
		require.NoError(t, <-done)
		require.EqualValues(t, 2, most.Load())
		require.NoError(t, ex.Close())
	}
}

// panicking is an allocator that has no frames, and says so by a panic.
type panicking struct{ arena.FrameAllocator }

func (panicking) Allocate(uintptr) unsafe.Pointer { panic("no frames here") }

func TestAnAllocatorThatPanics(t *testing.T) {
	noLeftParts(t)
	ex := newInline(t)
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	for _, step := range []func(f *coro.Frame[parent, int]) coro.Step{
		func(f *coro.Frame[parent, int]) coro.Step {
			return coro.AwaitCall(f, 1, leaf.With(1), &f.State.n, coro.Allocator(panicking{}))
		},
		func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			coro.SpawnCall(f, &f.State.g, leaf.With(1), &f.State.n, coro.Allocator(panicking{}))
			return f.Return(1)
		},
		func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			return coro.All(f, 1, leaf, []int{1, 2}, nil, coro.Allocator(panicking{}))
		},
	} {
		task := coro.Define("task", step)
		for range 2 {
			_, err := coro.Run(context.Background(), ex, task.With(parent{}))
			var panicked *coro.PanicError
			require.ErrorAs(t, err, &panicked)
			require.Equal(t, "no frames here", panicked.Value)
			require.Zero(t, liveIn(ex.Arena()))
		}
	}
}

// WaitForAll cancels nothing, also if another policy was set before it.
func TestPolicyIsSetAgain(t *testing.T) {
	noLeftParts(t)
	ex := newInline(t)
	child := coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
		if f.State == 0 {
			return f.Fail(errLeaf)
		}
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		if f.Err() != nil {
			return f.Return(1)
		}
		return f.Return(2)
	})
	for _, c := range []struct {
		second coro.GroupPolicy
		want   int
	}{{coro.WaitForAll, 2}, {coro.FirstEnd, 1}, {coro.FirstError, 1}} {
		task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				require.Equal(t, errLeaf, f.Err())
				return f.Return(s.results[0])
			}
			s.g.SetPolicy(f, coro.FirstError)
			s.g.SetPolicy(f, c.second)
			coro.Spawn(f, &s.g, child, 0, nil)
			coro.Spawn(f, &s.g, child, 1, &s.results[0])
			return s.g.Wait(f, 1)
		})
		n, err := coro.Run(context.Background(), ex, task.With(parent{}))
		require.NoError(t, err)
		require.Equal(t, c.want, n)
	}
}

// Children that wait for their turn do not begin when the tree's context has ended, in
// groups of any policy, unless they are shielded. A kind with a Cleanup gets that.
func TestQueuedChildrenWhenTheContextEnds(t *testing.T) {
	noLeftParts(t)
	for _, policy := range []coro.GroupPolicy{coro.WaitForAll, coro.FirstError, coro.FirstSuccess, coro.FirstEnd} {
		ex := newInline(t)
		cause := errors.New("the end")
		ctx, cancel := context.WithCancelCause(context.Background())
		begun, shielded, cleaned := 0, 0, 0
		first := coro.Define("first", func(f *coro.Frame[none, int]) coro.Step {
			cancel(cause)
			return f.Return(1)
		})
		queued := coro.Define("queued", func(f *coro.Frame[none, int]) coro.Step {
			begun++
			return f.Return(1)
		})
		shieldedKind := coro.Define("shielded", func(f *coro.Frame[none, int]) coro.Step {
			shielded++
			return f.Return(1)
		})
		cleaning := coro.Define("cleaning", func(f *coro.Frame[none, int]) coro.Step {
			require.Equal(t, coro.Cleanup, f.At())
			require.Error(t, f.Err()) // the cause or, after a child that was told that, ErrGroupDecided
			cleaned++
			return f.Fail(f.Err())
		}, coro.HasCleanup())
		task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				return f.Return(1)
			}
			s.g.SetPolicy(f, policy)
			s.g.SetLimit(f, 1)
			coro.Spawn(f, &s.g, first, none{}, nil)
			coro.Spawn(f, &s.g, queued, none{}, nil)
			if policy == coro.WaitForAll || policy == coro.FirstError {
				coro.Spawn(f, &s.g, cleaning, none{}, nil)
			}
			coro.SpawnCall(f, &s.g, shieldedKind.With(none{}), nil, coro.Shield())
			coro.Spawn(f, &s.g, queued, none{}, nil)
			return s.g.Wait(f, 1)
		})
		_, err := coro.Run(ctx, ex, task.With(parent{}))
		require.NoError(t, err)
		require.Zero(t, begun, policy)
		require.Equal(t, 1, shielded, policy)
		if policy == coro.WaitForAll || policy == coro.FirstError {
			require.Equal(t, 1, cleaned, policy)
		}
	}
}

// A Post that refuses a child is an end like any other, and those beyond a limit follow.
func TestPostRefusesChildren(t *testing.T) {
	noLeftParts(t)
	for _, limit := range []int{0, 1, 2} {
		var got error
		ex := newStepwise(t, func(err error) { got = err })
		refused := errors.New("refused")
		leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
		task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
			s := &f.State
			if limit > 0 {
				s.g.SetLimit(f, limit)
			}
			for i := range s.results {
				if i == 2 {
					ex.refuse = refused
				}
				coro.Spawn(f, &s.g, leaf, 1, &s.results[i])
			}
			return f.Return(1)
		})
		require.NoError(t, coro.Go(ex, task, parent{}))
		for ex.runOne() {
		}
		if limit == 0 {
			require.Equal(t, refused, got)
		} else {
			require.NoError(t, got, "a child that gets its turn needs no Post")
		}
		require.Zero(t, liveIn(ex.arena))
		ex.worker.Publish()
	}
}

// Parents that have ended before their children are finished by a loop.
func TestADeepChainOfParentsThatEndedEarly(t *testing.T) {
	noLeftParts(t)
	const deepest = 100_000
	for _, fails := range []bool{false, true} {
		var gate coro.Event
		ended := 0
		chain := coro.Define("chain", func(f *coro.Frame[parent, int]) coro.Step {
			if f.State.n == deepest {
				if f.At() == 0 {
					return gate.Wait(f, 1)
				}
				var pcs [200]uintptr
				ended = runtime.Callers(0, pcs[:])
				if fails {
					return f.Fail(errLeaf)
				}
				return f.Return(1)
			}
			coro.Spawn(f, &f.State.g, f.Kind(), parent{n: f.State.n + 1}, &f.State.results[0])
			return f.Return(1)
		}, coro.NeverElided())
		a := newArena(t)
		ex := executor.NewInline(executor.WithArena(a), executor.WithErrorHandler(func(err error) {
			require.Equal(t, errLeaf, err)
			var pcs [200]uintptr
			require.Less(t, runtime.Callers(0, pcs[:]), ended+40)
			ended = -1
		}))
		require.NoError(t, coro.Go(ex, chain, parent{}))
		require.Equal(t, deepest+1, liveIn(a))
		gate.Set()
		require.NotZero(t, ended)
		require.Equal(t, fails, ended == -1)
		require.Zero(t, liveIn(a))
		require.NoError(t, ex.Close())
	}
}

// Closing the executor ends parents that wait for children of every sort.
func TestCloseWithChildrenInEveryPhase(t *testing.T) {
	noLeftParts(t)
	for _, how := range []string{"Wait", "WaitRoom", "early end", "Yield", "failed"} {
		for _, policy := range []coro.GroupPolicy{coro.WaitForAll, coro.FirstError, coro.FirstSuccess, coro.FirstEnd} {
			ex := executor.NewPool(executor.WithWorkers(2))
			var gate coro.Event
			waits := coro.DefineHeld("waits", func(f *coro.Frame[none, int], _ *[]byte) coro.Step {
				if f.At() == 0 {
					return gate.Wait(f, 1)
				}
				return f.Fail(f.Err())
			})
			yields := coro.Define("yields", func(f *coro.Frame[none, int]) coro.Step { return coro.Yield(f, 0) })
			task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
				s := &f.State
				if f.At() != 0 {
					return coro.Yield(f, 2)
				}
				s.g.SetPolicy(f, policy)
				s.g.SetLimit(f, 2)
				coro.SpawnCall(f, &s.g, waits.With(none{}, make([]byte, 10)), nil, coro.Shield())
				coro.Spawn(f, &s.g, yields, none{}, nil)
				for range 3 { // do not begin
					coro.SpawnCall(f, &s.g, waits.With(none{}, make([]byte, 10)), nil)
				}
				switch how {
				case "Wait":
					return s.g.Wait(f, 1)
				case "WaitRoom":
					return s.g.WaitRoom(f, 1)
				case "early end":
					return f.Return(1)
				case "failed":
					return f.Fail(errLeaf)
				}
				return coro.Yield(f, 2)
			})
			done := make(chan error, 1)
			go func() {
				_, err := coro.Run(context.Background(), ex, task.With(parent{}))
				done <- err
			}()
			for ex.Arena().Stats().Total.Live < 6 {
				if how == "failed" && policy != coro.WaitForAll {
					break // the children are cancelled
				}
				runtime.Gosched()
			}
			require.NoError(t, ex.Close(), "no frame is live")
			if err := <-done; how == "failed" {
				require.True(t, errors.Is(err, errLeaf) || errors.Is(err, executor.ErrClosed), err)
			} else {
				require.ErrorIs(t, err, executor.ErrClosed, how)
			}
		}
	}
}

// Steps that spawn, await and then panic or call Goexit.
func TestPanicsAndGoexitBesideChildren(t *testing.T) {
	noLeftParts(t)
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	waits := coro.Define("waits", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(1)
	})
	planned := errors.New("planned")
	dies := coro.Define("dies", func(f *coro.Frame[int, int]) coro.Step {
		if f.State == 0 {
			panic(planned)
		}
		runtime.Goexit()
		return f.Return(1)
	})
	for name, step := range map[string]func(f *coro.Frame[parent, int]) coro.Step{
		"panic after Spawn": func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, waits, 1, &f.State.n)
			panic(planned)
		},
		"panic after Spawn and Await": func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, waits, 1, &f.State.n)
			coro.AwaitCall(f, 1, leaf.With(1), nil, coro.Shield()) //framearena:ignore on purpose
			panic(planned)
		},
		"Goexit after Spawn": func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, waits, 1, &f.State.n)
			runtime.Goexit()
			return f.Return(1)
		},
		"Goexit after Policy": func(f *coro.Frame[parent, int]) coro.Step {
			f.State.g.SetPolicy(f, coro.FirstEnd)
			runtime.Goexit()
			return f.Return(1)
		},
		"a child panics": func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, dies, 0, &f.State.n)
			coro.Spawn(f, &f.State.g, waits, 1, &f.State.n)
			return f.Return(1)
		},
		"the last child panics": func(f *coro.Frame[parent, int]) coro.Step {
			coro.Spawn(f, &f.State.g, dies, 0, &f.State.n)
			return f.Return(1)
		},
		"a child exits": func(f *coro.Frame[parent, int]) coro.Step {
			f.State.g.SetPolicy(f, coro.FirstError)
			f.State.g.SetLimit(f, 1)
			coro.Spawn(f, &f.State.g, dies, 1, &f.State.n)
			coro.Spawn(f, &f.State.g, waits, 1, &f.State.n)
			return f.Return(1)
		},
		"spawns after Await": func(f *coro.Frame[parent, int]) coro.Step {
			s := coro.Await(f, 1, leaf, 1, nil)
			coro.Spawn(f, &f.State.g, waits, 1, &f.State.n)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			groupExecutors(t, func(t *testing.T, ex closer) {
				middle := coro.Define("middle", step)
				task := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
					if f.At() == 0 {
						return coro.Await(f, 1, middle, parent{}, nil)
					}
					var panicked *coro.PanicError
					if !errors.As(f.Err(), &panicked) {
						return f.Fail(errLeaf)
					}
					return f.Return(1)
				})
				_, isPool := ex.(*executor.Pool)
				for range 20 {
					n, err := run(context.Background(), ex, task.With(1))
					if isPool || err == nil { // on an Inline, a Goexit ends the goroutine of Run
						require.NoError(t, err)
						require.Equal(t, 1, n)
					}
				}
				_, err := run(context.Background(), ex, leaf.With(1))
				require.NoError(t, err)
			})
		})
	}
}

// A task that spawns again and again whatever happens does not keep its executor from
// being closed.
func TestCloseEndsATaskThatGoesOnSpawning(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	for _, limit := range []int{0, 1} {
		task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
			if f.At() == 0 && limit > 0 {
				f.State.g.SetLimit(f, limit)
			}
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			if limit > 0 {
				return f.State.g.WaitRoom(f, 1)
			}
			return f.State.g.Wait(f, 0)
		})
		ex := executor.NewPool(executor.WithWorkers(2))
		done := make(chan error, 1)
		go func() {
			_, err := coro.Run(context.Background(), ex, task.With(parent{}))
			done <- err
		}()
		for ex.Arena().Stats().Total.Live == 0 {
			runtime.Gosched()
		}
		require.NoError(t, ex.Close())
		require.ErrorIs(t, <-done, executor.ErrClosed)
	}
}

// A task that spawns for ever and never waits, such as an accept loop, is not resumed because
// its 2^32nd child has ended.
func TestGroupOfATaskThatNeverWaits(t *testing.T) {
	noLeftParts(t)
	good := coro.Define("good", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	bad := coro.Define("bad", func(f *coro.Frame[int, int]) coro.Step { return f.Fail(errors.New("bad")) })
	for name, child := range map[string]*coro.Kind[int, int]{"children succeed": good, "children fail": bad} {
		t.Run(name, func(t *testing.T) {
			const rounds = 9 // 2^32 children after each 4
			steps := 0
			accepts := coro.Define("accepts", func(f *coro.Frame[parent, int]) coro.Step {
				s := &f.State
				steps++
				if f.At() == 1 {
					return f.Return(s.n)
				}
				s.n++
				if s.n > rounds {
					return s.g.Wait(f, 1)
				}
				if s.n > 1 { // the Group is in use
					s.g.SkipChildren(1<<30 - 4)
				}
				for range 4 {
					coro.Spawn(f, &s.g, child, 1, nil)
				}
				return coro.Yield(f, 0)
			})
			ex := newInline(t, executor.WithArena(newArena(t)))
			n, err := coro.Run(context.Background(), ex, accepts.With(parent{}))
			require.NoError(t, err)
			require.Equal(t, rounds+1, n)
			require.Equal(t, rounds+2, steps)
		})
	}
}
