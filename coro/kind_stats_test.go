package coro_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// tally is a KindStats without the kind.
type tally struct{ started, ended, elided, fromArena, liveBytes uint64 }

func tallyOf(s coro.KindStats) tally {
	return tally{s.Started, s.Ended, s.Elided, s.FromArena, s.LiveBytes}
}

// inStats reports whether tasks of the kind were counted.
func inStats(is coro.KindStats) bool {
	for s := range coro.Stats() {
		if s == is {
			return true
		}
	}
	return false
}

// large is a state that fits behind no other.
type large struct {
	_      [1000]byte
	result int
}

// threeKinds returns kinds of tasks of which each awaits one of the next: root, middle, leaf.
// A middle has a frame of its own, a leaf is elided. What it does is leaf's step.
func threeKinds(leaf func(f *coro.Frame[int, int]) coro.Step) (root *coro.Kind[int, int], middle *coro.Kind[large, int], last *coro.Kind[int, int]) {
	last = coro.Define("leaf", leaf)
	middle = coro.Define("middle", func(f *coro.Frame[large, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, last, 7, &f.State.result)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State.result)
	})
	root = coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, middle, large{}, &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	return root, middle, last
}

func TestStatsOfLiveTasks(t *testing.T) {
	const rootBytes, middleBytes = 128, 2048 // their size classes
	anyRoot, anyMiddle, _ := threeKinds(func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })
	rootSize, middleSize := uint64(anyRoot.FrameSize()), uint64(anyMiddle.FrameSize())
	heap := new(arena.Heap)
	tests := []struct {
		name               string
		opts               []coro.LaunchOption
		root, middle, leaf tally // while the leaf waits
	}{
		{"not counted", nil, tally{}, tally{}, tally{}},
		{"from the arena", []coro.LaunchOption{coro.Counted()},
			tally{1, 0, 0, 1, rootBytes}, tally{1, 0, 0, 1, middleBytes}, tally{1, 0, 1, 0, 0}},
		{"from an allocator", []coro.LaunchOption{coro.Counted(), coro.Allocator(heap)},
			tally{1, 0, 0, 0, rootSize}, tally{1, 0, 0, 0, middleSize}, tally{1, 0, 0, 0, rootSize}},
		{"all in one frame", []coro.LaunchOption{coro.Counted(), coro.RootFrameSize(4096)},
			tally{1, 0, 0, 1, 4096}, tally{1, 0, 1, 0, 0}, tally{1, 0, 1, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ex := newManual(t, func(err error) { t.Error(err) })
			var event coro.Event
			root, middle, leaf := threeKinds(func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 0 {
					return event.Wait(f, 1)
				}
				return f.Return(1)
			})
			require.NoError(t, coro.RunAsync(ex, tt.opts...)(root.With(1)))
			ex.runAll()
			require.Equal(t, tt.root, tallyOf(root.Stats()), "root")
			require.Equal(t, tt.middle, tallyOf(middle.Stats()), "middle")
			require.Equal(t, tt.leaf, tallyOf(leaf.Stats()), "leaf")
			require.Equal(t, tt.root.started, root.Stats().Live())
			event.Set()
			ex.runAll()
			for _, s := range []struct {
				was tally
				is  coro.KindStats
			}{{tt.root, root.Stats()}, {tt.middle, middle.Stats()}, {tt.leaf, leaf.Stats()}} {
				s.was.ended, s.was.liveBytes = s.was.started, 0
				require.Equal(t, s.was, tallyOf(s.is))
				require.Equal(t, s.was.started > 0, inStats(s.is))
				require.Zero(t, s.is.Live())
			}
		})
	}
}

// However tasks end, they are counted, and their memory is not.
func TestStatsOfTasksThatEnded(t *testing.T) {
	type step = func(f *coro.Frame[int, int]) coro.Step
	both := func(f *coro.Frame[int, int], s coro.Step) coro.Step {
		coro.Await(f, 1, exploding, none{}, nil) //framearena:ignore it never begins
		return s
	}
	tests := []struct {
		name string
		leaf step
		err  error
	}{
		{"return", func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) }, nil},
		{"fail", func(f *coro.Frame[int, int]) coro.Step { return f.Fail(errLeaf) }, errLeaf},
		{"panic", func(f *coro.Frame[int, int]) coro.Step { panic(errLeaf) }, errLeaf},
		{"foreign step", func(f *coro.Frame[int, int]) coro.Step { return both(f, coro.Step{}) }, nil},
		{"Goexit", func(f *coro.Frame[int, int]) coro.Step { leave(); return f.Return(1) }, coro.ErrGoexit},
		{"yield", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() < 5 {
				return coro.Yield(f, f.At()+1)
			}
			return f.Return(1)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ex := newPool(t, executor.WithWorkers(1), executor.WithKindStats())
			before := exploding.Stats()
			root, middle, leaf := threeKinds(tt.leaf)
			_, err := coro.Run(context.Background(), ex, root.With(1))
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
			}
			require.Equal(t, tally{1, 1, 0, 1, 0}, tallyOf(root.Stats()))
			require.Equal(t, tally{1, 1, 0, 1, 0}, tallyOf(middle.Stats()))
			require.Equal(t, tally{1, 1, 1, 0, 0}, tallyOf(leaf.Stats()))
			made := exploding.Stats().Started - before.Started
			require.Equal(t, made, exploding.Stats().Ended-before.Ended)
			require.Equal(t, tt.name == "foreign step", made == 1)
			// The worker may be publishing its lists: frames on their way are not seen as free.
			require.Eventually(t, func() bool { return liveIn(ex.Arena()) == 0 }, time.Minute, time.Millisecond)
		})
	}
}

func TestStatsOfWhatDoesNotBegin(t *testing.T) {
	root, middle, leaf := threeKinds(func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })
	ex := newStepwise(t, func(error) {})
	ex.env.SetCounted()
	ex.refuse = errCause
	require.ErrorIs(t, coro.Go(ex, root, 1), errCause)
	require.Equal(t, tally{}, tallyOf(root.Stats()), "the launch was refused")
	require.ErrorIs(t, coro.RunAsync(ex, coro.Allocator(new(arena.Heap)))(root.With(1)), errCause)
	require.Equal(t, tally{}, tallyOf(root.Stats()))
	ex.refuse = nil

	require.ErrorIs(t, coro.RunAsync(ex, coro.Allocator(newLimited(new(arena.Heap), 0)))(root.With(1)), arena.ErrExhausted)
	require.Equal(t, tally{}, tallyOf(root.Stats()))
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(newLimited(new(arena.Heap), 1)))(root.With(1)))
	ex.runAll()
	require.Equal(t, tally{1, 1, 0, 0, 0}, tallyOf(root.Stats()))
	require.Equal(t, tally{}, tallyOf(middle.Stats()), "there was no memory")
	require.Equal(t, tally{}, tallyOf(leaf.Stats()))

	require.NoError(t, coro.Go(ex, root, 1))
	require.Equal(t, uint64(1), root.Stats().Live(), "it is queued")
	ex.cancelAll(errCause)
	require.Equal(t, tally{2, 2, 0, 1, 0}, tallyOf(root.Stats()))
	require.Zero(t, liveIn(ex.arena))
}

func TestStatsOfGenerators(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	type state struct{ n, got int }
	numbers := coro.DefineSeq("numbers", func(f *coro.SeqFrame[state, int]) coro.Step {
		switch f.At() {
		case 0:
			return coro.Await(&f.Frame, 1, leaf, f.State.n, &f.State.got)
		default:
			f.State.n++
			return coro.YieldValue(f, 0, f.State.got)
		}
	})
	outer := coro.DefineSeq("outer", func(f *coro.SeqFrame[none, int]) coro.Step {
		return coro.YieldFrom(f, 1, numbers, state{})
	})
	for v := range outer.Seq(none{}) {
		if v == 3 {
			break
		}
	}
	require.Zero(t, numbers.Stats().Started)
	for v := range outer.Seq(none{}, coro.Counted()) {
		require.Equal(t, uint64(1), numbers.Stats().Live())
		if v == 3 {
			break
		}
	}
	require.Equal(t, uint64(1), outer.Stats().Ended)
	require.Equal(t, uint64(1), numbers.Stats().Ended)
	require.Equal(t, uint64(4), leaf.Stats().Ended)
	require.Zero(t, outer.Stats().Live()+numbers.Stats().Live()+leaf.Stats().Live())
	require.Zero(t, outer.Stats().LiveBytes+numbers.Stats().LiveBytes+leaf.Stats().LiveBytes)
}

func TestStatsOfHeldParts(t *testing.T) {
	child := coro.DefineHeld("child", func(f *coro.Frame[none, none], held *string) coro.Step { return f.Return(none{}) })
	root := coro.DefineHeld("root", func(f *coro.Frame[none, none], held *string) coro.Step {
		if f.At() == 0 {
			return coro.AwaitHeld(f, 1, child, none{}, "child", nil)
		}
		return f.Return(none{})
	})
	ex := newInline(t, executor.WithKindStats())
	require.NoError(t, coro.GoHeld(ex, root, none{}, "root"))
	require.NoError(t, coro.RunAsync(ex)(root.With(none{}, "root")))
	require.Equal(t, tally{2, 2, 0, 2, 0}, tallyOf(root.Stats()))
	require.Equal(t, uint64(2), child.Stats().Started)
	require.Equal(t, uint64(2), child.Stats().Ended)
	require.Zero(t, child.Stats().LiveBytes)
}

// Many workers and launches count the same kinds, and others read.
func TestStatsAtOnce(t *testing.T) {
	ex := newPool(t, executor.WithWorkers(8), executor.WithKindStats(), executor.WithErrorHandler(func(error) {}))
	root, middle, leaf := threeKinds(func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(1)
	})
	kinds := map[coro.KindInfo]bool{root.Info(): true, middle.Info(): true, leaf.Info(): true}
	var stop atomic.Bool
	var reading, working sync.WaitGroup
	reading.Go(func() {
		for !stop.Load() {
			for s := range coro.Stats() {
				if !kinds[s.KindInfo] {
					continue
				}
				// The number of live tasks has no bound here: tasks that begin between two
				// loads count, and the reader may be stopped there for long.
				if s.Ended > s.Started || s.LiveBytes > 1<<62 {
					t.Errorf("%+v", s)
					return
				}
			}
		}
	})
	const goroutines = 8 // each waits for its task
	rounds := scaled(2000)
	for range goroutines {
		working.Go(func() {
			for range rounds {
				if _, err := coro.Run(context.Background(), ex, root.With(1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	stop.Store(true)
	reading.Wait()
	n := uint64(goroutines * rounds)
	require.Equal(t, tally{n, n, 0, n, 0}, tallyOf(root.Stats()))
	require.Equal(t, tally{n, n, 0, n, 0}, tallyOf(middle.Stats()))
	require.Equal(t, tally{n, n, n, 0, 0}, tallyOf(leaf.Stats()))
	require.Equal(t, n, ex.Elided())
}

// A launch that is refused is taken off the counts. A reader never sees that without the start.
func TestStatsWhileLaunchesAreRefused(t *testing.T) {
	root, _, _ := threeKinds(func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })
	ex := newManual(t, nil)
	ex.env.SetCounted()
	ex.setRefuse(errCause)
	var stop atomic.Bool
	var reading, launching sync.WaitGroup
	reading.Go(func() {
		for !stop.Load() {
			if s := root.Stats(); s.Ended > s.Started || s.Started > 1<<62 || s.FromArena > 1<<62 || s.LiveBytes > 1<<62 {
				t.Errorf("%+v", s)
				return
			}
		}
	})
	rounds := scaled(20000)
	for range 4 {
		launching.Go(func() {
			for range rounds {
				if err := coro.Go(ex, root, 1); err != errCause {
					t.Error(err)
				}
			}
		})
	}
	launching.Wait()
	stop.Store(true)
	reading.Wait()
	require.Equal(t, tally{}, tallyOf(root.Stats()))
}

func TestAllocationsOfCountedTasks(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random, and everything allocates more
	}
	ex := newInline(t, executor.WithKindStats())
	root, _, leaf := threeKinds(func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })
	var err error
	run := func() {
		_, e := coro.Run(context.Background(), ex, root.With(1))
		err = errors.Join(err, e)
	}
	run()
	require.Zero(t, testing.AllocsPerRun(1000, run))
	require.NoError(t, err)
	require.Equal(t, uint64(1002), leaf.Stats().Ended)
}

// BenchmarkCounted awaits a child, counted or not, or in profiles too.
func BenchmarkCounted(b *testing.B) {
	for _, bm := range []struct {
		name string
		opts []executor.InlineOption
	}{
		{"false", nil},
		{"true", []executor.InlineOption{executor.WithKindStats()}},
		{"profiled", []executor.InlineOption{executor.WithFrameProfile()}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			ex := newInline(b, bm.opts...)
			leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
			root := coro.Define("root", func(f *coro.Frame[int, none]) coro.Step {
				if f.State--; f.State < 0 {
					return f.Return(none{})
				}
				return coro.Await(f, 1, leaf, 1, nil)
			})
			b.ReportAllocs()
			if err := coro.Go(ex, root, b.N); err != nil {
				b.Fatal(err)
			}
		})
	}
}
