package executor_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/goroutine"
	"github.com/framearena/framearena/internal/race"
)

// broodCounts is what the tasks of a spawner's test count.
type broodCounts struct {
	round        atomic.Int64 // of the spawner
	live, most   atomic.Int64 // children that have not ended
	oldest, left atomic.Int64 // most rounds between the birth of a child and its first step; rounds to go
}

func (c *broodCounts) born() {
	raise(&c.most, c.live.Add(1))
}

func (c *broodCounts) begun(round int64) { raise(&c.oldest, c.round.Load()-round) }

func raise(most *atomic.Int64, n int64) {
	for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
	}
}

type (
	broodChild struct {
		children coro.Group
		round    int64
	}
	broodParent struct {
		children coro.Group
		v        int
	}
)

// broods are ways in which a task makes others ready, again and again, and gives way in between.
// most and age are bounds of what is live and of a child's age in rounds, with one worker.
var broods = []struct {
	name      string
	perRound  int
	most, age int64
	child     func(c *broodCounts) *coro.Kind[broodChild, none]
	wakes     bool // the spawner and another task wake each other, instead of yielding
	roots     bool // it launches roots instead of children
}{
	{"64 children", 64, 64, 1, broodLeaf, false, false},
	{"1000 children", 1000, 1000, 1, broodLeaf, false, false},
	{"64 children that have children", 64, 200, 6, broodTree, false, false},
	{"64 children that yield", 64, 200, 2, broodYielding, false, false},
	{"300 roots", 300, 400, 1, broodLeaf, false, true},
	{"300 roots that yield", 300, 800, 2, broodYielding, false, true},
	{"64 children, and waits", 64, 70000, 6000, broodLeaf, true, false},
	{"64 children that yield, and waits", 64, 4200, 40, broodYielding, true, false},
	{"300 roots, and waits", 300, 11000, 40, broodLeaf, true, true},
}

func broodLeaf(c *broodCounts) *coro.Kind[broodChild, none] {
	return coro.Define("leaf", func(f *coro.Frame[broodChild, none]) coro.Step {
		c.begun(f.State.round)
		c.live.Add(-1)
		return f.Return(none{})
	})
}

func broodYielding(c *broodCounts) *coro.Kind[broodChild, none] {
	return coro.Define("yielding", func(f *coro.Frame[broodChild, none]) coro.Step {
		if f.At() == 0 {
			c.begun(f.State.round)
			return coro.Yield(f, 1)
		}
		c.live.Add(-1)
		return f.Return(none{})
	})
}

func broodTree(c *broodCounts) *coro.Kind[broodChild, none] {
	leaf := broodLeaf(c)
	return coro.Define("tree", func(f *coro.Frame[broodChild, none]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			c.begun(s.round)
			for range 2 {
				c.born()
				coro.Spawn(f, &s.children, leaf, broodChild{round: s.round}, nil)
			}
			return s.children.Wait(f, 1)
		}
		c.live.Add(-1)
		return f.Return(none{})
	})
}

// A task that makes others ready, yields or waits, and does so again and again, lets each of them
// have its turn within some of its rounds. So few of them are live at a time, however long it does so.
func TestYieldingLetsAllOthersRun(t *testing.T) {
	executors := []struct {
		name   string
		strict bool // its tasks run in an order that is always the same
		make   func() (coro.Executor, func() error)
	}{
		{"Pool of one", true, func() (coro.Executor, func() error) {
			p := executor.NewPool(executor.WithWorkers(1), executor.WithBlockedLimit(time.Hour))
			return p, p.Close
		}},
		{"Pool of three", false, func() (coro.Executor, func() error) {
			p := executor.NewPool(executor.WithWorkers(3), executor.WithBlockedLimit(time.Hour))
			return p, p.Close
		}},
		{"Inline", true, func() (coro.Executor, func() error) {
			e := executor.NewInline()
			return e, e.Close
		}},
	}
	rounds := int64(20000)
	if race.Enabled || testing.Short() {
		rounds = 200
	}
	for _, ex := range executors {
		for _, b := range broods {
			if b.roots && goroutine.Pointer() == 0 {
				// A launch in a step counts as one from outside here, and such have other turns: on an
				// Inline, two tasks that wake each other keep them waiting.
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", ex.name, b.name), func(t *testing.T) {
				on, closeIt := ex.make()
				var c broodCounts
				c.left.Store(min(rounds, 2_000_000/int64(b.perRound)))
				child := b.child(&c)
				there, back := coro.NewChan[int](0), coro.NewChan[int](0)
				other := coro.Define("other", func(f *coro.Frame[int, none]) coro.Step {
					switch {
					case f.Err() != nil:
						return f.Return(none{})
					case f.At() == 1:
						return back.Send(f, 0, 1)
					default:
						return there.Recv(f, 1, &f.State)
					}
				})
				spawner := coro.Define("spawner", func(f *coro.Frame[broodParent, none]) coro.Step {
					s := &f.State
					switch f.At() {
					case 1:
						return back.Recv(f, 0, &s.v)
					case 2:
						there.Close()
						return f.Return(none{})
					}
					if c.left.Add(-1) < 0 {
						return s.children.Wait(f, 2)
					}
					round := c.round.Add(1)
					for range b.perRound {
						c.born()
						if b.roots {
							if err := coro.Go(on, child, broodChild{round: round}); err != nil {
								t.Error(err)
							}
						} else {
							coro.Spawn(f, &s.children, child, broodChild{round: round}, nil)
						}
					}
					if b.wakes {
						return there.Send(f, 1, 1)
					}
					return coro.Yield(f, 0)
				})
				if b.wakes {
					require.NoError(t, coro.Go(on, other, 0))
				}
				_, err := coro.Run(context.Background(), on, spawner.With(broodParent{}))
				require.NoError(t, err)
				require.NoError(t, closeIt())
				most := b.most
				if !ex.strict {
					most = 10 * most
				}
				t.Logf("at most %d live, %d rounds old", c.most.Load(), c.oldest.Load())
				require.LessOrEqual(t, c.most.Load(), most, "live")
				if ex.strict {
					require.LessOrEqual(t, c.oldest.Load(), b.age, "rounds that a child has waited")
				}
			})
		}
	}
}

// A tree of tasks beside one that yields again and again is walked depth first, as if it were alone,
// but for the oldest tasks now and then. Both get on.
func TestTreesStayDeepBesideOneThatYields(t *testing.T) {
	pool := func() (coro.Executor, func() error) {
		p := executor.NewPool(executor.WithWorkers(1), executor.WithBlockedLimit(time.Hour))
		return p, p.Close
	}
	inline := func() (coro.Executor, func() error) {
		e := executor.NewInline()
		return e, e.Close
	}
	for _, tt := range []struct {
		name string
		make func() (coro.Executor, func() error)
	}{{"Pool", pool}, {"Inline", inline}} {
		t.Run(tt.name, func(t *testing.T) {
			on, closeIt := tt.make()
			var c broodCounts
			var done atomic.Bool
			levels := 5
			if race.Enabled || testing.Short() {
				levels = 4
			}
			var tree *coro.Kind[broodChild, none]
			tree = coro.Define("tree", func(f *coro.Frame[broodChild, none]) coro.Step {
				s := &f.State
				if f.At() == 0 && s.round > 0 {
					for range 10 {
						c.born()
						coro.Spawn(f, &s.children, tree, broodChild{round: s.round - 1}, nil)
					}
					return s.children.Wait(f, 1)
				}
				c.live.Add(-1)
				return f.Return(none{})
			})
			yielding := coro.Define("yielding", func(f *coro.Frame[none, none]) coro.Step {
				if c.round.Add(1); done.Load() {
					return f.Return(none{})
				}
				return coro.Yield(f, 0)
			})
			root := coro.Define("root", func(f *coro.Frame[broodParent, none]) coro.Step {
				switch f.At() {
				case 0:
					coro.Spawn(f, &f.State.children, yielding, none{}, nil)
					return coro.Yield(f, 1)
				case 1:
					return coro.Await(f, 2, tree, broodChild{round: int64(levels)}, nil)
				}
				done.Store(true)
				return f.Return(none{})
			})
			_, err := coro.Run(context.Background(), on, root.With(broodParent{}))
			require.NoError(t, err)
			require.NoError(t, closeIt())
			t.Logf("at most %d live; %d turns of the other", c.most.Load(), c.round.Load())
			require.LessOrEqual(t, c.most.Load(), int64(3000), "live at a time")
			require.Greater(t, c.round.Load(), int64(5), "turns of the one that yields")
		})
	}
}

// Urgent tasks that launch others which are not do not make them faster than they run.
func TestUrgentTasksLetWhatTheyLaunchRun(t *testing.T) {
	pool := executor.NewPool(executor.WithWorkers(1), executor.WithBlockedLimit(time.Hour))
	var c broodCounts
	leaf := broodLeaf(&c)
	urgent := coro.Define("urgent", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		round := c.round.Add(1)
		for range 4 {
			c.born()
			if err := coro.Go(pool, leaf, broodChild{round: round}); err != nil {
				t.Error(err)
			}
		}
		return coro.Yield(f, 0)
	})
	_, err := coro.Run(context.Background(), pool.High(), urgent.With(5000))
	require.NoError(t, err)
	require.NoError(t, pool.Close())
	t.Logf("at most %d live, %d rounds old", c.most.Load(), c.oldest.Load())
	require.LessOrEqual(t, c.most.Load(), int64(5000), "live")
	require.LessOrEqual(t, c.oldest.Load(), int64(1250), "rounds that a task has waited")
}

// A task that spawns a child and waits for it, again and again, has a child that is newer than
// its siblings each time. On an Inline these have their turn all the same, and so have tasks that
// it wakes and launches.
func TestInlineLoopsOfChildrenLetOthersRun(t *testing.T) {
	e := executor.NewInline()
	var c broodCounts
	leaf := broodLeaf(&c)
	siblings := 0
	const spins = 100_000
	spinning := coro.Define("spinning", func(f *coro.Frame[broodParent, int]) coro.Step {
		s := &f.State
		if s.v++; siblings == 10 || s.v > spins {
			return f.Return(s.v)
		}
		round := c.round.Add(1)
		c.born()
		coro.Spawn(f, &s.children, leaf, broodChild{round: round}, nil)
		c.born()
		if err := coro.Go(e, leaf, broodChild{round: round}); err != nil {
			t.Error(err)
		}
		return s.children.Wait(f, 0)
	})
	sibling := coro.Define("sibling", func(f *coro.Frame[none, none]) coro.Step {
		siblings++
		return f.Return(none{})
	})
	root := coro.Define("root", func(f *coro.Frame[struct {
		children coro.Group
		spins    int
	}, int]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			return f.Return(s.spins)
		}
		coro.Spawn(f, &s.children, spinning, broodParent{}, &s.spins)
		for range 10 {
			coro.Spawn(f, &s.children, sibling, none{}, nil)
		}
		return s.children.Wait(f, 1)
	})
	n, err := coro.Run(context.Background(), e, root.With(struct {
		children coro.Group
		spins    int
	}{}))
	require.NoError(t, err)
	require.NoError(t, e.Close())
	require.Equal(t, 10, siblings)
	require.LessOrEqual(t, n, spins, "the siblings did not run before the loop had ended")
	require.LessOrEqual(t, c.most.Load(), int64(200), "live")
}
