package coro_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

var errOther = errors.New("other")

// outcome is what a child of TestPolicies does.
type outcome int

const (
	willSucceed outcome = iota
	willFail
	willFailOther
	willWait // until it is cancelled, and then willFail with the cause
	willWaitAndSucceed
)

func newOutcomes() *coro.Kind[outcome, int] {
	var never coro.Event
	return coro.Define("outcome", func(f *coro.Frame[outcome, int]) coro.Step {
		switch {
		case f.At() == 1 && f.State == willWaitAndSucceed:
			return f.Return(2)
		case f.At() == 1:
			return f.Fail(f.Err())
		case f.State == willSucceed:
			return f.Return(1)
		case f.State == willFail:
			return f.Fail(errLeaf)
		case f.State == willFailOther:
			return f.Fail(errOther)
		}
		return never.Wait(f, 1)
	})
}

func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		name     string
		policy   coro.GroupPolicy
		children []outcome
		errs     []error // that the error wraps; the only one is the error
		won      int     // -1: none
	}{
		{"all succeed", coro.WaitForAll, []outcome{willSucceed, willSucceed}, nil, -1},
		{"the first error", coro.WaitForAll, []outcome{willSucceed, willFail, willFailOther, willSucceed}, []error{errLeaf}, 1},
		{"none", coro.FirstError, nil, nil, -1},
		{"all succeed", coro.FirstError, []outcome{willSucceed, willSucceed}, nil, -1},
		{"one fails", coro.FirstError, []outcome{willWait, willWait, willFail, willWait}, []error{errLeaf}, 2},
		{"the first to begin fails", coro.FirstError, []outcome{willFail, willWait, willWait}, []error{errLeaf}, 0},
		{"some fail", coro.FirstError, []outcome{willWait, willFailOther, willFail, willWaitAndSucceed}, []error{errOther}, 1},
		{"none", coro.FirstSuccess, nil, nil, -1},
		{"one succeeds", coro.FirstSuccess, []outcome{willFail, willWait, willFailOther, willSucceed, willWait}, nil, 3},
		{"all fail", coro.FirstSuccess, []outcome{willFail, willFailOther, willFail}, []error{errLeaf, errOther}, -1},
		{"more succeed", coro.FirstSuccess, []outcome{willWaitAndSucceed, willSucceed, willWait}, nil, 1},
		{"none", coro.FirstEnd, nil, nil, -1},
		{"a success ends", coro.FirstEnd, []outcome{willWait, willSucceed, willFail}, nil, 1},
		{"an error ends", coro.FirstEnd, []outcome{willWait, willFail, willSucceed}, []error{errLeaf}, 1},
	} {
		for _, limit := range []int{0, 1, 10} {
			if limit == 1 && slices.Max(append(c.children, 0)) >= willWait {
				continue // the children that decide might not begin
			}
			t.Run(c.name, func(t *testing.T) {
				noLeftParts(t)
				ex := newInline(t)
				kind := newOutcomes()
				type state struct {
					g       coro.Group
					results [8]int
					again   bool
				}
				task := coro.Define("task", func(f *coro.Frame[state, int]) coro.Step {
					s := &f.State
					if f.At() == 1 {
						for i := range s.results {
							require.Equal(t, i == c.won, coro.Won(&s.g, &s.results[i]), i)
						}
						switch len(c.errs) {
						case 0:
							require.NoError(t, f.Err())
						case 1:
							require.Equal(t, c.errs[0], f.Err())
						default:
							for _, err := range c.errs {
								require.ErrorIs(t, f.Err(), err)
							}
						}
						if s.again {
							return f.Return(1)
						}
						s.again = true // a group may be used again, and remembers nothing
					}
					s.g.SetPolicy(f, c.policy)
					if limit > 0 {
						s.g.SetLimit(f, limit)
					}
					for i, o := range c.children {
						coro.Spawn(f, &s.g, kind, o, &s.results[i])
					}
					return s.g.Wait(f, 1)
				})
				n, err := coro.Run(context.Background(), ex, task.With(state{}))
				require.NoError(t, err)
				require.Equal(t, 1, n)
			})
		}
	}
}

// A group of children that do not fail costs nothing beside the frames.
func TestAPlainGroupHasNoRecord(t *testing.T) {
	ex := newInline(t)
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
		if f.State < 0 {
			return f.Fail(errLeaf)
		}
		return f.Return(f.State)
	})
	task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			for i := range s.results {
				coro.Spawn(f, &s.g, leaf, i, &s.results[i])
			}
			return coro.Yield(f, 1) // all children end
		case 1:
			require.False(t, s.g.HasRecord())
			require.Equal(t, [4]int{0, 1, 2, 3}, s.results)
			coro.Spawn(f, &s.g, leaf, -1, nil)
			return coro.Yield(f, 2)
		case 2:
			require.True(t, s.g.HasRecord())
			return s.g.Wait(f, 3)
		}
		require.Equal(t, errLeaf, f.Err())
		require.False(t, s.g.HasRecord())
		return f.Return(1)
	})
	_, err := coro.Run(context.Background(), ex, task.With(parent{}))
	require.NoError(t, err)
}

// Inline runs children in the order in which they were spawned, before what was posted,
// but not for ever.
func TestInlineRunsChildrenInOrder(t *testing.T) {
	ex := newInline(t)
	var order []int
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
		order = append(order, f.State)
		return f.Return(f.State)
	})
	inner := coro.Define("inner", func(f *coro.Frame[parent, int]) coro.Step {
		if f.At() == 1 {
			order = append(order, -f.State.n)
			return f.Return(1)
		}
		for i := range 3 {
			coro.Spawn(f, &f.State.g, leaf, f.State.n+i, nil)
		}
		return f.State.g.Wait(f, 1)
	})
	task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
		if f.At() == 1 {
			return f.Return(1)
		}
		for i := range 3 {
			coro.Spawn(f, &f.State.g, inner, parent{n: 10 * (i + 1)}, nil)
		}
		return f.State.g.Wait(f, 1)
	})
	_, err := coro.Run(context.Background(), ex, task.With(parent{}))
	require.NoError(t, err)
	require.Equal(t, []int{10, 11, 12, -10, 20, 21, 22, -20, 30, 31, 32, -30}, order)

	// Tasks that spawn for ever let those in the queue have their turn.
	stop := false
	turns := 0
	endless := coro.Define("endless", func(f *coro.Frame[parent, int]) coro.Step {
		if !stop {
			coro.Spawn(f, &f.State.g, f.Kind(), parent{}, nil)
		}
		turns++
		return f.Return(1)
	})
	waiting := coro.Define("waiting", func(f *coro.Frame[int, int]) coro.Step {
		if f.State++; f.State == 5 {
			stop = true
			return f.Return(1)
		}
		return coro.Yield(f, 0)
	})
	both := coro.Define("both", func(f *coro.Frame[parent, int]) coro.Step {
		if f.At() == 1 {
			return f.Return(1)
		}
		coro.Spawn(f, &f.State.g, waiting, 0, nil)
		coro.Spawn(f, &f.State.g, endless, parent{}, nil)
		return f.State.g.Wait(f, 1)
	})
	_, err = coro.Run(context.Background(), ex, both.With(parent{}))
	require.NoError(t, err)
	require.Less(t, turns, 1000)
}

func TestAMillionChildren(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	type many struct {
		g    coro.Group
		left int
	}
	for _, limit := range []int{0, 3} {
		groupExecutors(t, func(t *testing.T, ex closer) {
			ended := make([]int32, n)
			leaf := coro.Define("leaf", func(f *coro.Frame[int, none]) coro.Step {
				ended[f.State]++
				return f.Return(none{})
			})
			task := coro.Define("task", func(f *coro.Frame[many, int]) coro.Step {
				s := &f.State
				if f.At() == 0 && limit > 0 {
					s.g.SetLimit(f, limit)
				}
				if f.At() == 2 {
					return f.Return(1)
				}
				for s.left > 0 {
					s.left--
					coro.Spawn(f, &s.g, leaf, s.left, nil)
					if limit > 0 && s.left > 0 {
						return s.g.WaitRoom(f, 1)
					}
				}
				return s.g.Wait(f, 2)
			})
			_, err := coro.Run(context.Background(), ex, task.With(many{left: n}))
			require.NoError(t, err)
			for i, count := range ended {
				if count != 1 {
					t.Fatalf("child %d has run %d times", i, count)
				}
			}
		})
	}
}

// The children of a task with a limit are not more than that.
func TestWaitRoomBoundsTheFrames(t *testing.T) {
	noLeftParts(t)
	ex := newInline(t)
	most := 0
	leaf := coro.Define("leaf", func(f *coro.Frame[int, none]) coro.Step {
		most = max(most, liveIn(ex.Arena()))
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(none{})
	})
	task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			s.g.SetLimit(f, 3)
		}
		if f.At() == 2 {
			return f.Return(1)
		}
		if s.n++; s.n <= 100 {
			coro.Spawn(f, &s.g, leaf, 1, nil)
			return s.g.WaitRoom(f, 1)
		}
		return s.g.Wait(f, 2)
	})
	_, err := coro.Run(context.Background(), ex, task.With(parent{}))
	require.NoError(t, err)
	require.Equal(t, 4, most, "the task and three children")
}

// Cancel reaches children that run, wait and have not begun.
func TestCancelOfAGroup(t *testing.T) {
	groupExecutors(t, func(t *testing.T, ex closer) {
		cause := errors.New("enough")
		kind := newOutcomes()
		for _, c := range []struct{ given, want error }{{cause, cause}, {nil, context.Canceled}} {
			task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
				s := &f.State
				switch f.At() {
				case 0:
					s.g.SetPolicy(f, coro.FirstError)
					s.g.SetLimit(f, 2)
					for range 5 {
						coro.Spawn(f, &s.g, kind, willWait, nil)
					}
					return coro.Yield(f, 1)
				case 1:
					s.g.Cancel(f, c.given)
					coro.Spawn(f, &s.g, kind, willWait, nil)
					return s.g.Wait(f, 2)
				}
				if f.Err() != c.want {
					return f.Fail(errors.Join(errOther, f.Err()))
				}
				return f.Return(1)
			})
			for range 20 {
				_, err := coro.Run(context.Background(), ex, task.With(parent{}))
				require.NoError(t, err)
			}
		}
	})
}

// Results go to held parts, and errors and results cross many goroutines.
func TestSpawnIntoAHeldPart(t *testing.T) {
	groupExecutors(t, func(t *testing.T, ex closer) {
		hello := coro.DefineHeld("hello", func(f *coro.Frame[int, string], name *string) coro.Step {
			if f.At() == 0 {
				return coro.Yield(f, 1)
			}
			return f.Return("hello " + *name)
		})
		type held struct{ names, greetings [3]string }
		task := coro.DefineHeld("task", func(f *coro.Frame[parent, string], h *held) coro.Step {
			if f.At() == 0 {
				for i := range h.names {
					coro.SpawnCall(f, &f.State.g, hello.With(0, h.names[i]), &h.greetings[i])
				}
				return f.State.g.Wait(f, 1)
			}
			return f.Return(h.greetings[0] + ", " + h.greetings[1] + ", " + h.greetings[2])
		})
		for range 100 {
			got, err := coro.Run(context.Background(), ex, task.With(parent{}, held{names: [3]string{"a", "b", "c"}}))
			require.NoError(t, err)
			require.Equal(t, "hello a, hello b, hello c", got)
		}
		runtime.GC()
	})
}
