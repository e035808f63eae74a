package coro_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
)

// suspending suspends with each Waker that next gives, until there is none.
func suspending(next func(round int) (coro.Waker, bool)) *coro.Kind[int, int] {
	return coro.Define("suspending", func(f *coro.Frame[int, int]) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		w, ok := next(f.State)
		if !ok {
			return f.Return(f.State)
		}
		f.State++
		return coro.Suspend(f, 1, w)
	})
}

func TestWaker(t *testing.T) {
	var zero coro.Waker
	require.False(t, zero.Wake())

	ex := newManual(t, nil)
	first, second := coro.NewWaker(), coro.NewWaker()
	require.False(t, first == second)
	k := suspending(func(round int) (coro.Waker, bool) {
		if round == 2 {
			return coro.Waker{}, false
		}
		return [...]coro.Waker{first, second}[round], true
	})
	end := start(context.Background(), ex, k.With(0))
	copied := first
	require.True(t, copied.Wake())
	require.False(t, first.Wake(), "once")
	require.False(t, copied.Wake())
	require.True(t, second.Wake(), "early")
	require.False(t, second.Wake())
	require.Equal(t, 1, ex.runAll())
	got, err := end()
	require.NoError(t, err)
	require.Equal(t, 2, got)
	require.False(t, first.Wake(), "late")
	require.False(t, second.Wake())
}

// Wakers of tasks that are gone do nothing to those that come later, even though
// slots and frames are used again.
func TestWakersOfThePast(t *testing.T) {
	ex := newInline(t)
	var past []coro.Waker
	var w coro.Waker
	ended := 0
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Suspend(f, 1, w)
		}
		ended++
		return f.Return(none{})
	})
	seen := make(map[coro.Waker]bool)
	for i := range 1000 {
		w = coro.NewWaker()
		require.False(t, seen[w], "an identity is used again")
		seen[w] = true
		require.NoError(t, coro.Go(ex, k, none{}))
		for _, p := range past[max(0, len(past)-100):] {
			require.False(t, p.Wake())
		}
		require.Equal(t, i, ended)
		require.True(t, w.Wake())
		require.Equal(t, i+1, ended)
		past = append(past, w)
	}
}

func TestWakerMisuse(t *testing.T) {
	const message = `coro: task "suspending": a Waker is good for one Suspend, or the Select that it wakes: make another one with NewWaker`
	ex := newInline(t)
	w := coro.NewWaker()
	require.True(t, w.Wake())
	_, err := coro.Run(context.Background(), ex, suspending(func(int) (coro.Waker, bool) { return w, true }).With(0))
	requireMisuse(t, err, message)

	w = coro.NewWaker()
	k := suspending(func(round int) (coro.Waker, bool) { return w, round == 0 })
	require.NoError(t, coro.Go(ex, k, 0))
	_, err = coro.Run(context.Background(), ex, k.With(0))
	requireMisuse(t, err, message)
	require.True(t, w.Wake())
	require.Zero(t, liveIn(ex.Arena()))

	// Two tasks suspend with it at the same time: between Suspend and the return of
	// the one's step comes the other.
	w = coro.NewWaker()
	other := newInline(t)
	once := suspending(func(round int) (coro.Waker, bool) { return w, round == 0 })
	late := coro.Define("suspending", func(f *coro.Frame[int, int]) coro.Step {
		step := coro.Suspend(f, 1, w)
		if err := coro.Go(other, once, 0); err != nil {
			return f.Fail(err) //framearena:ignore on purpose
		}
		return step
	})
	_, err = coro.Run(context.Background(), ex, late.With(0))
	requireMisuse(t, err, message)
	require.Equal(t, 1, liveIn(other.Arena()))
	require.True(t, w.Wake())
	require.Zero(t, liveIn(other.Arena()))

	_, err = coro.Run(context.Background(), ex, suspending(func(int) (coro.Waker, bool) { return coro.Waker{}, true }).With(0))
	requireMisuse(t, err, message)
}

// Many goroutines wake, before, while and after the task suspends: just one does.
func TestWakeFromManyGoroutines(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			ex := newPool(t)
			const wakers = 4
			rounds := scaled(3000)
			type turn struct {
				w     coro.Waker
				first *atomic.Int32
			}
			var turns [wakers]chan turn
			var wg sync.WaitGroup
			for i := range turns {
				turns[i] = make(chan turn, 1)
				wg.Go(func() {
					var last coro.Waker
					for turn := range turns[i] {
						if turn.w.Wake() {
							turn.first.Add(1)
						}
						if last.Wake() {
							t.Error("it was woken twice")
						}
						last = turn.w
					}
				})
			}
			firsts := make([]atomic.Int32, rounds)
			k := suspending(func(round int) (coro.Waker, bool) {
				if round == rounds {
					return coro.Waker{}, false
				}
				w := coro.NewWaker()
				for _, c := range turns {
					c <- turn{w, &firsts[round]}
				}
				return w, true
			})
			got, err := coro.Run(context.Background(), ex, k.With(0))
			require.NoError(t, err)
			require.Equal(t, rounds, got)
			for _, c := range turns {
				close(c)
			}
			wg.Wait()
			for i := range firsts {
				require.Equal(t, int32(1), firsts[i].Load())
			}
		}()
	}
}

func requireChunks(t *testing.T) int {
	t.Helper()
	n, err := coro.WakerChunks()
	require.NoError(t, err)
	return n
}

// What a burst of Wakers takes is given back, also if some of them stay for long.
func TestWakersAreGivenBack(t *testing.T) {
	ex := newInline(t)
	const tasks = 30_000
	wakers := make([]coro.Waker, 0, tasks)
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			wakers = append(wakers, coro.NewWaker())
			return coro.Suspend(f, 1, wakers[len(wakers)-1])
		}
		return f.Return(none{})
	})
	most := coro.WakerStripes() * (coro.KeptChunks + 2)
	for _, every := range []int{1, 2, 1000} {
		wakers = wakers[:0]
		for range tasks {
			require.NoError(t, coro.Go(ex, k, none{}))
		}
		requireChunks(t)
		for i := range wakers {
			if (i+1)%every != 0 || every == 1 {
				require.True(t, wakers[i].Wake())
			}
		}
		if every == 1 {
			require.LessOrEqual(t, requireChunks(t), most)
			continue
		}
		require.LessOrEqual(t, requireChunks(t), most+tasks/every)
		for i := range wakers {
			require.Equal(t, (i+1)%every == 0, wakers[i].Wake())
		}
		require.LessOrEqual(t, requireChunks(t), most)
	}
}

// An entry that was used so often that its id would wrap is not used again: no Waker of the past
// becomes valid.
func TestWakerIDsDoNotWrap(t *testing.T) {
	ex := newInline(t)
	var w coro.Waker
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		w = coro.NewWaker()
		return coro.Suspend(f, 1, w)
	})
	rounds := 3 * coro.EntryUses
	require.NoError(t, coro.Go(ex, k, rounds))
	first := w
	used := make(map[coro.Waker]bool, rounds)
	for range rounds {
		require.False(t, used[w], "a Waker is made twice")
		used[w] = true
		require.True(t, w.Wake())
	}
	require.False(t, first.Wake())
	requireChunks(t)
}

// A Waker that is forgotten is collected, whether no task waited for it, or one that another case
// of its Select has woken.
func TestForgottenWakersAreCollected(t *testing.T) {
	if race.Enabled {
		return // what other tests leave behind comes and goes
	}
	ex := newInline(t)
	var event coro.Event
	event.Set()
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		coro.NewWaker()
		return coro.Select(f, 1, nil, coro.NewWaker().WaitCase(), event.WaitCase())
	})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	require.NoError(t, coro.Go(ex, k, 200_000))
	after := heap()
	if !slab.FromHeap { // otherwise slabs come and go there
		require.Less(t, after, before+1<<20, "400,000 entries have 3.4 MB")
	}
	requireChunks(t)
}

// Goroutines make Wakers, and others wake the tasks.
func TestWakersOfManyGoroutines(t *testing.T) {
	ex := newPool(t)
	const makers = 4
	tasks := scaled(20_000)
	woken := make(chan coro.Waker, 1000)
	var ended atomic.Int64
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			w := coro.NewWaker()
			if f.State%3 == 0 {
				defer w.Wake()
			} else {
				woken <- w
			}
			if f.State%5 == 0 {
				return coro.Select(f, 1, nil, w.WaitCase())
			}
			return coro.Suspend(f, 1, w)
		}
		ended.Add(1)
		return f.Return(none{})
	})
	var making, waking sync.WaitGroup
	for range 2 {
		waking.Go(func() {
			var late []coro.Waker
			for w := range woken {
				if !w.Wake() || w.Wake() {
					t.Error("not woken once")
				}
				if late = append(late, w); len(late) == 300 {
					for _, w := range late {
						if w.Wake() {
							t.Error("woken late")
						}
					}
					late = late[:0]
				}
			}
		})
	}
	for range makers {
		making.Go(func() {
			for i := range tasks {
				if _, err := coro.Run(context.Background(), ex, k.With(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	making.Wait()
	close(woken)
	waking.Wait()
	require.Equal(t, int64(makers*tasks), ended.Load())
	requireChunks(t)
}
