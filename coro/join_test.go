package coro_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// joining is the state of a task with one join, of children that are outcomes.
type joining struct {
	result  int
	results [20]int
}

func TestJoins(t *testing.T) {
	kind := newOutcomes()
	type join func(f *coro.Frame[joining, int], children []outcome, opts ...coro.JoinOption) coro.Step
	all := func(f *coro.Frame[joining, int], c []outcome, opts ...coro.JoinOption) coro.Step {
		return coro.All(f, 1, kind, c, f.State.results[:len(c)], opts...)
	}
	anyOf := func(f *coro.Frame[joining, int], c []outcome, opts ...coro.JoinOption) coro.Step {
		return coro.Any(f, 1, kind, c, &f.State.result, opts...)
	}
	raceOf := func(f *coro.Frame[joining, int], c []outcome, opts ...coro.JoinOption) coro.Step {
		return coro.Race(f, 1, kind, c, &f.State.result, opts...)
	}
	for _, c := range []struct {
		name     string
		join     join
		children []outcome
		errs     []error
		result   int
		results  []int
	}{
		{"All of none", all, nil, nil, 0, nil},
		{"All succeed", all, []outcome{willSucceed, willSucceed, willSucceed}, nil, 0, []int{1, 1, 1}},
		{"All, one fails", all, []outcome{willSucceed, willFail, willWait}, []error{errLeaf}, 0, nil},
		{"All, the last fails", all, []outcome{willWait, willWait, willFailOther}, []error{errOther}, 0, nil},
		{"Any of none", anyOf, nil, []error{coro.ErrNoChildren}, 0, nil},
		{"Any", anyOf, []outcome{willFail, willSucceed, willWait}, nil, 1, nil},
		{"Any, and another succeeds", anyOf, []outcome{willWaitAndSucceed, willSucceed, willWaitAndSucceed}, nil, 1, nil},
		{"Any, none succeeds", anyOf, []outcome{willFail, willFailOther, willFail}, []error{errLeaf, errOther}, 0, nil},
		{"Race of none", raceOf, nil, []error{coro.ErrNoChildren}, 0, nil},
		{"Race", raceOf, []outcome{willWait, willSucceed, willWaitAndSucceed}, nil, 1, nil},
		{"Race, one fails", raceOf, []outcome{willWait, willFail, willSucceed}, []error{errLeaf}, 0, nil},
	} {
		for _, opts := range [][]coro.JoinOption{nil, {coro.Limit(3)}, {coro.Shield()}, {coro.Shield(), coro.Limit(100)}} {
			t.Run(c.name, func(t *testing.T) {
				noLeftParts(t)
				ex := newInline(t)
				task := coro.Define("task", func(f *coro.Frame[joining, int]) coro.Step {
					s := &f.State
					if f.At() == 0 {
						return c.join(f, c.children, opts...)
					}
					switch len(c.errs) {
					case 0:
						require.NoError(t, f.Err())
						require.Equal(t, c.result, s.result)
						require.Equal(t, c.results, append([]int(nil), s.results[:len(c.results)]...))
					case 1:
						require.Equal(t, c.errs[0], f.Err())
						require.Zero(t, s.result)
					default:
						for _, err := range c.errs {
							require.ErrorIs(t, f.Err(), err)
						}
					}
					return f.Return(1)
				})
				for range 3 {
					n, err := coro.Run(context.Background(), ex, task.With(joining{}))
					require.NoError(t, err)
					require.Equal(t, 1, n)
				}
			})
		}
	}
}

// Results with Go pointers, on many goroutines, into a slice on the Go heap.
func TestAllOfStrings(t *testing.T) {
	groupExecutors(t, func(t *testing.T, ex closer) {
		letter := coro.Define("letter", func(f *coro.Frame[byte, string]) coro.Step {
			if f.At() == 0 {
				return coro.Yield(f, 1)
			}
			return f.Return(string([]byte{f.State, f.State}))
		})
		type held struct {
			results []string
			one     string
		}
		task := coro.DefineHeld("task", func(f *coro.Frame[none, string], h *held) coro.Step {
			switch f.At() {
			case 0:
				h.results = make([]string, 26)
				return coro.All(f, 1, letter, []byte("abcdefghijklmnopqrstuvwxyz"), h.results, coro.Limit(5))
			case 1:
				return coro.Any(f, 2, letter, []byte("xx"), &h.one)
			case 2:
				return coro.Race(f, 3, letter, []byte("yyy"), &h.one)
			}
			all := h.one
			for _, s := range h.results {
				all += s
			}
			return f.Return(all)
		})
		for range 50 {
			got, err := coro.Run(context.Background(), ex, task.With(none{}, held{}))
			require.NoError(t, err)
			require.Equal(t, "yyaabbccddeeffgghhiijjkkllmmnnooppqqrrssttuuvvwwxxyyzz", got)
		}
	})
}

// With a limit there are no more frames than that, and those that are not needed any
// more do not begin.
func TestJoinsWithALimit(t *testing.T) {
	ex := newInline(t)
	most, begun := 0, 0
	child := coro.Define("child", func(f *coro.Frame[int, none]) coro.Step {
		most = max(most, liveIn(ex.Arena()))
		switch {
		case f.At() == 0:
			begun++
			return coro.Yield(f, 1)
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.State == 50:
			return f.Fail(errLeaf)
		}
		return f.Return(none{})
	})
	args := make([]int, 1000)
	for i := range args {
		args[i] = i
	}
	task := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.All(f, 1, child, args, nil, coro.Limit(4))
		}
		return f.Fail(f.Err())
	}, coro.NeverElided())
	_, err := coro.Run(context.Background(), ex, task.With(0))
	require.Equal(t, errLeaf, err)
	require.LessOrEqual(t, most, 6, "the task, the join and four children")
	require.Less(t, begun, 60)
}

// A join in a tree whose context ends says so, also if no child does.
func TestJoinsWhenTheContextEnds(t *testing.T) {
	noLeftParts(t)
	ex := newInline(t)
	cause := errors.New("the end")
	for _, before := range []bool{true, false} {
		for _, limit := range []int{1, 3, 100} {
			for name, join := range map[string]func(f *coro.Frame[int, int], k *coro.Kind[int, int], args []int) coro.Step{
				"All": func(f *coro.Frame[int, int], k *coro.Kind[int, int], args []int) coro.Step {
					return coro.All(f, 2, k, args, nil, coro.Limit(limit))
				},
				"Any": func(f *coro.Frame[int, int], k *coro.Kind[int, int], args []int) coro.Step {
					return coro.Any(f, 2, k, args, nil, coro.Limit(limit))
				},
				"Race": func(f *coro.Frame[int, int], k *coro.Kind[int, int], args []int) coro.Step {
					return coro.Race(f, 2, k, args, nil, coro.Limit(limit))
				},
			} {
				ctx, cancel := context.WithCancelCause(context.Background())
				var never coro.Event
				child := coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
					if f.At() == 0 {
						if f.State == 4 || limit < 4 {
							cancel(cause)
						}
						return never.Wait(f, 1)
					}
					return f.Fail(f.Err())
				})
				task := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
					switch f.At() {
					case 0:
						if before {
							cancel(cause)
						}
						return coro.Yield(f, 1)
					case 1:
						return join(f, child, []int{0, 1, 2, 3, 4})
					}
					return f.Fail(f.Err())
				})
				_, err := coro.Run(ctx, ex, task.With(0))
				require.ErrorIs(t, err, cause, name)
				cancel(nil)
			}
		}
	}
}

// Closing the executor in the middle of joins leaves nothing.
func TestCloseDuringJoins(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		ex := executor.NewPool(executor.WithWorkers(workers))
		kind := newOutcomes()
		children := []outcome{willWait, willWait, willFail, willWaitAndSucceed, willSucceed}
		task := coro.Define("task", func(f *coro.Frame[joining, int]) coro.Step {
			switch f.At() {
			case 0:
				return coro.All(f, 1, kind, children, f.State.results[:5])
			case 1:
				return coro.Any(f, 2, kind, children, &f.State.result)
			default:
				return coro.Race(f, 0, kind, children[:2], &f.State.result) // for ever
			}
		})
		done := make(chan error, 10)
		for range 10 {
			go func() {
				_, err := coro.Run(context.Background(), ex, task.With(joining{}))
				done <- err
			}()
		}
		for ex.Arena().Stats().Total.Live < 30 {
			select {
			case err := <-done:
				t.Fatal(err)
			default:
				runtime.Gosched()
			}
		}
		require.NoError(t, ex.Close())
		for range 10 {
			require.ErrorIs(t, <-done, executor.ErrClosed)
		}
	}
}

// In the steady state groups, joins and scopes allocate nothing on the Go heap.
func TestAllocationsOfGroups(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random
	}
	ex := newInline(t)
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
		if f.State < 0 {
			return f.Fail(errLeaf)
		}
		return f.Return(f.State)
	})
	kind := newOutcomes()
	mine := newArena(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	args := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	outcomes := []outcome{willWait, willSucceed, willWait}
	failing := []outcome{willWait, willFail, willWait}
	refused := 0
	check := func(err error) {
		if err != nil {
			refused++
		}
	}
	type step = func(f *coro.Frame[joining, int]) coro.Step
	spawns := func(use func(f *coro.Frame[parent, int])) *coro.Kind[parent, int] {
		return coro.Define("spawns", func(f *coro.Frame[parent, int]) coro.Step {
			if f.At() == 0 {
				use(f)
				return f.State.g.Wait(f, 1)
			}
			return f.Return(1)
		})
	}
	joins := func(do step) *coro.Kind[joining, int] {
		return coro.Define("joins", func(f *coro.Frame[joining, int]) coro.Step {
			if f.At() == 0 {
				return do(f)
			}
			return f.Return(1)
		})
	}
	policy := func(p coro.GroupPolicy, children []outcome) *coro.Kind[parent, int] {
		return spawns(func(f *coro.Frame[parent, int]) {
			f.State.g.SetPolicy(f, p)
			for _, c := range children {
				coro.Spawn(f, &f.State.g, kind, c, &f.State.n)
			}
		})
	}
	for name, k := range map[string]*coro.Kind[parent, int]{
		"Spawn": spawns(func(f *coro.Frame[parent, int]) {
			for i := range f.State.results {
				coro.Spawn(f, &f.State.g, leaf, i, &f.State.results[i])
			}
		}),
		"a child fails": spawns(func(f *coro.Frame[parent, int]) { coro.Spawn(f, &f.State.g, leaf, -1, nil) }),
		"Limit": spawns(func(f *coro.Frame[parent, int]) {
			f.State.g.SetLimit(f, 2)
			for i := range f.State.results {
				coro.Spawn(f, &f.State.g, leaf, i, &f.State.results[i])
			}
		}),
		"FirstError":   policy(coro.FirstError, failing),
		"FirstSuccess": policy(coro.FirstSuccess, outcomes),
		"FirstEnd":     policy(coro.FirstEnd, failing),
		"SpawnCall": spawns(func(f *coro.Frame[parent, int]) {
			coro.SpawnCall(f, &f.State.g, leaf.With(1), nil, coro.Shield())
			coro.SpawnCall(f, &f.State.g, leaf.With(1), nil, coro.Allocator(mine))
			coro.SpawnCall(f, &f.State.g, leaf.With(1), nil, coro.Context(ctx))
		}),
	} {
		run := func() { check(coro.Go(ex, k, parent{})) }
		for range 200 {
			run()
		}
		require.Zero(t, testing.AllocsPerRun(1000, run), name)
	}
	for name, k := range map[string]*coro.Kind[joining, int]{
		"AwaitCall": joins(func(f *coro.Frame[joining, int]) coro.Step { return coro.AwaitCall(f, 1, leaf.With(1), nil) }),
		"AwaitCall, Shield": joins(func(f *coro.Frame[joining, int]) coro.Step {
			return coro.AwaitCall(f, 1, leaf.With(1), nil, coro.Shield())
		}),
		"AwaitCall, Allocator": joins(func(f *coro.Frame[joining, int]) coro.Step {
			return coro.AwaitCall(f, 1, leaf.With(1), nil, coro.Allocator(mine))
		}),
		"AwaitCall, Context": joins(func(f *coro.Frame[joining, int]) coro.Step {
			return coro.AwaitCall(f, 1, leaf.With(1), nil, coro.Context(ctx))
		}),
		"All":            joins(func(f *coro.Frame[joining, int]) coro.Step { return coro.All(f, 1, leaf, args, f.State.results[:10]) }),
		"All, Limit":     joins(func(f *coro.Frame[joining, int]) coro.Step { return coro.All(f, 1, leaf, args, nil, coro.Limit(3)) }),
		"All, one fails": joins(func(f *coro.Frame[joining, int]) coro.Step { return coro.All(f, 1, kind, failing, nil) }),
		"Any":            joins(func(f *coro.Frame[joining, int]) coro.Step { return coro.Any(f, 1, kind, outcomes, &f.State.result) }),
		"Race":           joins(func(f *coro.Frame[joining, int]) coro.Step { return coro.Race(f, 1, leaf, args, &f.State.result) }),
	} {
		run := func() { check(coro.Go(ex, k, joining{})) }
		for range 200 {
			run()
		}
		require.Zero(t, testing.AllocsPerRun(1000, run), name)
	}
	require.Zero(t, refused)
}
